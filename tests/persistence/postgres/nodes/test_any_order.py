"""Whatever nodes do in whatever order, no session is served by two of them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.postgres.nodes.judge import TTL
from persistence.postgres.nodes.membership import PACE
from runtime import LostOwnership, StoreError
from tests.persistence.postgres.nodes.place import Node, Place
from tests.persistence.postgres.nodes.ticks import Ticks
from tests.properties import examples

MOST = 4

actions = st.lists(
    st.tuples(
        st.sampled_from(["join", "beat", "beat", "beat", "give up", "leave", "stop", "go on"]),
        st.integers(0, MOST - 1),
        st.sampled_from([0.0, PACE, PACE, TTL / 2]),
    ),
    min_size=20,
    max_size=60,
)


class Play:
    """Nodes, of which some are stopped: they do nothing, and would serve what they think is theirs.

    Their clocks run equally fast.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.clock = Ticks()
        self.nodes: list[Node] = []
        self.stopped: set[str] = set()
        place.run("DELETE FROM agent_runtime.node")

    def act(self, what: str, who: int) -> None:
        if what == "join" and len(self.nodes) < MOST:
            self.nodes.append(self.place.node(clock=self.clock))
        if not self.nodes:
            return
        node = self.nodes[who % len(self.nodes)]
        if what == "stop":
            self.stopped.add(node.id)
        elif what == "go on":
            self.stopped.discard(node.id)
        elif node.id not in self.stopped:
            try:
                self.let_act(what, node)
            except LostOwnership:
                self.nodes.remove(node)  # its process ends
                assert node.owned() == []

    def let_act(self, what: str, node: Node) -> None:
        if what == "beat":
            node.membership.beat()
        elif what == "leave":
            node.membership.leave()
        elif what == "give up":
            try:
                node.give_up()
            except LostOwnership:
                raise
            except StoreError:
                """Who was to have it is gone."""

    def check(self) -> None:
        served = [shard for node in self.nodes for shard in node.owned()]
        assert len(set(served)) == len(served)


@settings(
    max_examples=examples(0.3),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(actions)
def test_no_shard_is_served_by_two(place: Place, actions: list[tuple[str, int, float]]) -> None:
    play = Play(place)
    play.act("join", 0)
    play.act("join", 0)
    for what, who, span in actions:
        play.clock.pass_(span)
        play.check()
        play.act(what, who)
        play.check()
    for node in play.nodes:
        node.membership.close()
        node.writer.close()


def test_the_play_notices_two(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it has to, where a node may serve for longer than others take to end it."""
    monkeypatch.setattr("persistence.postgres.nodes.holding.LEASE", 10 * TTL)
    play = Play(place)
    play.act("join", 0)
    play.act("join", 0)
    play.act("stop", 0)
    with pytest.raises(AssertionError):
        beat_on(play)


def beat_on(play: Play) -> None:
    for _ in range(20):
        play.clock.pass_(PACE)
        play.act("beat", 1)
        play.check()
