"""Who owns what, among nodes that come and go in order."""

import re
from collections.abc import Callable

import pytest

from persistence.postgres.nodes import register
from persistence.postgres.nodes.line import Line
from runtime import LostOwnership, NotHere, StoreUnavailable
from tests.persistence.postgres.nodes.place import IDS, Node, Place
from tests.persistence.postgres.nodes.steps import beat_on, owned_once, settle
from tests.persistence.postgres.nodes.ticks import Ticks
from tests.postgres.cutting import Cutter

ALL = list(range(256))


def where(node: Node, shard: int) -> str | None:
    """The address of the shard's owner, by a node that refuses its sessions."""
    with pytest.raises(NotHere) as refused:
        node.membership.check(IDS[shard])
    return refused.value.address


@pytest.fixture
def pair(place: Place) -> tuple[Node, Node]:
    """Two nodes with a half each."""
    nodes = place.node(address="one:1"), place.node(address="two:2")
    settle(place, *nodes)
    return nodes


# -- who owns what -----------------------------------------------------------------------------


def test_a_node_that_is_alone_owns_everything(place: Place) -> None:
    assert place.node().owned() == ALL


def test_a_node_that_joins_owns_nothing_yet(place: Place) -> None:
    place.node()
    assert place.node().owned() == []


def test_two_nodes_have_a_half_each(pair: tuple[Node, Node]) -> None:
    assert [len(node.owned()) for node in pair] == [128, 128]


def test_a_third_one_gets_its_share_of_both(place: Place, pair: tuple[Node, Node]) -> None:
    third = place.node()
    settle(place, *pair, third)
    assert sorted(len(node.owned()) for node in (*pair, third)) == [85, 85, 86]


def test_no_more_change_hands_than_have_to(place: Place, pair: tuple[Node, Node]) -> None:
    before = [set(node.owned()) for node in pair]
    settle(place, *pair, place.node())
    assert all(set(node.owned()) <= owned for node, owned in zip(pair, before, strict=True))


def test_when_each_has_its_share_nothing_is_too_much(pair: tuple[Node, Node]) -> None:
    assert [list(node.membership.surplus()) for node in pair] == [[], []]


def test_of_what_another_one_owns_it_is_said_where_that_is(pair: tuple[Node, Node]) -> None:
    first, second = pair
    assert where(first, second.owned()[0]) == "two:2"


def test_of_what_nobody_owns_nothing_is_said(place: Place) -> None:
    first = place.node()
    second = place.node()
    first.membership.close()
    second.membership.leave()  # so it takes nothing
    second.membership.beat()
    assert where(second, 7) is None


def test_the_nodes_are_listed_with_what_they_own(pair: tuple[Node, Node]) -> None:
    first, second = pair
    found = {one.address: one for one in first.membership.nodes()}
    assert {address: one.shards for address, one in found.items()} == {"one:1": 128, "two:2": 128}
    assert [one.address for one in found.values() if one.is_self] == ["one:1"]
    assert {one.id for one in found.values()} == {first.id, second.id}


def test_when_a_node_was_seen_is_a_timestamp(place: Place) -> None:
    [node] = place.node().membership.nodes()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", node.seen)


# -- giving up ---------------------------------------------------------------------------------


def test_what_was_let_go_of_is_not_served(place: Place) -> None:
    node = place.node()
    node.membership.let_go([7])
    assert node.owned() == [shard for shard in ALL if shard != 7]
    assert where(node, 7) is None


def test_nor_after_the_next_beat(place: Place) -> None:
    node = place.node()
    node.membership.let_go([7])
    node.membership.beat()
    assert not node.serves(7)


def test_nor_looked_after(place: Place) -> None:
    node = place.node()
    node.membership.let_go([7])
    assert 7 not in node.membership.own()


def test_what_is_taken_back_is_served(place: Place) -> None:
    node = place.node()
    node.membership.let_go([7, 8])
    node.membership.take_back([7])
    assert node.serves(7)
    assert not node.serves(8)


def test_what_was_let_go_of_is_not_said_to_be_too_much_again(place: Place) -> None:
    first = place.node()
    place.node()
    first.membership.beat()
    surplus = list(first.membership.surplus())
    first.membership.let_go(surplus[:3])
    assert list(first.membership.surplus()) == surplus[3:]


def test_what_was_handed_over_the_other_serves_when_it_has_seen_it(place: Place) -> None:
    first, second = place.node(), place.node()
    first.membership.beat()
    gone = first.give_up()
    assert second.owned() == []
    second.membership.beat()
    assert second.owned() == sorted(gone)
    owned_once(place, first, second)


def test_what_was_not_let_go_of_is_not_handed_over(place: Place) -> None:
    first = place.node()
    place.node()
    first.membership.beat()
    assert first.membership.hand_over(first.membership.surplus()) == set()
    assert first.owned() == ALL


def test_what_nobody_wants_stays(place: Place) -> None:
    node = place.node()
    node.membership.let_go([7])
    assert node.membership.hand_over([7]) == set()


def test_what_has_gone_is_said_to_have_gone_when_asked_again(place: Place) -> None:
    first = place.node()
    place.node()
    first.membership.beat()
    gone = first.give_up()
    first.membership.beat()
    assert set(first.membership.hand_over(gone)) == set(gone)


def test_what_comes_back_is_served_again(place: Place) -> None:
    first, second = place.node(), place.node()
    settle(place, first, second)
    second.membership.leave()
    second.membership.beat()
    first.membership.beat()
    second.give_up()
    first.membership.beat()
    assert first.owned() == ALL


def test_what_is_given_to_a_node_that_is_gone_is_not_given(place: Place) -> None:
    first, second = place.node(), place.node()
    first.membership.beat()
    shards = first.membership.surplus()
    first.membership.let_go(shards)
    place.end(second)
    with pytest.raises(StoreUnavailable):
        first.membership.hand_over(shards)
    first.membership.take_back(shards)
    first.membership.beat()
    assert first.owned() == ALL
    owned_once(place, first)


def test_a_node_that_is_silent_is_given_nothing(place: Place) -> None:
    clock = Ticks()
    first = place.node(clock=clock)
    place.node()
    beat_on(first, clock, 1.5)
    assert list(first.membership.surplus()) == []


def test_a_beat_that_has_read_before_a_handing_over_does_not_bring_it_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place.node(), place.node()
    first.membership.beat()
    shards = first.membership.surplus()
    first.membership.let_go(shards)
    between(monkeypatch, lambda: first.membership.hand_over(shards))
    first.membership.beat()
    second.membership.beat()
    owned_once(place, first, second)
    assert len(second.owned()) == 128


def between(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Does something once, when a beat has read how things are, and before it knows."""
    beat = register.beat

    def beat_and_act(line: Line, node: str, number: int, *, is_leaving: bool) -> register.Beat:
        found = beat(line, node, number, is_leaving=is_leaving)
        monkeypatch.undo()
        act()
        return found

    monkeypatch.setattr(register, "beat", beat_and_act)


# -- leaving -----------------------------------------------------------------------------------


def test_who_leaves_gives_up_everything(place: Place, pair: tuple[Node, Node]) -> None:
    first, second = pair
    first.membership.leave()
    settle(place, *pair)
    assert (first.owned(), second.owned()) == ([], ALL)
    assert first.membership.has_left


def test_who_leaves_has_not_left_before_that(pair: tuple[Node, Node]) -> None:
    first, _ = pair
    first.membership.leave()
    first.membership.beat()
    assert not first.membership.has_left


def test_others_see_that_it_leaves(pair: tuple[Node, Node]) -> None:
    first, second = pair
    first.membership.leave()
    first.membership.beat()
    second.membership.beat()
    assert [one.id for one in second.membership.nodes() if one.is_leaving] == [first.id]


def test_who_leaves_takes_nothing(place: Place, pair: tuple[Node, Node]) -> None:
    first, second = pair
    first.membership.leave()
    second.membership.close()
    first.membership.beat()
    assert len(first.owned()) == 128


def test_who_is_the_last_one_to_leave_keeps_what_it_has(place: Place) -> None:
    node = place.node()
    node.membership.leave()
    node.membership.beat()
    assert node.membership.has_left
    assert node.owned() == ALL


def test_behind_a_farewell_others_have_everything_with_their_next_beat(
    pair: tuple[Node, Node],
) -> None:
    first, second = pair
    first.membership.close()
    second.membership.beat()
    assert second.owned() == ALL
    assert second.membership.statistics().takeovers == 0


def test_who_has_said_farewell_serves_nothing(place: Place) -> None:
    node = place.node()
    node.membership.close()
    assert node.owned() == []
    with pytest.raises(StoreUnavailable):
        node.membership.beat()


def test_a_farewell_that_is_not_heard_does_no_harm(place: Place, cutter: Cutter) -> None:
    node = place.node(url=cutter.url(place.url))
    cutter.before_connecting = refuse
    cutter.cut_all()
    node.membership.close()
    assert node.owned() == []
    assert place.owners()[0] == node.id


def test_a_farewell_waits_for_nobody_long(place: Place) -> None:
    """A transaction of its own may be stuck: others will see to that."""
    node = place.node()
    with node.writer.transaction([0], pipelined=False):
        node.membership.close()
    assert place.owners()[0] == node.id


# -- a database that is away, or was put back --------------------------------------------------


def refuse() -> None:
    raise ConnectionRefusedError


def test_a_beat_that_does_not_come_through_can_be_tried_again(place: Place, cutter: Cutter) -> None:
    node = place.node(url=cutter.url(place.url))
    cutter.before_connecting = refuse
    cutter.cut_all()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            node.membership.beat()
    cutter.before_connecting = None
    node.membership.beat()
    assert node.owned() == ALL


@pytest.mark.parametrize("at", range(0, 1_000, 97))
def test_wherever_a_beat_is_lost_the_next_one_finds_out(
    place: Place, cutter: Cutter, at: int
) -> None:
    first = place.node(url=cutter.url(place.url))
    second = place.node()
    settle(place, first, second)
    second.membership.close()
    cutter.lose(at)
    with pytest.raises(StoreUnavailable):
        first.membership.beat()
    owned_once(place, first)
    first.membership.beat()
    assert first.owned() == ALL
    owned_once(place, first)


def test_who_is_not_among_the_nodes_any_more_has_lost_everything(place: Place) -> None:
    node = place.node()
    place.end(node)
    with pytest.raises(LostOwnership):
        node.membership.beat()
    assert node.owned() == []


def test_who_was_told_so_by_a_commit_serves_nothing_any_more(place: Place) -> None:
    node = place.node()
    place.end(node)
    with pytest.raises(LostOwnership):
        node.write("stale")
    assert node.owned() == []


def test_shards_that_were_never_given_away_and_are_not_there_are_a_loss(place: Place) -> None:
    """A failover to a standby that is behind: it does not know that they were claimed."""
    node = place.node()
    place.run("UPDATE agent_runtime.shard SET owner = NULL WHERE shard = 7")
    with pytest.raises(LostOwnership):
        node.membership.beat()
