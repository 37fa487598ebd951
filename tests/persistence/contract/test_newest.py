"""Of a long session the newest entries are loaded, as many as are asked for, and an outline."""

import pytest
from attrs import evolve

from runtime.store.entries import REMOVAL, Entry, Mark
from runtime.store.store import Store
from runtime.store.stored import StoredSession
from tests.persistence.builders import ROOT, Item, begins, born, delta, fork, log, message, record
from tests.persistence.contract.stores import begun, committed, loaded, rows

ITEMS = (
    message("one", "a", call="call-1"),
    record("r", 1),
    Item("record", "r", {"removed": True}, form=REMOVAL),
    message("four", metadata=b'{"a":1}'),
    record("s", 2),
    "six",
    message("seven", "b"),
)
LOG = log(*ITEMS)


def outline(*seqs: int) -> list[Mark]:
    found = [LOG[seq - 1] for seq in seqs]
    return [(one.seq, one.kind, one.key, one.at, one.form) for one in found]


def room_for(*entries: Entry) -> int:
    return sum(one.size for one in entries)


def newest(store: Store, room: int) -> StoredSession:
    begun(store, born("before", "x"), born("s", *ITEMS), born("after", "x"))
    found = store.load("s", room)
    assert found is not None
    return found


def test_what_fits_is_loaded_with_the_chain_before_it_and_an_outline(store: Store) -> None:
    found = newest(store, room_for(*LOG[3:]))
    assert list(found.entries) == rows(LOG[3:])
    assert found.before == LOG[2].chain
    assert list(found.outline) == outline(2, 3)


def test_what_is_a_byte_too_long_is_not_loaded(store: Store) -> None:
    found = newest(store, room_for(*LOG[3:]) - 1)
    assert list(found.entries) == rows(LOG[4:])
    assert found.before == LOG[3].chain
    assert list(found.outline) == outline(2, 3)


def test_an_entry_that_is_no_message_is_either_loaded_or_outlined(store: Store) -> None:
    room = room_for(*LOG[4:])
    assert list(newest(store, room).outline) == outline(2, 3)
    less = store.load("s", room - 1)
    assert less is not None
    assert list(less.outline) == outline(2, 3, 5)


def test_with_room_for_none_the_whole_is_outlined(store: Store) -> None:
    found = newest(store, 0)
    assert list(found.entries) == []
    assert found.before == LOG[-1].chain
    assert list(found.outline) == outline(2, 3, 5)


@pytest.mark.parametrize("more", [0, 1_000_000])
def test_with_room_for_all_nothing_is_outlined(store: Store, more: int) -> None:
    found = newest(store, room_for(*LOG) + more)
    assert list(found.entries) == rows(LOG)
    assert (found.before, list(found.outline)) == (ROOT, [])


def test_behind_an_entry_that_is_too_long_nothing_is_loaded(store: Store) -> None:
    # A shorter one before it would fit, but then there would be a gap.
    begun(store, born("s", "a", "b" * 1_000, "c"))
    found = store.load("s", 500)
    assert found is not None
    assert [row[0] for row in found.entries] == [3]


def test_all_else_is_said_as_of_the_whole(store: Store) -> None:
    found = newest(store, 0)
    whole = loaded(store, "s")
    assert whole == evolve(found, entries=whole.entries, before=ROOT, outline=whole.outline)


@pytest.mark.parametrize("room", [0, 1_000])
def test_a_session_without_entries_has_nothing_to_load(store: Store, room: int) -> None:
    begun(store, born("s"))
    found = store.load("s", room)
    assert found is not None
    assert (list(found.entries), found.before, list(found.outline)) == ([], ROOT, [])


def test_a_session_that_there_is_not_is_not_loaded(store: Store) -> None:
    begun(store, delta("s", begins("one", end="trash")))
    assert store.load("s", 0) is None
    assert store.load("unheard of", 0) is None


def test_of_a_fork_what_it_has_itself_is_loaded(store: Store) -> None:
    [no] = begun(store, born("s", *ITEMS))
    committed(store, delta("f", fork(no, 5, *ITEMS[:5], "mine")))
    found = store.load("f", room_for(LOG[4]) + len(log("mine")[0].body))
    assert found is not None
    assert [row[0] for row in found.entries] == [5, 6]
    assert (found.before, list(found.outline)) == (LOG[3].chain, outline(2, 3))
