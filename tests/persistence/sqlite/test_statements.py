"""How many statements there are: to be kept in memory, and to be done in one transaction."""

from itertools import product

from persistence.parts import WHOLE
from persistence.sqlite.reading import listing
from persistence.sqlite.store import SQLiteStore
from persistence.sqlite.tables import rows
from runtime import MAX_FILTERS, Listing
from tests.persistence.builders import born, query


def test_the_text_of_a_bounded_number_of_statements_is_kept(store: SQLiteStore) -> None:
    store.commit([born("s", "one")])
    for values in product(("", "x"), repeat=8):
        wanted = Listing(metadata=tuple((str(n), value) for n, value in enumerate(values)))
        store.list_sessions(wanted, 1)
        next(store.stream_sessions(wanted))
    for kept in (listing._page_sql, listing._chunk_sql):
        assert kept.cache_info().currsize <= listing.STATEMENTS < 2**8


def test_no_list_is_too_long_a_statement(store: SQLiteStore) -> None:
    store.commit([born("s", "one")])
    wanted = Listing(metadata=tuple((str(n), "") for n in range(MAX_FILTERS)), prefix="s")
    assert len(store.list_sessions(wanted, 1).sessions) == 1


def rows_of_each_statement(store: SQLiteStore, texts: list[str]) -> list[int]:
    """Of those that write the entries of a new session."""
    asked: list[str] = []
    store._db.conn.set_trace_callback(asked.append)
    store.commit([born("s", *texts)])
    store._db.conn.set_trace_callback(None)
    found = query(store.path, "SELECT seq FROM entry ORDER BY id")
    assert found == [(n,) for n in range(1, len(texts) + 1)]
    return [sql.count("(") - 1 for sql in asked if "INTO entry" in sql]


def test_many_rows_go_with_few_statements(store: SQLiteStore) -> None:
    texts = list(map(str, range(32 + 8 + 2)))
    assert rows_of_each_statement(store, texts) == [32, 8, 1, 1]


def test_long_rows_go_with_statements_of_their_own(store: SQLiteStore) -> None:
    store._room = WHOLE
    short, long = ["short"] * 8, "x" * rows.TEXT
    assert rows_of_each_statement(store, [*short, long, *short, long, long]) == [8, 1, 8, 1, 1]
