"""Entries are read by their numbers, whatever runs they lie in, and from both ends."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.sqlite.connections import reading
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables import entries
from tests.persistence.builders import born, delta, follows, place_each

LIVES = (1, 2, 3)
APPENDS = st.lists(st.tuples(st.sampled_from(LIVES), st.integers(1, 5)), max_size=12)
NUMBERS = st.integers(1, 30)


@pytest.fixture(autouse=True, scope="module")
def _small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "BLOCK", 4)
        yield


def write(path: Path, appends: list[tuple[int, int]], lengths: dict[int, int]) -> None:
    """So many entries for each life, in this order; `lengths` are those of the lives."""
    store = SQLiteStore.open(path)
    for no, count in appends:
        after = lengths[no]
        lengths[no] += count
        texts = map(str, range(lengths[no]))
        assert not store.commit([delta(f"s{no}", follows(no, after, *texts))]).rejected
    store.close()


@given(APPENDS, APPENDS, st.sampled_from(LIVES), NUMBERS, NUMBERS)
def test_whatever_runs_they_lie_in_they_are_read_from_both_ends(
    rows_each: list[tuple[int, int]],
    in_runs: list[tuple[int, int]],
    no: int,
    low: int,
    high: int,
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.db"
        store = SQLiteStore.open(path)
        store.commit([born(f"s{life}") for life in LIVES])
        store.close()
        lengths = dict.fromkeys(LIVES, 0)
        write(path, rows_each, lengths)
        place_each(path)
        write(path, in_runs, lengths)
        expected = list(range(low, min(high, lengths[no]) + 1))
        with reading(path) as connection:
            found = entries.between(connection, no, low, high)
            assert [row[0] for row in found] == expected
            assert [row[4] for row in found] == [
                b'{"role":"user","content":"%d"}' % (seq - 1) for seq in expected
            ]
            assert list(entries.newest_first(connection, no, low, high)) == found[::-1]
            some = [seq for seq in (high, low, low + 1, low + 7) if seq <= lengths[no]]
            numbered = entries.numbered(connection, no, some)
            assert [row[0] for row in numbered] == sorted({*some})


def test_of_the_newest_no_more_is_read_than_is_asked_for(path: Path) -> None:
    store = SQLiteStore.open(path)
    store.commit([born("s", *map(str, range(9)))])
    store.close()
    with reading(path) as connection:
        steps: list[str] = []
        rows = entries.newest_first(connection, 1, 1, 9)
        with closing(rows):
            assert next(rows)[0] == 9
            connection.set_trace_callback(steps.append)
            assert next(rows)[0] == 8
            connection.set_trace_callback(None)
    assert steps == []
