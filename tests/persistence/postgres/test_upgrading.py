"""A database of an earlier release is upgraded by whoever opens it first, when no node uses it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from persistence import open_reader
from persistence.postgres import upgrading
from persistence.postgres.address import Address
from persistence.postgres.alone import Alone
from persistence.postgres.connections import Connection, connect
from persistence.postgres.schema import SCHEMA_VERSION
from persistence.postgres.store import PostgresStore
from persistence.postgres.upgrading import upgrade
from persistence.postgres.verify import verify
from runtime import CannotOpenStore, StoreInUse, Used
from tests.persistence.builders import Item, born, message, switch
from tests.persistence.contract.stores import begun
from tests.persistence.postgres.asking import Asker
from tests.postgres.databases import Databases

LOG = [
    message("a", metadata=b'{"usage":{"input_tokens":5},"model":"m"}'),
    switch("coder"),
    message("b", metadata=b'{"usage":{"input_tokens":7}}'),
    Item("usage", "u", {"agent": "tester \0", "n": 2**53 - 1, "cost": 0.5}),
]
USED = [
    Used("2025-12-31", "coder", None, {"input_tokens": 21}),
    Used("2025-12-31", "orchestrator", "m", {"input_tokens": 15}),
    Used("2025-12-31", "tester \0", None, {"cost": 1.5, "n": 3 * (2**53 - 1)}),
]


@pytest.fixture
def old(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of its own, of version 1: without sums of usage."""
    monkeypatch.setattr(upgrading, "_AT_ONCE", 2)
    with databases.fresh() as url:
        with closing(PostgresStore.open(url)) as store:
            begun(store, *(born(f"s{n}", *LOG) for n in range(3)), born("none", "x"))
        ask = Asker(url)
        ask.run("DROP TABLE used")
        ask.run("UPDATE meta SET schema_version = 1")
        yield url


def test_whoever_only_looks_does_not_upgrade_it(old: str) -> None:
    with pytest.raises(CannotOpenStore, match="schema version 1") as refusal:
        open_reader(old)
    assert "upgraded when a service opens it" in refusal.value.hint


def test_once_it_is_opened_it_has_the_sums(old: str) -> None:
    with closing(PostgresStore.open(old)) as store:
        assert store.used("0", "9", 10).used == USED
    assert Asker(old)("SELECT schema_version FROM meta") == [(SCHEMA_VERSION,)]
    assert verify(old).problems == ()


def test_while_a_node_lives_it_stays_as_it_is(old: str) -> None:
    ask = Asker(old)
    ask.run("INSERT INTO node VALUES ('n', '10.0.0.7:8000', 4711, 5, now(), false)")

    def beats(_: float) -> None:
        ask.run("UPDATE node SET beats = beats + 1")

    def wish(connection: Connection, address: Address) -> Alone:
        return Alone(connection, address, sleep=beats)

    address = Address.of(old)
    with connect(address) as connection, pytest.raises(StoreInUse, match=r"10\.0\.0\.7"):
        upgrade(connection, address, wish)
    assert ask("SELECT schema_version FROM meta") == [(1,)]


def test_many_nodes_may_start_at_once(old: str) -> None:
    with ThreadPoolExecutor(3) as threads:
        stores = list(threads.map(PostgresStore.open, [old] * 3))
    for store in stores:
        assert store.used("0", "9", 10).used == USED
        store.close()
