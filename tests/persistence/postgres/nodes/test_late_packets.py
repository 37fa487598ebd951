"""What an old connection still brings when its node has given it up, wherever that was held up."""

import threading

import pytest

from persistence.postgres.nodes import writer
from runtime import StoreUnavailable
from tests.persistence.postgres.nodes.place import Node, Place
from tests.postgres.cutting import COMMIT, PATIENCE, Cutter, Plan


@pytest.fixture
def node(place: Place, cutter: Cutter) -> Node:
    node = place.node(url=cutter.url(place.url))
    node.write("zero")
    return node


def test_a_commit_of_which_nothing_had_come_comes_too_late(
    place: Place, node: Node, cutter: Cutter
) -> None:
    plan = cutter.delay(0)
    with pytest.raises(StoreUnavailable):
        node.write("late")
    plan.bring()
    node.write("one")
    assert place.written() == ["zero", "one"]


def test_so_does_one_that_comes_behind_a_next_one(place: Place, node: Node, cutter: Cutter) -> None:
    plan = cutter.delay(0)
    with pytest.raises(StoreUnavailable):
        node.write("late")
    node.write("one")
    plan.bring()
    node.write("two")
    assert place.written() == ["zero", "one", "two"]


def test_a_transaction_that_is_open_when_it_is_asked_for_is_ended(
    place: Place, node: Node, cutter: Cutter
) -> None:
    """It has passed the fence, and nobody knows whether its end will ever come."""
    plan = cutter.delay(COMMIT)
    with pytest.raises(StoreUnavailable):
        node.write("late")
    plan.bring()
    node.write("one")
    assert place.written() == ["zero", "one"]


@pytest.mark.parametrize("at", range(0, 450, 41))
def test_wherever_it_was_held_up_the_outcome_is_what_it_is(
    place: Place, node: Node, cutter: Cutter, at: int
) -> None:
    plan = cutter.delay(at)
    try:
        node.write("late")
        expected = ["zero", "late"]
    except StoreUnavailable:
        expected = ["zero"]
    assert place.written() == expected
    plan.bring()
    assert place.written() == expected
    node.write("one")
    assert place.written() == [*expected, "one"]


def test_a_commit_that_comes_through_while_it_is_asked_for_was_made(
    place: Place, node: Node, cutter: Cutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE", PATIENCE)
    plan = cutter.delay(COMMIT)
    bringing = threading.Thread(target=lambda: bring_when_it_is_waited_for(place, plan))
    bringing.start()
    node.write("late")
    bringing.join()
    node.write("one")
    assert place.written() == ["zero", "late", "one"]


def bring_when_it_is_waited_for(place: Place, plan: Plan) -> None:
    place.wait_until_somebody_waits()
    plan.bring()


def test_a_question_that_comes_late_shuts_nobody_out(
    place: Place, node: Node, cutter: Cutter
) -> None:
    """The connection that asked it was given up, too, and another one has the answer."""
    questions: list[Plan] = []

    def hold_the_question_up() -> None:
        cutter.before_connecting = None
        questions.append(cutter.delay(b"BEGIN"))

    cutter.lose(COMMIT)
    cutter.before_connecting = hold_the_question_up
    with pytest.raises(StoreUnavailable):
        node.write("one")
    node.write("one")
    questions[0].bring()
    node.write("two")
    assert place.written() == ["zero", "one", "two"]


def test_shards_that_were_given_away_are_not_given_again(
    place: Place, node: Node, cutter: Cutter
) -> None:
    """A node asks again when the first time is lost; then it gets a shard back."""
    other = place.node()
    node.membership.beat()
    plan = cutter.delay(b"BEGIN")
    shards = node.membership.surplus()
    node.membership.let_go(shards)
    with pytest.raises(StoreUnavailable):
        node.membership.hand_over(shards)
    assert set(node.membership.hand_over(shards)) == set(shards)
    other.membership.leave()
    other.membership.beat()
    node.membership.beat()
    assert set(other.give_up()) == set(shards)
    node.membership.beat()
    plan.bring()
    node.membership.beat()
    assert len(node.owned()) == 256
