"""The list in one piece, encoded, as it is at one moment."""

import json
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from attrs import asdict

from runtime.store.listing import STREAMABLE, ListChunk, Listing, SessionInfo
from runtime.store.store import Store
from runtime.store.stored import Settings
from tests.persistence.builders import at, born, delta, follows
from tests.persistence.contract.stores import EVERYTHING, WHOLE, begun, committed, listed, trashed

STORES = WHOLE

ENOUGH = 2_500
"""Sessions that no store answers in one chunk, if it has chunks at all."""

GUIDES = ["session_id", "message_count", "last_activity", "current_agent"]


def decoded(chunks: Iterable[ListChunk]) -> list[dict[str, Any]]:
    """The sessions of the chunks, put together as whoever answers a request does."""
    sessions: list[dict[str, Any]] = json.loads(
        b"[" + b",".join(chunk.json for chunk in chunks if chunk.count) + b"]"
    )
    return sessions


def said_of(info: SessionInfo, include: Collection[str] = ()) -> dict[str, Any]:
    members = {name: asdict(info)[name] for name in [*GUIDES, *include]}
    return {name: value for name, value in members.items() if value is not None}


def test_the_list_of_nothing_is_an_empty_chunk(store: Store) -> None:
    assert list(store.stream_sessions(EVERYTHING)) == [ListChunk(b"", 0)]


@pytest.mark.parametrize("number", [1, 2, 1_023, 1_024, 1_025, ENOUGH])
def test_the_chunks_put_together_are_the_list(store: Store, number: int) -> None:
    committed(store, *(born(f'"{n}" Я', last_activity=at(n % 3)) for n in range(number)))
    trashed(store, "deleted")
    chunks = list(store.stream_sessions(EVERYTHING))
    found = decoded(chunks)
    page = store.list_sessions(EVERYTHING, number)
    assert found == [said_of(info) for info in page.sessions]
    assert sum(chunk.count for chunk in chunks) == number


def test_the_members_are_the_guides_in_its_order(store: Store) -> None:
    committed(store, born("s", "one", settings=Settings(title="t", archived=True)))
    [session] = decoded(store.stream_sessions(EVERYTHING))
    assert list(session) == GUIDES


@pytest.mark.parametrize(
    "include", [STREAMABLE, *((name,) for name in STREAMABLE), ("title", "version")]
)
def test_the_included_members_follow(store: Store, include: Collection[str]) -> None:
    settings = Settings(title='Ж "t"', archived=True, metadata='{"a":[1,{"Ж":null}]}'.encode())
    committed(store, born("s", "one", settings=settings), born("t", settings=Settings(title="")))
    sessions = decoded(store.stream_sessions(EVERYTHING, include))
    page = store.list_sessions(EVERYTHING, 10)
    assert sessions == [said_of(info, include) for info in page.sessions]
    assert all(list(session)[:4] == GUIDES for session in sessions)


def test_a_member_that_a_session_does_not_have_is_left_out(store: Store) -> None:
    committed(store, born("s"))
    [session] = decoded(store.stream_sessions(EVERYTHING, ["title", "archived"]))
    assert session.keys() == {*GUIDES, "archived"}
    assert session["archived"] is False


@pytest.mark.parametrize(
    "listing",
    [
        EVERYTHING,
        Listing(order="created"),
        Listing(prefix="s1"),
        Listing(archived=True, order="created"),
        Listing(metadata=(("n", "1"),)),
        Listing(prefix="nobody"),
    ],
)
def test_a_list_that_is_ordered_and_filtered_is_streamed_so(store: Store, listing: Listing) -> None:
    committed(
        store,
        *(
            born(
                f"s{n}",
                created_at=at(n % 5),
                last_activity=at(n % 3),
                settings=Settings(archived=n % 2 == 0, metadata=b'{"n":%d}' % (n % 4)),
            )
            for n in range(30)
        ),
    )
    sessions = decoded(store.stream_sessions(listing))
    assert [session["session_id"] for session in sessions] == listed(store, listing)


def test_a_filter_that_few_pass_streams_the_few(store: Store) -> None:
    committed(store, *(born(f"hay {n}", last_activity=at(2)) for n in range(ENOUGH)))
    committed(store, *(born(name, last_activity=at(n)) for n, name in ((1, "x1"), (3, "x3"))))
    sessions = decoded(store.stream_sessions(Listing(prefix="x")))
    assert [session["session_id"] for session in sessions] == ["x3", "x1"]


@pytest.mark.parametrize("listing", [EVERYTHING, Listing(order="created")])
def test_the_chunks_are_of_the_moment_of_the_first_one(store: Store, listing: Listing) -> None:
    numbers = begun(store, *(born(f"s{n}") for n in range(ENOUGH)))
    chunks = store.stream_sessions(listing)
    committed(store, *(delta(f"s{n}", follows(no, 0, "x")) for n, no in enumerate(numbers)))
    first = next(chunks)
    committed(
        store,
        *(
            delta(f"s{n}", follows(no, 1, "x", end="trash" if n % 2 else None, last_activity=at(2)))
            for n, no in enumerate(numbers)
        ),
        *(born(f"new {n}", last_activity=at(0)) for n in range(10)),
    )
    sessions = decoded([first, *chunks])
    assert {session["message_count"] for session in sessions} == {1}
    assert {session["last_activity"] for session in sessions} == {at(0)}
    assert {session["session_id"] for session in sessions} == {f"s{n}" for n in range(ENOUGH)}


def test_each_chunk_may_be_asked_for_in_another_thread(store: Store) -> None:
    committed(store, *(born(f"s{n}") for n in range(ENOUGH)))
    chunks = store.stream_sessions(EVERYTHING)
    read: list[ListChunk] = []
    chunk: ListChunk | None = None
    while True:
        with ThreadPoolExecutor(1) as thread:
            chunk = thread.submit(next, chunks, None).result()
        if chunk is None:
            break
        read.append(chunk)
    assert len(decoded(read)) == ENOUGH


def test_a_stream_that_is_closed_early_leaves_the_store_usable(store: Store) -> None:
    committed(store, *(born(f"s{n}") for n in range(ENOUGH)))
    with closing(store.stream_sessions(EVERYTHING)) as chunks:
        next(chunks)
    committed(store, born("more"))
    assert store.list_sessions(EVERYTHING, 1).total == ENOUGH + 1
