"""Nodes behind PgBouncer in transaction mode: each transaction may be in another session."""

from collections.abc import Iterator

import pytest

from persistence.postgres.address import Address
from persistence.postgres.connections import connect, snapshot
from persistence.postgres.nodes.judge import TTL
from runtime import LostOwnership, StoreUnavailable
from tests.persistence.postgres.nodes.place import Place, insert
from tests.persistence.postgres.nodes.steps import beat_on, settle
from tests.persistence.postgres.nodes.ticks import Ticks
from tests.postgres.cutting import COMMIT, Cutter
from tests.postgres.pooler import pgbouncer, pooled

pytestmark = pytest.mark.skipif(pgbouncer() is None, reason="PgBouncer is not installed")


@pytest.fixture
def pool_size() -> int:
    return 4


@pytest.fixture
def pool(place: Place, pool_size: int) -> Iterator[str]:
    with pooled(place.url, pool_size) as url:
        yield url
        place.close_nodes()  # while it is there


def test_a_pooler_is_noticed(place: Place, pool: str) -> None:
    with connect(Address.of(place.url)) as straight, connect(Address.of(pool)) as pooled:
        assert (straight.is_pooled, pooled.is_pooled) == (False, True)


@pytest.mark.parametrize("pool_size", [1])
def test_who_has_read_holds_no_connection(place: Place, pool: str) -> None:
    """Nor do others wait when all that came behind the end has arrived."""
    with connect(Address.of(pool)) as first, connect(Address.of(pool)) as second:
        for _ in range(200):
            for reader in (first, second):
                with snapshot(reader):
                    answer = reader.execute("SELECT 1")
                assert answer.fetchall() == [(1,)]


@pytest.mark.parametrize("pool_size", [1])
def test_a_transaction_that_has_ended_holds_no_connection(place: Place, pool: str) -> None:
    """There is one for all: who held it would keep all others waiting."""
    nodes = [place.node(url=pool), place.node(url=pool)]
    settle(place, *nodes)
    for number in range(50):
        for node in nodes:
            pipelined = number % 2 == 0
            shards = node.owned()[:1]
            node.write(f"{number} of {node.id}", shards=shards, pipelined=pipelined)
            node.membership.beat()
    assert len(place.written()) == 100


def test_what_is_set_for_a_transaction_is_gone_with_it(place: Place, pool: str) -> None:
    node = place.node(url=pool)
    for _ in range(8):
        node.membership.beat()
    with node.writer.transaction([0], pipelined=False) as sql:
        [(patience,)] = sql.execute("SHOW lock_timeout").fetchall()
    assert patience == "0"


@pytest.mark.parametrize("at", range(0, 800, 97))
@pytest.mark.parametrize("is_answer", [False, True])
def test_wherever_the_connection_is_lost_the_outcome_is_what_it_is(
    place: Place, pool: str, at: int, is_answer: bool
) -> None:
    with Cutter.opened(pool) as cutter:
        node = place.node(url=cutter.url(pool))
        node.write("zero")
        if is_answer:
            cutter.lose_answer(at)
        else:
            cutter.lose(at)
        try:
            node.write("one")
            expected = ["zero", "one"]
        except StoreUnavailable:
            expected = ["zero"]
        assert place.written() == expected


def test_what_comes_late_is_refused(place: Place, pool: str) -> None:
    with Cutter.opened(pool) as cutter:
        node = place.node(url=cutter.url(pool))
        node.write("zero")
        plan = cutter.delay(0)
        with pytest.raises(StoreUnavailable):
            node.write("late")
        plan.bring()
        node.write("one")
        assert place.written() == ["zero", "one"]


def test_a_transaction_that_is_open_when_it_is_asked_for_is_ended(place: Place, pool: str) -> None:
    """Found by its node's name, which the pooler gives to whichever session it runs in."""
    with Cutter.opened(pool) as cutter:
        node = place.node(url=cutter.url(pool))
        node.write("zero")
        plan = cutter.delay(COMMIT)
        with pytest.raises(StoreUnavailable):
            node.write("late")
        plan.bring()
        node.write("one")
        assert place.written() == ["zero", "one"]


def test_who_is_stopped_in_a_transaction_is_ended(place: Place, pool: str) -> None:
    clock = Ticks()
    looker, other = place.node(url=pool, clock=clock), place.node(url=pool, clock=Ticks())
    settle(place, looker, other)
    transaction = other.writer.transaction(other.owned()[:1], pipelined=False)
    insert(transaction.__enter__(), other.id, "too late")
    beat_on(looker, clock, TTL + 1)
    assert len(looker.owned()) == 256
    with pytest.raises(LostOwnership):
        transaction.__exit__(None, None, None)
    assert place.written() == []


def test_nobody_elses_transaction_is_ended_with_it(place: Place, pool: str) -> None:
    """Of sessions that they use in turn, each is called after who uses it now."""
    clock = Ticks()
    looker, other = place.node(url=pool, clock=clock), place.node(url=pool, clock=Ticks())
    third = place.node(url=pool, clock=clock)
    settle(place, looker, other, third)
    stopped = other.writer.transaction(other.owned()[:1], pipelined=False)
    insert(stopped.__enter__(), other.id, "too late")
    with third.writer.transaction(third.owned()[:1], pipelined=False) as sql:
        insert(sql, third.id, "slow")
        for _ in range(16):
            beat_on(looker, clock, 0.25)
            third.membership.beat()
    with pytest.raises(LostOwnership):
        stopped.__exit__(None, None, None)
    assert place.written() == ["slow"]
