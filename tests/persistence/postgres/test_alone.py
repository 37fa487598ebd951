"""A database for oneself: no node uses it, and none can."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from attrs import define

from persistence.postgres.address import Address
from persistence.postgres.alone import Alone
from persistence.postgres.connections import Connection, connect
from persistence.postgres.nodes.judge import TTL
from persistence.postgres.store import PostgresStore
from runtime import StoreInUse, StoreUnavailable
from tests.persistence.postgres.asking import Asker


@define(eq=False)
class Time:
    """Passes when somebody sleeps, and something may happen meanwhile."""

    happens: Callable[[], object] = lambda: None
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.happens()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def place(url: str) -> Iterator[Connection]:
    """A connection to a database that has the tables."""
    PostgresStore.open(url).close()
    with connect(Address.of(url)) as connection:
        yield connection


def alone(connection: Connection, url: str, time: Time) -> Alone:
    return Alone(connection, Address.of(url), clock=time, sleep=time.sleep)


def join(ask: Asker, node: str = "n", address: str | None = "10.0.0.7:8000") -> None:
    ask.run("INSERT INTO node VALUES (%s, %s, 4711, 5, now(), false)", node, address)


def beat(ask: Asker) -> None:
    ask.run("UPDATE node SET beats = beats + 1")


def test_where_no_node_is_nobody_waits(place: Connection, url: str) -> None:
    time = Time()
    assert alone(place, url, time).wait() == {}
    assert time.now == 0


def test_a_node_that_beats_is_named_at_once(place: Connection, url: str, ask: Asker) -> None:
    join(ask)
    time = Time(lambda: beat(ask))
    with pytest.raises(StoreInUse, match=r"in use by 10\.0\.0\.7:8000"):
        alone(place, url, time).wait()
    assert time.now < 1


def test_a_node_without_an_address_is_named_by_its_process(
    place: Connection, url: str, ask: Asker
) -> None:
    join(ask, address=None)
    with pytest.raises(StoreInUse, match="in use by process 4711"):
        alone(place, url, Time(lambda: beat(ask))).wait()


def test_a_node_that_died_without_a_farewell_is_waited_for_as_other_nodes_do(
    place: Connection, url: str, ask: Asker
) -> None:
    join(ask)
    time = Time()
    assert list(alone(place, url, time).wait()) == ["n"]
    assert time.now == TTL


def test_one_that_joins_meanwhile_is_named(place: Connection, url: str, ask: Asker) -> None:
    join(ask, "dead")
    time = Time()
    time.happens = lambda: join(ask, f"new at {time.now}", "10.0.0.8:8000")
    with pytest.raises(StoreInUse, match=r"in use by 10\.0\.0\.8:8000"):
        alone(place, url, time).wait()


def test_one_that_leaves_meanwhile_is_not(place: Connection, url: str, ask: Asker) -> None:
    join(ask)
    time = Time(lambda: ask.run("DELETE FROM node"))
    alone(place, url, time).wait()


@contextmanager
def shut(place: Connection, url: str) -> Iterator[None]:
    """The database is for its one connection alone within."""
    mine = alone(place, url, Time())
    dead = mine.wait()
    place.execute("BEGIN")
    mine.shut(dead)
    yield
    place.execute("ROLLBACK")


def test_one_that_beats_again_after_all_is_named(place: Connection, url: str, ask: Asker) -> None:
    join(ask)
    mine = alone(place, url, Time())
    dead = mine.wait()
    beat(ask)
    place.execute("BEGIN")
    with pytest.raises(StoreInUse, match=r"in use by 10\.0\.0\.7:8000"):
        mine.shut(dead)


def test_no_node_can_join(place: Connection, url: str) -> None:
    with shut(place, url), pytest.raises(StoreUnavailable, match="lock timeout"):
        PostgresStore.open(url)
    PostgresStore.open(url).close()


def test_a_node_that_was_stopped_cannot_commit(place: Connection, url: str, ask: Asker) -> None:
    join(ask)
    ask.run("INSERT INTO fence VALUES ('n', 1, 1)")
    with shut(place, url), psycopg.connect(url) as resumed:
        resumed.execute("SET LOCAL lock_timeout = '10ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            resumed.execute("UPDATE agent_runtime.fence SET commit_seq = 2 WHERE node = 'n'")


def test_readers_go_on(place: Connection, url: str, ask: Asker) -> None:
    with shut(place, url):
        assert ask.count("node") == 0


def test_another_move_is_waited_for_only_so_long(
    place: Connection, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.postgres.alone._PATIENCE", "SET LOCAL lock_timeout = '10ms'")
    with connect(Address.of(url)) as other, shut(place, url):
        other.execute("BEGIN")
        with pytest.raises(StoreInUse, match="is in use"):
            alone(other, url, Time()).shut({})
