"""Callers choose what a list is filtered by: that must not fill the memory with statements."""

from itertools import product

from persistence.sqlite.reading import listing
from persistence.sqlite.store import SQLiteStore
from runtime import MAX_FILTERS, Listing
from tests.persistence.builders import born


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
