"""What readers see while somebody commits."""

from threading import Event, Thread

import pytest

from runtime.store.entries import Wanted
from runtime.store.store import Store
from tests.persistence.builders import Item, begins, born, delta, follows, log
from tests.persistence.contract.stores import (
    EVERYTHING,
    MANY,
    begun,
    committed,
    loaded,
    rows,
)

ROUNDS = 50


def test_readers_beside_the_writer_see_whole_batches(store: Store) -> None:
    numbers = begun(store, born("a"), born("b"))
    done = Event()
    torn: list[object] = []

    def read() -> None:
        while not done.is_set():
            second = loaded(store, "b")
            first = loaded(store, "a")  # read later, so it may only be ahead
            if second.header.version != len(second.entries):
                torn.append(second)
            if len(first.entries) < len(second.entries):
                torn.append((first, second))

    readers = [Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        texts: list[Item | str] = []
        for n in range(ROUNDS):
            texts += ("one", "two")
            steps = (follows(no, 2 * n, *texts) for no in numbers)
            committed(store, *map(delta, "ab", steps))
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert torn == []


def test_a_page_beside_the_writer_is_of_one_moment(store: Store) -> None:
    done = Event()
    torn: list[object] = []

    def read() -> None:
        while not done.is_set():
            page = store.list_sessions(EVERYTHING, MANY)
            if page.total != len(page.sessions) or page.total % 2:
                torn.append(page)

    reader = Thread(target=read)
    reader.start()
    try:
        for n in range(ROUNDS):
            outcome = committed(store, born(f"a{n}"), born(f"b{n}"))
            if n % 2:
                ends = (
                    delta(name, follows(no, 0, end="trash")) for name, no in outcome.begun.items()
                )
                committed(store, *ends)
    finally:
        done.set()
        reader.join()
    assert torn == []


@pytest.mark.parametrize("has_ended", [False, True])
def test_what_was_handed_out_stays_as_it_was(store: Store, has_ended: bool) -> None:
    [no] = begun(store, born("s", "one"))
    session = loaded(store, "s")
    entries = store.find(no, Wanted(seqs=[1, 2]))
    step = follows(no, 1, "one", "two", end="trash" if has_ended else None)
    committed(store, delta("s", step))
    assert list(session.entries) == list(entries) == rows(log("one"))


def test_a_life_in_the_trash_is_found_beside_a_new_one_of_its_id(store: Store) -> None:
    [old] = begun(store, delta("s", begins("old", end="trash")))
    [new] = begun(store, born("s", "new"))
    assert [list(store.find(no, Wanted(seqs=[1]))) for no in (old, new)] == [
        rows(log("old")),
        rows(log("new")),
    ]
