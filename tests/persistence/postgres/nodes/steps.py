"""What nodes do in turn, as their runtimes would let them."""

from persistence.postgres.nodes.membership import PACE
from tests.persistence.postgres.nodes.place import Node, Place
from tests.persistence.postgres.nodes.ticks import Ticks


def settle(place: Place, *nodes: Node) -> None:
    """They beat and give up what is too much, until each has its share."""
    for _ in range(4):
        for node in nodes:
            node.membership.beat()
            owned_once(place, *nodes)
            node.give_up()
            owned_once(place, *nodes)


def owned_once(place: Place, *nodes: Node) -> None:
    """No two of them serve one shard; and whoever serves one, the database knows as its owner."""
    owners = place.owners()
    serving = [(shard, node.id) for node in nodes for shard in node.owned()]
    assert len(dict(serving)) == len(serving)
    assert all(owners[shard] == node for shard, node in serving)


def beat_on(node: Node, clock: Ticks, seconds: float) -> None:
    """At its own pace."""
    for _ in range(round(seconds / PACE)):
        clock.pass_(PACE)
        node.membership.beat()
