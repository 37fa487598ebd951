"""The list is in the order of activity, though appends leave its index alone."""

from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.writing import batch
from runtime import Listing
from tests.persistence.builders import at, born, delta, follows, query

ALL_SESSIONS = Listing()


@pytest.mark.parametrize("moving", [0, 1, batch.MOVING + 40])
def test_the_list_is_in_order_however_many_move(
    store: SQLiteStore, path: Path, moving: int
) -> None:
    count = moving + 60
    begun = store.commit([born(f"s{n:04}", "a", last_activity=at(n % 7)) for n in range(count)])
    places = {}
    for n in range(count):
        places[f"s{n:04}"] = at(n % 7)
        if n < moving:
            places[f"s{n:04}"] = at(n % 5)
            step = follows(begun.begun[f"s{n:04}"], 1, "a", "b", last_activity=at(n % 5))
            assert not store.commit([delta(f"s{n:04}", step)]).rejected
    assert query(path, "SELECT count(*) FROM session WHERE listed IS NULL")[0][0] <= batch.MOVING
    expected = sorted(places, key=lambda name: (places[name], name), reverse=True)
    page = store.list_sessions(ALL_SESSIONS, count)
    assert [info.session_id for info in page.sessions] == expected
    assert store.expired(at(59), count) == sorted(places, key=lambda name: (places[name], name))
    assert verify(path).problems == ()


@pytest.mark.parametrize("size", [1, batch.AT_ONCE - 1, batch.AT_ONCE, 100])
def test_batches_of_any_size_put_sessions_where_they_belong(
    store: SQLiteStore, path: Path, size: int
) -> None:
    names = [f"s{n:03}" for n in range(size)]
    begun = store.commit([born(name, "0") for name in names]).begun
    texts = ["0"]
    for n in range(1, 4):
        texts.append(str(n))
        batch = [
            delta(name, follows(begun[name], n, *texts, last_activity=at(n))) for name in names
        ]
        assert not store.commit(batch).rejected
    # Nothing new, and an activity of before.
    assert not store.commit([delta(names[0], follows(begun[names[0]], 4, *texts))]).rejected
    page = store.list_sessions(ALL_SESSIONS, size)
    assert [info.session_id for info in page.sessions] == [*names[:0:-1], names[0]]
    assert verify(path).problems == ()
