"""What a database must be to be opened, and what is made in it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from persistence import open_reader, open_store
from persistence.postgres import connections
from persistence.postgres.schema import SCHEMA_VERSION
from persistence.postgres.store import PostgresStore
from runtime import CannotOpenStore, Listing
from tests.persistence.builders import born
from tests.persistence.contract.stores import committed, listed
from tests.persistence.postgres.asking import Asker
from tests.postgres.databases import Databases
from tests.postgres.server import open_server


@pytest.fixture
def ask(database: str) -> Asker:
    """Asks the test's own database."""
    return Asker(database)


def refused(url: str, *, to_readers: bool = True) -> CannotOpenStore:
    """Why this is not opened, and, unless one may read there, not looked at."""
    with pytest.raises(CannotOpenStore) as first:
        PostgresStore.open(url)
    if to_readers:
        with pytest.raises(CannotOpenStore):
            open_reader(url)
    else:
        with closing(open_reader(url)) as reader:
            assert reader.count() == 0
            assert list(reader.list_sessions(Listing(), 9).sessions) == []
    assert first.value.hint
    return first.value


def objects(ask: Asker) -> list[tuple[str, ...]]:
    """All that the database has beyond what PostgreSQL itself has."""
    return ask(
        "SELECT nspname, relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema' ORDER BY 1, 2"
    )


def test_all_is_in_a_schema_of_its_own(database: str, ask: Asker) -> None:
    PostgresStore.open(database).close()
    assert {schema for schema, _ in objects(ask)} == {"agent_runtime"}


def test_many_nodes_may_start_at_once_in_an_empty_database(database: str, ask: Asker) -> None:
    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(PostgresStore.open, [database] * 6))
    for store in stores:
        store.close()
    assert ask("SELECT schema_version FROM meta") == [(SCHEMA_VERSION,)]
    assert ask("SELECT count(*), sum(living) FROM tally") == [(256, 0)]
    assert ask.count("shard") == 256


def test_what_is_there_is_kept(database: str) -> None:
    with closing(PostgresStore.open(database)) as store:
        committed(store, born("s", "one"))
    with closing(PostgresStore.open(database)) as store:
        assert listed(store) == ["s"]


def test_a_schema_that_the_owner_has_made_ready_is_filled(database: str, ask: Asker) -> None:
    ask.run("CREATE SCHEMA agent_runtime")
    PostgresStore.open(database).close()
    assert ask.count("meta") == 1


@pytest.mark.parametrize(
    "made",
    ["CREATE TABLE chats (n int)", "CREATE TABLE meta (n int)", "CREATE VIEW meta AS TABLE v"],
)
def test_a_schema_of_somebody_else_is_left_alone(database: str, ask: Asker, made: str) -> None:
    ask.run("CREATE SCHEMA agent_runtime")
    ask.run("CREATE TABLE public.v AS SELECT 1 AS schema_version WHERE false")
    ask.run(made.replace("TABLE v", "TABLE public.v"))
    before = objects(ask)
    assert "is not this program's" in refused(database).problem
    assert objects(ask) == before


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 0])
def test_another_version_is_refused(database: str, ask: Asker, version: int) -> None:
    PostgresStore.open(database).close()
    ask.run("UPDATE meta SET schema_version = %s", version)
    assert f"version {version}" in refused(database).problem


def test_a_store_that_has_to_be_there_is_not_made(database: str, ask: Asker) -> None:
    for look in (lambda: open_store(database, create=False), lambda: open_reader(database)):
        with pytest.raises(CannotOpenStore, match="There are no sessions"):
            look()
    assert objects(ask) == []


# -- the server --------------------------------------------------------------------------------


def test_a_database_that_is_not_there_is_refused(databases: Databases) -> None:
    assert "cannot be reached" in refused(databases.of("nowhere")).problem


def test_another_encoding_is_refused(databases: Databases) -> None:
    with psycopg.connect(databases.url, autocommit=True) as server:
        server.execute("CREATE DATABASE agent_runtime_latin1 TEMPLATE template0 ENCODING 'LATIN1'")
        try:
            found = refused(databases.of("agent_runtime_latin1"))
        finally:
            server.execute("DROP DATABASE agent_runtime_latin1")
    assert "LATIN1" in found.problem
    assert "ENCODING 'UTF8'" in found.hint


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("synchronous_commit = off", "synchronous_commit is off"),
        ("default_transaction_read_only = on", "is read-only"),
    ],
)
def test_a_server_that_does_not_keep_what_it_confirms_is_refused(
    database: str, ask: Asker, setting: str, said: str
) -> None:
    PostgresStore.open(database).close()
    name = urlsplit(database).path[1:]
    ask.run(f"ALTER DATABASE {name} SET {setting}")
    assert said in refused(database, to_readers=False).problem


def test_a_standby_is_refused() -> None:
    with open_server() as server:
        PostgresStore.open(server.url()).close()
        server.stop()
        (server.data / "standby.signal").touch()
        server.start()
        found = refused(server.url(), to_readers=False)
    assert "is a standby" in found.problem
    assert "target_session_attrs=read-write" in found.hint


def test_a_confirmation_by_standbys_may_be_waited_for(database: str, ask: Asker) -> None:
    ask.run(f"ALTER DATABASE {urlsplit(database).path[1:]} SET synchronous_commit = remote_apply")
    PostgresStore.open(database).close()


def test_an_older_server_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "OLDEST", 990_000)
    assert "is the oldest" in refused(database).problem


# -- whoever may not ---------------------------------------------------------------------------


@pytest.fixture
def stranger(database: str, ask: Asker) -> Iterator[str]:
    """The URL for a user who owns nothing."""
    ask.run("CREATE ROLE agent_runtime_stranger LOGIN")
    parts = urlsplit(database)
    netloc = f"agent_runtime_stranger@{parts.netloc.rpartition('@')[2]}"
    # `urlunsplit` makes no `//` of a place without a host.
    yield urlunsplit(parts._replace(netloc=netloc))
    ask.run("DROP OWNED BY agent_runtime_stranger CASCADE")
    ask.run("DROP ROLE agent_runtime_stranger")


def test_who_may_not_create_a_schema_is_told_what_the_owner_can_do(stranger: str) -> None:
    found = refused(stranger)
    assert "may not create" in found.problem
    assert "CREATE SCHEMA agent_runtime" in found.hint


def test_who_was_given_a_schema_needs_no_more(stranger: str, ask: Asker) -> None:
    ask.run("CREATE SCHEMA agent_runtime AUTHORIZATION agent_runtime_stranger")
    with closing(PostgresStore.open(stranger)) as store:
        committed(store, born("s", "one"))
        assert listed(store) == ["s"]


def test_who_may_not_read_what_is_there_is_refused(
    database: str, stranger: str, ask: Asker
) -> None:
    PostgresStore.open(database).close()
    assert "may not use" in refused(stranger).problem
