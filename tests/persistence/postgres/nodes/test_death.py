"""A node that is dead or stopped, and how the others find out."""

import pytest

from persistence.postgres.nodes import membership, register
from persistence.postgres.nodes.holding import LEASE
from persistence.postgres.nodes.judge import SILENCE, TTL
from persistence.postgres.nodes.line import Line
from persistence.postgres.nodes.membership import PACE
from runtime import LostOwnership, StoreUnavailable
from tests.persistence.postgres.nodes.place import Node, Place, beside, insert
from tests.persistence.postgres.nodes.steps import beat_on, owned_once, settle
from tests.persistence.postgres.nodes.ticks import Ticks
from tests.postgres.cutting import PATIENCE, Cutter

ALL = list(range(256))


@pytest.fixture
def clock() -> Ticks:
    """That of who looks on."""
    return Ticks()


@pytest.fixture
def looker(place: Place, clock: Ticks) -> Node:
    return place.node(clock=clock)


@pytest.fixture
def other(place: Place, looker: Node) -> Node:
    """By a clock that stands still, it serves for ever: only what others do is in question."""
    other = place.node(clock=Ticks())
    settle(place, looker, other)
    looker.membership.beat()  # and has seen its last beat now
    return other


# -- how long a node serves --------------------------------------------------------------------


def test_without_a_beat_a_node_serves_as_long_as_its_lease(looker: Node, clock: Ticks) -> None:
    clock.pass_(LEASE - 0.01)
    assert looker.owned() == ALL


def test_and_not_longer(looker: Node, clock: Ticks) -> None:
    clock.pass_(LEASE)
    assert looker.owned() == []


def test_a_beat_lets_it_serve_again(looker: Node, clock: Ticks) -> None:
    clock.pass_(10 * LEASE)
    looker.membership.beat()
    assert looker.owned() == ALL


def test_the_lease_counts_from_before_the_beat_was_sent(
    looker: Node, clock: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat = register.beat

    def slow_beat(line: Line, node: str, number: int, *, is_leaving: bool) -> register.Beat:
        clock.pass_(LEASE / 2)
        found = beat(line, node, number, is_leaving=is_leaving)
        clock.pass_(LEASE / 2)
        return found

    monkeypatch.setattr(register, "beat", slow_beat)
    looker.membership.beat()
    assert looker.owned() == []


def test_a_beat_that_fails_prolongs_nothing(place: Place, clock: Ticks, cutter: Cutter) -> None:
    node = place.node(url=cutter.url(place.url), clock=clock)
    clock.pass_(LEASE / 2)
    cutter.lose_answer(0)
    with pytest.raises(StoreUnavailable):
        node.membership.beat()
    clock.pass_(LEASE / 2)
    assert node.owned() == []


def test_who_does_not_know_how_things_are_gives_nothing_up(
    place: Place, looker: Node, clock: Ticks
) -> None:
    place.node()
    looker.membership.beat()
    assert looker.membership.surplus()
    clock.pass_(LEASE)
    assert not looker.membership.surplus()


# -- who stops beating -------------------------------------------------------------------------


def test_who_does_not_beat_for_the_ttl_is_ended(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    beat_on(looker, clock, TTL)
    assert looker.owned() == ALL
    assert set(place.owners().values()) == {looker.id}
    assert looker.membership.statistics().takeovers == 1


def test_and_not_before(looker: Node, other: Node, clock: Ticks) -> None:
    beat_on(looker, clock, TTL - PACE)
    assert len(looker.owned()) == 128


def test_its_commit_is_refused_and_nothing_written(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    mine = other.owned()[:1]
    other.write("in time", shards=mine)
    beat_on(looker, clock, TTL)
    with pytest.raises(LostOwnership):
        other.write("too late", shards=mine)
    assert place.written() == ["in time"]


def test_its_beat_tells_it_so(looker: Node, other: Node, clock: Ticks) -> None:
    beat_on(looker, clock, TTL)
    with pytest.raises(LostOwnership):
        other.membership.beat()
    assert other.owned() == []


def test_who_beats_is_left_alone(looker: Node, other: Node, clock: Ticks) -> None:
    for _ in range(round(2 * TTL / PACE)):
        beat_on(looker, clock, PACE)
        other.membership.beat()
    assert len(other.owned()) == 128


def test_the_databases_clock_says_nothing(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    """It was put forward by a day, and then back by two."""
    for span in ("1 day", "-2 days"):
        place.run(f"UPDATE agent_runtime.node SET seen = seen + interval '{span}'")  # noqa: S608
        beat_on(looker, clock, TTL / 3)
    assert len(looker.owned()) == 128


def test_a_gap_in_its_own_beats_makes_a_node_look_anew(
    looker: Node, other: Node, clock: Ticks
) -> None:
    """What stalled it may have stalled the other one: that is given time to say so."""
    beat_on(looker, clock, TTL - PACE)
    clock.pass_(10 * TTL)
    beat_on(looker, clock, TTL - PACE)
    assert len(looker.owned()) == 128


def test_who_comes_back_before_it_is_ended_goes_on(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    beat_on(looker, clock, TTL - PACE)
    other.membership.beat()
    beat_on(looker, clock, TTL - PACE)
    other.write("mine", shards=other.owned()[:1])
    owned_once(place, looker, other)


def test_who_beats_while_it_is_being_ended_lives(
    looker: Node, other: Node, clock: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = register.end

    def end_too_late(line: Line, node: str, beats: int, *, patience: float) -> bool:
        other.membership.beat()
        return end(line, node, beats, patience=patience)

    monkeypatch.setattr(register, "end", end_too_late)
    beat_on(looker, clock, TTL)
    other.membership.beat()
    assert len(other.owned()) == 128
    assert looker.membership.statistics().takeovers == 0


def test_two_that_find_the_same_one_dead_end_it_once_and_share(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    third = place.node(clock=clock)
    settle(place, looker, other, third)
    for _ in range(round(TTL / PACE) + 2):
        clock.pass_(PACE)
        looker.membership.beat()
        third.membership.beat()
        owned_once(place, looker, third)
    assert [len(looker.owned()), len(third.owned())] == [128, 128]
    nodes = (looker, third)
    assert sum(node.membership.statistics().takeovers for node in nodes) == 1


def test_what_a_dead_node_had_is_not_kept_for_one_that_is_dying(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    """Or it would be nobody's until that one is dead, too."""
    dying = place.node(clock=clock)
    settle(place, looker, other, dying)
    for _ in range(round((TTL - SILENCE) / PACE)):
        beat_on(looker, clock, PACE)
        dying.membership.beat()
    beat_on(looker, clock, SILENCE + PACE)
    assert looker.membership.statistics().takeovers == 1
    assert set(place.owners().values()) == {looker.id, dying.id}


# -- who is stopped in a transaction -----------------------------------------------------------


def test_a_transaction_that_stays_open_is_ended_with_its_node(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    mine = other.owned()[:1]
    transaction = other.writer.transaction(mine, pipelined=False)
    sql = transaction.__enter__()
    insert(sql, other.id, "too late")
    beat_on(looker, clock, TTL)
    assert looker.owned() == ALL
    with pytest.raises(LostOwnership):
        transaction.__exit__(None, None, None)
    assert place.written() == []


def test_a_commit_that_comes_through_just_then_is_whole(
    place: Place, looker: Node, other: Node, clock: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who ends the node waits for it, and has the shards only behind it."""
    monkeypatch.setattr(register, "PATIENCE", PATIENCE)
    monkeypatch.setattr(membership, "BEAT", PATIENCE)
    beat_on(looker, clock, TTL - PACE)
    with other.writer.transaction(other.owned()[:1], pipelined=False) as sql:
        insert(sql, other.id, "in time")
        ending = beside(lambda: beat_on(looker, clock, PACE))
        ending.__enter__()
        place.wait_until_somebody_waits()
    ending.__exit__(None, None, None)
    assert place.written() == ["in time"]
    assert looker.owned() == ALL


def test_who_beats_is_not_dead_however_long_its_commit_takes(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    with other.writer.transaction(other.owned()[:1], pipelined=False) as sql:
        insert(sql, other.id, "slow")
        for _ in range(round(2 * TTL / PACE)):
            beat_on(looker, clock, PACE)
            other.membership.beat()
    assert place.written() == ["slow"]
    assert len(other.owned()) == 128


def test_somebody_elses_lock_ends_nobody(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    """An operator looks at the row: the node is ended when that is over."""
    sql = place.connection()
    sql.execute("BEGIN")
    sql.execute("SELECT FROM agent_runtime.fence WHERE node = %s FOR UPDATE", (other.id,))
    beat_on(looker, clock, TTL)
    assert len(looker.owned()) == 128
    sql.execute("ROLLBACK")
    beat_on(looker, clock, PACE)
    assert looker.owned() == ALL


def test_who_is_stopped_while_it_ends_another_one_holds_that_one_up_no_longer_than_it_lives(
    place: Place, looker: Node, other: Node, clock: Ticks
) -> None:
    third = place.node(clock=clock)
    settle(place, looker, other, third)
    sql = place.connection(other.id)
    sql.execute("BEGIN")
    sql.execute("SELECT FROM agent_runtime.fence WHERE node = %s FOR UPDATE", (third.id,))
    for _ in range(round(TTL / PACE) + 1):
        beat_on(looker, clock, PACE)
        third.membership.beat()
    third.write("mine", shards=third.owned()[:1])
    assert place.written() == ["mine"]
    owned_once(place, looker, third)
