"""The places of entries: whatever is asked for is found by an index, and nothing else is read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables import entries, look
from persistence.sqlite.writing import purging
from runtime import Listing, StoreUnavailable, Wanted
from tests.persistence.builders import (
    NOON,
    at,
    begins,
    born,
    change,
    delta,
    follows,
    fork,
    message,
    query,
    record,
)
from tests.persistence.contract.stores import begun, committed


def frames(path: Path) -> int:
    """Pages that lie in the WAL."""
    return (path.with_name(path.name + "-wal").stat().st_size - 32) // (4_096 + 24)


def runs(path: Path) -> list[tuple[int, int, int]]:
    return query(path, "SELECT no, k, id FROM look WHERE k < 1 << 61 ORDER BY no, k")


def steps_of(store: SQLiteStore, call: str) -> str:
    """How SQLite goes about what a call asks of it."""
    asked: list[str] = []
    with store._reader() as connection:
        connection.set_trace_callback(asked.append)
    eval(call, {"store": store, "Listing": Listing, "Wanted": Wanted})  # noqa: S307 (written below)
    with store._reader() as connection:
        connection.set_trace_callback(None)
        plans = [
            connection.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()
            for sql in asked
            if sql.lstrip().startswith(("SELECT", "WITH"))
        ]
    return "; ".join(step for plan in plans for *_, step in plan)


@pytest.mark.parametrize(
    ("call", "index"),
    [
        ("store.list_sessions(Listing(), 9)", "SEARCH s USING INDEX session_by_activity"),
        ("store.list_sessions(Listing(order='created'), 9)", "INDEX session_by_creation"),
        ("store.list_sessions(Listing(prefix='a'), 9)", "SEARCH s USING INDEX session_by_activity"),
        ("next(store.stream_sessions(Listing()))", "SEARCH s USING INDEX session_by_activity"),
        ("store.expired('a', 9)", "SEARCH session USING INDEX session_by_activity"),
        ("store.trash(9)", "SEARCH s USING INDEX session_deleted "),
        ("store.trash(9, None, 's')", "SEARCH s USING INDEX session_deleted_by_id"),
        ("store.trashed_before('a', 9)", "SEARCH session USING INDEX session_deleted "),
        ("store.trashed(1)", "SEARCH s USING INTEGER PRIMARY KEY (rowid=?)"),
        ("store.superseded('a', 9)", "SEARCH look USING PRIMARY KEY (no>?)"),
        ("store.superseded('a', 9)", "SEARCH look USING PRIMARY KEY (no>? AND no<?)"),
        ("store.superseded('a', 9)", "SEARCH l USING PRIMARY KEY (no=? AND k>?)"),
        ("store.superseded('a', 9)", "SEARCH m USING PRIMARY KEY (no=? AND k=?)"),
        ("store.load('s')", "SEARCH run USING PRIMARY KEY (no=? AND k>? AND k<?)"),
        ("store.load('s')", "SEARCH entry USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
        ("store.load('one')", "SEARCH entry USING INTEGER PRIMARY KEY (rowid=?)"),
        ("store.load('s', 0)", "SEARCH entry USING COVERING INDEX entry_outline (no=? AND seq<?)"),
        (
            "store.find(1, Wanted(seqs=[2, 1], room=9))",
            "SEARCH run USING PRIMARY KEY (no=? AND k>? AND k<?)",
        ),
        ("store.find(1, Wanted(seqs=[1]))", "SEARCH run USING PRIMARY KEY (no=? AND k>? AND k<?)"),
        ("store.find(1, Wanted(calls=['c']))", "SEARCH look USING PRIMARY KEY (no=? AND k=?)"),
        (
            "store.find(1, Wanted(keys=[('record', 'r')]))",
            "SEARCH look USING PRIMARY KEY (no=? AND k=?)",
        ),
    ],
)
def test_what_is_read_is_found_by_an_index(store: SQLiteStore, call: str, index: str) -> None:
    store.commit([born("s", "one", "two"), born("one", "one"), born("between", "x")])
    store.commit([delta("one", follows(2, 1, "one", "two"))])
    steps = steps_of(store, call)
    assert index in steps
    assert "SCAN entry" not in steps
    assert "SCAN look" not in steps
    assert "AUTOMATIC" not in steps


@pytest.mark.parametrize(
    "call",
    [
        "store.list_sessions(Listing(), 9)",
        "store.list_sessions(Listing(order='created'), 9)",
        "next(store.stream_sessions(Listing()))",
        "store.expired('a', 9)",
        "store.trash(9)",
        "store.trashed_before('a', 9)",
        "store.load('s')",
        "store.load('s', 9)",
    ],
)
def test_of_what_is_read_only_the_few_that_move_are_sorted(store: SQLiteStore, call: str) -> None:
    store.commit([born("s", "one")])
    steps = steps_of(store, call)
    assert steps.count("TEMP B-TREE") <= steps.count("session_moving")


def test_an_append_costs_few_pages(store: SQLiteStore, path: Path) -> None:
    items = [message("x" * 250, f"{n:016x}") for n in range(200)]
    no = store.commit([delta("s", begins(*items[:20]))]).begun["s"]
    store._db.conn.execute("PRAGMA wal_autocheckpoint = 0")
    store.commit([delta("s", follows(no, 20, *items[:21], last_activity=at(1)))])
    store._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for n in range(21, 200):
        store.commit([delta("s", follows(no, n, *items[: n + 1], last_activity=at(n % 60)))])
    assert frames(path) <= 5 * 179


def test_a_long_session_is_forked_whole(store: SQLiteStore, path: Path) -> None:
    texts = [str(n) for n in range(2_500)]
    [no] = begun(store, born("s", *texts))
    store.commit([born("between", "x")])
    committed(store, delta("fork", fork(no, 2_400, *texts[:2_400], "mine")))
    assert verify(path).problems == ()


def test_two_entries_of_one_number_that_lie_apart_are_both_kept_and_neither_is_shown(
    store: SQLiteStore, path: Path
) -> None:
    no = store.commit([born("s", "one"), born("between", "x")]).begun["s"]
    store.commit([delta("s", follows(no, 1, "one", "two"))])
    # A header that lies about what is stored: nobody but another program writes one.
    change(path, "UPDATE session SET version = 1 WHERE no = ?", no)
    store.commit([delta("s", follows(no, 1, "one", "again"))])
    bodies = query(path, "SELECT body ->> 'content' FROM entry WHERE seq = 2")
    assert bodies == [("two",), ("again",)]
    with pytest.raises(StoreUnavailable, match="it has 3 entries, not 2"):
        store.load("s")
    assert "Session 's': there are several entries 2" in verify(path).problems


def test_an_entry_that_another_one_of_its_number_hides_is_kept_and_named(
    store: SQLiteStore, path: Path
) -> None:
    no = store.commit([born("s", "one", "two")]).begun["s"]
    change(path, "UPDATE session SET version = 1")  # as above; but here the two are in one run
    store.commit([delta("s", follows(no, 1, "one", "again"))])
    bodies = query(path, "SELECT body ->> 'content' FROM entry WHERE seq = 2")
    assert bodies == [("two",), ("again",)]
    assert verify(path).problems == ("Session 's': entry 2 is not found by its number",)


def test_what_is_written_together_or_goes_on_at_the_end_is_one_run(
    store: SQLiteStore, path: Path
) -> None:
    first, second = store.commit([born("a", "1", "2"), born("b", "1", "2", "3")]).begun.values()
    store.commit([delta("b", follows(second, 3, "1", "2", "3", "4", "5"))])
    store.commit([delta("b", follows(second, 5, *"123456"))])
    assert runs(path) == [(first, 1, 1), (second, 1, 3)]
    # Of a batch, first the one that goes on at the end.
    store.commit(
        [delta("a", follows(first, 2, "1", "2", "3")), delta("b", follows(second, 6, *"1234567"))]
    )
    assert runs(path) == [(first, 1, 1), (first, 3, 10), (second, 1, 3)]


def test_a_fork_is_one_run(store: SQLiteStore, path: Path) -> None:
    texts = [str(n) for n in range(5)]
    no = store.commit([born("s", *texts[:2])]).begun["s"]
    store.commit([born("between", "x")])
    store.commit([delta("s", follows(no, 2, *texts))])
    store.commit([delta("fork", fork(no, 4, *texts[:4], "mine"))])
    assert runs(path) == [(no, 1, 1), (no, 3, 4), (2, 1, 3), (3, 1, 7)]


def test_behind_a_fork_a_life_goes_on_in_another_run(store: SQLiteStore, path: Path) -> None:
    store.commit([born("source", "1"), born("s", "1")])
    store.commit([delta("fork", fork(1, 1, "1", "mine"))])
    store.commit([delta("s", follows(2, 1, "1", "2", end="trash"))])
    assert runs(path) == [(1, 1, 1), (2, 1, 2), (2, 2, 5), (3, 1, 3)]


def test_a_life_goes_on_where_a_purged_one_lay(store: SQLiteStore, path: Path) -> None:
    no = store.commit([born("s", "one")]).begun["s"]
    store.commit([born("last", "two", end="purge")])
    store.commit([delta("s", follows(no, 1, "one", "three"))])
    assert runs(path) == [(no, 1, 1)]
    assert verify(path).problems == ()


def test_a_purge_takes_nothing_of_what_was_written_where_its_entries_lay(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "PURGE_CHUNK", 3)
    assert store.commit([born("s", *map(str, range(5)), end="purge")]).leftover
    while store.commit([born("new", *map(str, range(9)))]).leftover:
        pass
    assert query(path, "SELECT no, count(*) FROM entry GROUP BY no") == [(2, 9)]
    assert verify(path).problems == ()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE session SET version = 3 WHERE no = 1",
        "UPDATE look SET id = id + 1 WHERE no = 1",
        "UPDATE look SET id = id + 2 WHERE no = 1",
        "INSERT INTO look VALUES (1, 2, 3)",
    ],
)
def test_a_run_that_reaches_into_another_session_shows_nothing_of_it(
    store: SQLiteStore, path: Path, sql: str
) -> None:
    store.commit([born("s", "one", "two"), born("other", "secret", "secret")])
    change(path, sql)
    with pytest.raises(StoreUnavailable, match="'s' is damaged"):
        store.load("s")
    assert {body for _, _, _, _, body, *_ in store.find(1, Wanted(seqs=range(9)))} <= {
        b'{"role":"user","content":"one"}',
        b'{"role":"user","content":"two"}',
    }
    assert "secret" not in query(path, "SELECT messages FROM sessions WHERE session_id = 's'")[0][0]


def test_the_runs_of_a_life_that_is_forked_are_followed_to_its_own_entries_only(
    store: SQLiteStore, path: Path
) -> None:
    no = store.commit([born("s", "one", "two"), born("other", "secret")]).begun["s"]
    change(path, "UPDATE session SET version = 3 WHERE no = ?", no)
    assert store.commit([delta("fork", fork(no, 3, "one", "two", "three", "mine"))]).rejected


def test_the_place_after_the_last_one_is_found_again_after_a_purge(
    store: SQLiteStore, path: Path
) -> None:
    no = store.commit([born("s", "one")]).begun["s"]
    store.commit([born("last", message("two", "k"), end="purge")])
    store.commit([delta("s", follows(no, 1, "one", message("three", "k")))])
    assert [row[0] for row in store.find(no, Wanted(keys=[("message", "k")]))] == [2]
    assert verify(path).problems == ()


# -- hashes that collide: not once in 2^61, but harmless all the same ------------------------------

COLLIDING = (
    message("one", "a", call="a"),
    record("a", 1),
    record("b", 1, NOON),
    message("no key", call="b"),
    message("no key either", call="c"),
    record("a", 2),
    message("seven", "b"),
)


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """All kinds, keys and calls have one hash."""
    monkeypatch.setattr(look, "hash_of", lambda kind, key: look.FIRST_HASH)
    monkeypatch.setattr(entries, "hash_of", lambda kind, key: look.FIRST_HASH)


@pytest.mark.usefixtures("colliding")
@pytest.mark.parametrize(
    ("wanted", "seqs"),
    [
        (Wanted(keys=[("message", "a")]), [1]),
        (Wanted(keys=[("record", "a")]), [2, 6]),
        (Wanted(keys=[("record", "b"), ("message", "b")]), [3, 7]),
        (Wanted(keys=[("record", "c"), ("switch", "a")]), []),
        (Wanted(calls=["a"]), [1]),
        (Wanted(calls=["b", "c"]), [4, 5]),
        (Wanted(calls=["d"]), []),
        (Wanted(keys=[("message", "a")], calls=["a"], seqs=[1, 2]), [1, 2]),
    ],
)
def test_of_entries_whose_hashes_collide_those_that_are_wanted_are_found(
    store: SQLiteStore, wanted: Wanted, seqs: list[int]
) -> None:
    no = store.commit([born("s", *COLLIDING), born("other", *COLLIDING)]).begun["s"]
    assert [row[0] for row in store.find(no, wanted)] == seqs


@pytest.mark.usefixtures("colliding")
def test_only_what_was_written_twice_is_superseded_though_hashes_collide(
    store: SQLiteStore,
) -> None:
    different = [record("a", 1), record("b", 1), message("m", "a")]
    begun = store.commit([born("s", *COLLIDING), born("other", *different)]).begun
    assert store.superseded(at(59), 9).sessions == [(begun["s"], "s")]


@pytest.mark.usefixtures("colliding")
def test_a_database_whose_hashes_collide_is_whole(store: SQLiteStore, path: Path) -> None:
    no = store.commit([born("s", *COLLIDING)]).begun["s"]
    store.commit([delta("fork", fork(no, 6, *COLLIDING))])
    assert verify(path).problems == ()


@pytest.mark.usefixtures("colliding")
def test_a_message_id_that_counts_twice_is_named_though_hashes_collide(
    store: SQLiteStore, path: Path
) -> None:
    store.commit([born("s", *COLLIDING, message("again", "a"))])
    assert verify(path).problems == ("Session 's' has the message id 'a' 2 times",)


@pytest.mark.usefixtures("colliding")
def test_a_long_life_whose_hashes_collide_is_purged_whole(store: SQLiteStore, path: Path) -> None:
    items = [record(f"k{n}", n) for n in range(purging.PURGE_CHUNK + 1)]
    assert store.commit([born("s", *items, end="purge")]).leftover
    assert not store.commit([]).leftover
    assert query(path, "SELECT (SELECT count(*) FROM entry), count(*) FROM look") == [(0, 0)]


@given(st.text(max_size=9), st.text(max_size=9))
def test_a_hash_is_no_number_and_has_its_place_in_a_row(kind: str, key: str) -> None:
    assert look.LAST_NUMBER < look.FIRST_HASH <= look.hash_of(kind, key) < 1 << 62
