"""Searching in all sessions: the store's index says where, the log what is shown of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from attrs import frozen

from runtime.clock import timestamp
from runtime.config import MiB
from runtime.errors import InvalidInput
from runtime.index import Hit, HitPage, HitPosition, Sought, Term
from runtime.indexing import AT_ONCE, Indexing
from runtime.loading import Loading
from runtime.session.asked.searched import snippet_of
from runtime.session.bodies.words import terms
from runtime.store.entries import Row, Wanted
from runtime.store.store import Store

PIECE = 4 * MiB
"""Bytes of one session's entries that are read at once, to show parts of them."""

LATELY = timedelta(seconds=10)
"""What another process has written for longer, it has taken into the index by now, or it is far
behind."""


class Log(Protocol):
    """Where entries are read from: a store, or what only looks at one."""

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]: ...


@frozen(kw_only=True)
class Found:
    """An entry that was found."""

    session_id: str
    title: str | None
    """The session's."""
    seq: int
    role: str | None
    """The message's; `None`: it is the title that has the words."""
    snippet: str
    """A part of the text that has them, in one line."""
    at: str


@frozen(kw_only=True)
class SearchPage:
    """Some of what was found, the newest first."""

    hits: Sequence[Found]
    next: HitPosition | None
    """Where the next page starts; `None` at the end. A page may be short, or empty, and go on."""
    indexed_through: str
    """A moment: what was on disk then can be found."""


def sought(
    query: str,
    *,
    prefix: str = "",
    role: str | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
) -> Sought:
    """What is searched for. Raises `InvalidInput`."""
    return Sought(
        terms=terms(query),
        prefix=prefix,
        role=role,
        **{
            name: _moment(value, name)
            for name, value in (("since", since), ("until", until))
            if value is not None
        },
    )


def _moment(value: str | datetime, name: str) -> str:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return timestamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{name}: {value!r} is no moment; write 2025-12-31, or 2025-12-31T08:45:00Z"
        ) from None


async def search(
    store: Store,
    indexing: Indexing,
    loading: Loading,
    wanted: Sought,
    limit: int,
    after: HitPosition | None,
) -> SearchPage:
    """A page of what was found. Raises `StoreError`."""
    if store.ownership.is_shared:
        since = timestamp(indexing.now() - LATELY)
        indexing.take_too(await loading.read(store.index.lately, since, AT_ONCE))
    await indexing.catch_up()
    through = indexing.through
    page = await loading.read(store.index.search, wanted, limit, after)
    found = await loading.read(found_in, store, page, wanted.terms)
    return SearchPage(hits=found, next=page.next, indexed_through=through)


def found_in(log: Log, page: HitPage, terms: tuple[Term, ...]) -> list[Found]:
    """The hits of a page with what is shown of them; those that have gone meanwhile are left out.

    In a thread. Raises `StoreError`.
    """
    by_life: dict[int, list[Hit]] = {}
    for hit in page.hits:
        by_life.setdefault(hit.no, []).append(hit)
    snippets: dict[tuple[int, int], str] = {}
    for no, hits in by_life.items():
        seqs = sorted(hit.seq for hit in hits)
        while seqs:
            rows = log.find(no, Wanted(seqs=seqs, room=PIECE))
            for row in rows:
                snippets[no, row[0]] = snippet_of(row, terms)
            seqs = [seq for seq in seqs if rows and seq > rows[-1][0]]
    return [
        Found(
            session_id=hit.session_id,
            title=hit.title,
            seq=hit.seq,
            role=hit.role,
            snippet=snippets[hit.no, hit.seq],
            at=hit.at,
        )
        for hit in page.hits
        if (hit.no, hit.seq) in snippets
    ]
