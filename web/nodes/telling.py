"""What the log says of the nodes: who comes and goes, and how much this one has.

It looks each second, and says what has come of it: shards change hands one by one, hundreds of them
when a node joins. That a node was found dead is said by whoever found it.
"""

import logging
from collections.abc import Callable, Sequence

import trio

from runtime import SECONDS, Node

log = logging.getLogger("agent_runtime")

LOOKS = 1 * SECONDS
"""Between two looks."""


async def tell_of_nodes(nodes: Callable[[], Sequence[Node]]) -> None:
    """Logs what changes, until cancelled."""
    before: Sequence[Node] = ()
    while True:
        now = nodes()
        _tell(before, now)
        before = now
        await trio.sleep(LOOKS)


def _tell(before: Sequence[Node], now: Sequence[Node]) -> None:
    known = {node.id: node for node in before}
    for node in now:
        earlier = known.pop(node.id, None)
        if node.is_self:
            _tell_of_self(earlier, node)
        elif earlier is None:
            log.info("there is node %s at %s", node.id, node.address)
        elif node.is_leaving and not earlier.is_leaving:
            log.info("node %s at %s is leaving", node.id, node.address)
    for node in known.values():
        log.info("node %s at %s is gone", node.id, node.address)


def _tell_of_self(before: Node | None, now: Node) -> None:
    if before is None:
        log.info("joined as node %s at %s, with %d shards", now.id, now.address, now.shards)
    elif now.shards != before.shards:
        word = "gained" if now.shards > before.shards else "given up"
        log.info("%d shards %s: %d now", abs(now.shards - before.shards), word, now.shards)
