"""Entries are read as far as they fill the room, in the order in which they are asked for."""

from collections.abc import Collection

import pytest

from runtime.store.entries import Wanted
from runtime.store.store import Store
from tests.persistence.builders import Item, born, log, message, record
from tests.persistence.contract.stores import WHOLE, begun, rows

STORES = WHOLE

ITEMS = tuple(message("x" * 72) if seq != 5 else record("r", "x" * 87) for seq in range(1, 13))
"""A hundred bytes of text each."""
SIZE = 100


@pytest.fixture
def no(store: Store) -> int:
    assert {entry.size for entry in log(*ITEMS)} == {SIZE}
    return begun(store, born("other", *ITEMS), born("s", *ITEMS))[1]


@pytest.mark.parametrize(
    ("seqs", "room", "found"),
    [
        # The first always comes, and then as many as it takes to fill the room.
        (range(3, 9), 0, [3]),
        (range(3, 9), 1, [3]),
        (range(3, 9), SIZE, [3]),
        (range(3, 9), SIZE + 1, [3, 4]),
        (range(3, 9), 3 * SIZE, [3, 4, 5]),
        (range(3, 9), 6 * SIZE, [3, 4, 5, 6, 7, 8]),
        (range(3, 9), 1_000_000, [3, 4, 5, 6, 7, 8]),
        # Descending: the highest first.
        (range(8, 2, -1), 0, [8]),
        (range(8, 2, -1), 2 * SIZE, [7, 8]),
        ([8, 7, 6, 5], 2 * SIZE, [7, 8]),
        ([8, 7, 6, 5], 4 * SIZE, [5, 6, 7, 8]),
        # In any order.
        ([9, 2, 3, 4, 1], SIZE, [9]),
        ([9, 2, 3, 4, 1], 2 * SIZE, [2, 9]),
        ([9, 2, 3, 4, 1], 4 * SIZE, [2, 3, 4, 9]),
        ([4, 5, 3, 2, 6], 3 * SIZE, [3, 4, 5]),
        ([1, 3, 5, 7], 3 * SIZE, [1, 3, 5]),
        (range(1, 13, 4), 2 * SIZE, [1, 5]),
        ((6,), 0, [6]),
        (range(4, 4), 0, []),
        ((), 1_000, []),
        # Of which there are none.
        (range(11, 99), 1_000_000, [11, 12]),
        ([99, 12, 11], SIZE, [12]),
        ([0, 3, 4], SIZE, [3]),
    ],
)
def test_as_many_come_as_fill_the_room(
    store: Store, no: int, seqs: Collection[int], room: int, found: list[int]
) -> None:
    everything = rows(log(*ITEMS))
    assert list(store.find(no, Wanted(seqs=seqs, room=room))) == [
        everything[seq - 1] for seq in found
    ]


def test_the_room_is_for_numbers_alone(store: Store, no: int) -> None:
    wanted = Wanted(keys=[("record", "r")], seqs=range(1, 4), room=0)
    assert [row[0] for row in store.find(no, wanted)] == [1, 5]


def test_metadata_and_keys_take_room_too(store: Store) -> None:
    items: list[Item | str] = [
        message("a", key="k" * 300),
        message("b", metadata=b'"%s"' % (b"m" * 300)),
        "c",
        "d",
    ]
    [no] = begun(store, born("s", *items))
    assert [row[0] for row in store.find(no, Wanted(seqs=range(1, 5), room=300))] == [1]
    assert [row[0] for row in store.find(no, Wanted(seqs=range(2, 5), room=300))] == [2]
