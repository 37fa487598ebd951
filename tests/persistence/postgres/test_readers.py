"""Connections for reading: shared, given back, and done without where the server has gone."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from persistence.postgres import readers
from persistence.postgres.reading import listing
from persistence.postgres.store import PostgresStore
from runtime import Listing, StoreUnavailable
from tests.persistence.builders import born
from tests.persistence.contract.stores import EVERYTHING, committed, listed, loaded
from tests.persistence.postgres.asking import Asker
from tests.postgres.server import open_server


def transactions(ask: Asker) -> int:
    """Of other connections, how many are in one."""
    [(count,)] = ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state = 'idle in transaction'"
    )
    return int(count)


def connections(ask: Asker) -> int:
    """Of nodes."""
    [(count,)] = ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'agent-runtime%%'"
    )
    return int(count)


def test_many_threads_share_few_connections(store: PostgresStore, ask: Asker) -> None:
    committed(store, born("s", "one"))
    before = connections(ask)
    with ThreadPoolExecutor(40) as threads:
        found = list(threads.map(lambda _: loaded(store, "s").no, range(400)))
    assert len(set(found)) == 1
    assert connections(ask) <= before + readers.AT_ONCE


def test_a_short_list_is_sent_while_nothing_is_held(store: PostgresStore, ask: Asker) -> None:
    committed(store, born("s"), born("t"))
    chunks = store.stream_sessions(EVERYTHING)
    assert next(chunks).count == 2
    assert transactions(ask) == 0
    assert list(chunks) == []


def test_a_long_list_is_let_go_of_when_it_is_closed(
    store: PostgresStore, ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BLOCK", 2)
    committed(store, *(born(f"s{n}") for n in range(5)))
    chunks = store.stream_sessions(EVERYTHING)
    with closing(chunks):
        assert next(chunks).count == 2
        assert transactions(ask) == 1
    assert transactions(ask) == 0
    assert sum(chunk.count for chunk in store.stream_sessions(EVERYTHING)) == 5


def test_readers_of_long_lists_do_not_keep_others_from_reading(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BLOCK", 2)
    committed(store, *(born(f"s{n}") for n in range(5)))
    slow = [store.stream_sessions(EVERYTHING) for _ in range(readers.AT_ONCE + 1)]
    for chunks in slow:
        next(chunks)
    assert loaded(store, "s1").header.version == 0
    for chunks in slow:
        chunks.close()


def test_a_filtered_list_of_all_skips_what_is_of_nobody(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BLOCK", 2)
    committed(store, *(born(f"{'x' if n == 3 else 's'}{n}") for n in range(9)))
    chunks = [chunk.count for chunk in store.stream_sessions(Listing(prefix="x"))]
    assert sum(chunks) == 1
    assert len(chunks) <= 2


def test_a_store_that_is_closed_holds_no_connection(store: PostgresStore, ask: Asker) -> None:
    committed(store, born("s"))
    listed(store)
    store.close()
    assert connections(ask) == 0


def test_reads_go_on_when_the_server_comes_back() -> None:
    with open_server() as server, closing(PostgresStore.open(server.url())) as store:
        committed(store, born("s", "one"))
        assert listed(store) == ["s"]
        server.stop()
        with pytest.raises(StoreUnavailable):
            store.load("s")
        with pytest.raises(StoreUnavailable):
            next(store.stream_sessions(EVERYTHING))
        server.start()
        assert listed(store) == ["s"]


def test_a_read_passes_over_connections_that_the_server_has_ended(
    store: PostgresStore, ask: Asker
) -> None:
    committed(store, born("s", "one"))
    listed(store)
    ask(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'agent-runtime%%' AND datname = current_database()"
    )
    assert listed(store) == ["s"]


def test_a_connection_is_used_again_however_many_files_are_open(
    store: PostgresStore, ask: Asker
) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2_048:
        pytest.skip("this process may not open so many")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_048), hard))
    files = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        committed(store, born("s", "one"))
        listed(store)
        before = readers_of(ask)
        listed(store)
        assert readers_of(ask) == before
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def readers_of(ask: Asker) -> list[tuple[int, ...]]:
    """The server's processes that have read last."""
    return ask(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'agent-runtime%%' AND query = 'COMMIT'"
    )
