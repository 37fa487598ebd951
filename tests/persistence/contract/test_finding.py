"""Entries of one life, by their keys, their calls and their numbers."""

import pytest

from runtime.store.entries import Wanted
from runtime.store.store import Store
from tests.persistence.builders import Item, begins, born, delta, log, message, record
from tests.persistence.contract.stores import WHOLE, begun, rows

STORES = WHOLE

ITEMS = (
    message("one", "a", call="call-1"),
    record("a", 1),
    "three",
    message("four", "b"),
    record("a", 2),
    Item("record", "b", {"value": 3}, call="call-2"),
    message("seven", "a"),
    Item("approval", "Я/'\"%_", {}, call="call-1"),
)


@pytest.fixture
def no(store: Store) -> int:
    """The life that is searched, with another one of the same keys and calls beside it."""
    return begun(store, born("s", *ITEMS), born("other", *ITEMS))[0]


@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        (Wanted(), []),
        (Wanted(keys=[("record", "a")]), [2, 5]),
        (Wanted(keys=[("message", "a")]), [1, 7]),
        (Wanted(keys=[("message", "b"), ("record", "b"), ("message", "a")]), [1, 4, 6, 7]),
        (Wanted(keys=[("approval", "Я/'\"%_")]), [8]),
        (Wanted(keys=[("approval", "a"), ("record", "c"), ("record", "A")]), []),
        (Wanted(calls=["call-2"]), [6]),
        (Wanted(calls=["call-1", "call-3"]), [1, 8]),
        (Wanted(seqs=[7, 3, 1]), [1, 3, 7]),
        (Wanted(seqs=range(2, 5)), [2, 3, 4]),
        (Wanted(seqs=[0, -1, 9, 2**40]), []),
        (Wanted(keys=[("record", "a")], calls=["call-1"], seqs=[5, 4, 8]), [1, 2, 4, 5, 8]),
    ],
)
def test_the_entries_that_are_wanted_come_in_order_each_once(
    store: Store, no: int, wanted: Wanted, seqs: list[int]
) -> None:
    everything = rows(log(*ITEMS))
    assert list(store.find(no, wanted)) == [everything[seq - 1] for seq in seqs]


def test_many_are_found_at_once(store: Store) -> None:
    keys = [f"k{n}" for n in range(2_000)]
    [no] = begun(store, born("s", *(record(key, 0) for key in keys)))
    wanted = Wanted(keys=[("record", key) for key in keys[::2]], seqs=range(1, 2_001, 4))
    assert [row[0] for row in store.find(no, wanted)] == list(range(1, 2_001, 2))


def test_entries_of_a_life_in_the_trash_are_found(store: Store) -> None:
    [no] = begun(store, delta("s", begins(*ITEMS, end="trash")))
    assert [row[0] for row in store.find(no, Wanted(keys=[("record", "a")]))] == [2, 5]


def test_nothing_is_found_in_a_life_that_there_is_not(store: Store) -> None:
    assert list(store.find(999, Wanted(keys=[("record", "a")], calls=["c"], seqs=[1]))) == []
