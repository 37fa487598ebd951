"""Searching in a store: what is in its index, and short ways to ask it."""

from collections.abc import Iterator
from typing import Any

from runtime.index import HitPage, HitPosition, Sought
from runtime.session.asked.searched import text_of
from runtime.session.bodies.words import terms
from runtime.store.store import Store

MUCH = 1_000_000


def taken(store: Store, room: int = MUCH) -> None:
    """Takes what the index lacks, as the runtime does, so much at a time."""
    after: int | None = 0
    while after is not None:
        behind = store.index.behind(2, after)
        after, left = behind.next, behind.session_ids
        while left:
            left = store.index.take(left, text_of, room).left
    while store.index.forget(2):
        pass


def sought(query: str, **members: Any) -> Sought:
    return Sought(terms=terms(query), **members)


def hits(store: Store, query: str, **members: Any) -> set[tuple[str, int]]:
    """Which entries are found: session id and number."""
    page = store.index.search(sought(query, **members), 1_000)
    assert page.next is None
    moments = [hit.at for hit in page.hits]
    assert moments == sorted(moments, reverse=True)
    return {(hit.session_id, hit.seq) for hit in page.hits}


def pages(store: Store, query: str, limit: int) -> Iterator[HitPage]:
    """The pages of what is found, one after the other."""
    after: HitPosition | None = None
    while True:
        page = store.index.search(sought(query), limit, after)
        yield page
        after = page.next
        if after is None:
            return
