"""A session that is not read as a whole: what of it is lost or changed is no silent gap."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from persistence.sqlite.store import SQLiteStore
from runtime import StoreUnavailable, Wanted
from tests.persistence.builders import born, change, delta, follows, log, message, record

LOG = [record(f"r{seq}", 0) if seq in (3, 6, 11) else message("x" * 50) for seq in range(1, 13)]
ROOM = sum(one.size for one in log(*LOG)[8:])
"""For entries 9 to 12. Then 8 is the one at the border, whose chain is what they follow on."""


@pytest.fixture(params=["in one run", "in several"])
def no(request: pytest.FixtureRequest, store: SQLiteStore) -> int:
    """The number of the session."""
    ends = [12] if request.param == "in one run" else [2, 5, 7, 8, 10, 12]
    no = store.commit([born("s"), born("other", *LOG)]).begun["s"]
    last = 0
    for end in ends:
        store.commit([delta("s", follows(no, last, *LOG[:end])), born(f"between {end}", "x")])
        last = end
    return no


def numbers(rows: Sequence[tuple[object, ...]]) -> list[object]:
    return [row[0] for row in rows]


def test_it_is_read_in_parts_while_it_is_whole(store: SQLiteStore, no: int) -> None:
    found = store.load("s", ROOM)
    assert found is not None
    assert (numbers(found.entries), numbers(found.outline)) == ([9, 10, 11, 12], [3, 6])


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("DELETE FROM entry WHERE no = ? AND seq = 12", id="the last entry is lost"),
        pytest.param("DELETE FROM entry WHERE no = ? AND seq = 10", id="one of the newest is lost"),
        pytest.param("DELETE FROM entry WHERE no = ? AND seq = 9", id="the first of them is lost"),
        pytest.param(
            "DELETE FROM entry WHERE no = ? AND seq = 8", id="the one at the border is lost"
        ),
        pytest.param("DELETE FROM entry WHERE no = ? AND seq < 9", id="all of before are lost"),
        pytest.param("DELETE FROM entry WHERE no = ?", id="all are lost"),
        pytest.param(
            "UPDATE entry SET no = 2 WHERE no = ? AND seq = 10", id="one is another one's"
        ),
        pytest.param(
            "UPDATE entry SET seq = 20 WHERE no = ? AND seq = 10", id="one has another number"
        ),
        pytest.param("DELETE FROM look WHERE no = ? AND k < 1 << 61", id="no place is known"),
        pytest.param("UPDATE session SET version = 11 WHERE no = ?", id="the header knows too few"),
        pytest.param(
            "UPDATE session SET version = 13 WHERE no = ?", id="the header knows too many"
        ),
    ],
)
def test_what_is_loaded_has_no_gap(store: SQLiteStore, path: Path, no: int, sql: str) -> None:
    change(path, sql, no)
    with pytest.raises(StoreUnavailable, match=r"^Session 's' is damaged and cannot be read: .*12"):
        store.load("s", ROOM)


@pytest.mark.parametrize("room", [0, 1, ROOM, 1_000_000])
def test_damage_at_the_end_is_noticed_however_little_is_loaded(
    store: SQLiteStore, path: Path, no: int, room: int
) -> None:
    change(path, "DELETE FROM entry WHERE no = ? AND seq = 12", no)
    with pytest.raises(StoreUnavailable, match="'s' is damaged"):
        store.load("s", room)


def test_an_older_entry_that_is_lost_is_not_brought(
    store: SQLiteStore, path: Path, no: int
) -> None:
    # Who asked for it knows that it should be there.
    change(path, "DELETE FROM entry WHERE no = ? AND seq = 4", no)
    assert numbers(store.find(no, Wanted(seqs=range(3, 7)))) == [3, 5, 6]
    assert numbers(store.find(no, Wanted(seqs=range(3, 7), room=1_000))) == [3, 5, 6]
    assert numbers(store.find(no, Wanted(seqs=[6, 5, 4, 3], room=1_000))) == [3, 5, 6]


def test_of_others_nothing_is_said(store: SQLiteStore, path: Path, no: int) -> None:
    change(path, "DELETE FROM entry WHERE no = ? AND seq > 9", no)
    found = store.load("other", ROOM)
    assert found is not None
    assert numbers(found.entries) == [9, 10, 11, 12]


@pytest.mark.parametrize("resident_bytes", [None, ROOM])
def test_a_text_that_is_no_text_any_more_is_called_damage(
    store: SQLiteStore, path: Path, no: int, resident_bytes: int | None
) -> None:
    change(path, "UPDATE entry SET at = CAST(x'32303235ff' AS TEXT) WHERE no = ? AND seq = 10", no)
    with pytest.raises(StoreUnavailable, match=r"damaged.*agent-runtime verify"):
        store.load("s", resident_bytes)
    assert store.load("other") is not None
