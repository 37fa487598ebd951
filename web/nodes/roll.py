"""Who is there, and has how much: what whoever follows all nodes has to know.

While shards change hands, what one node has told of a session may come behind what the next one
tells of it. So who follows begins anew once things have settled, and asks what it may have missed.
"""

from collections.abc import Callable, Sequence

import trio
from attrs import define, field

from runtime import SECONDS, Node

LOOKS = 0.1 * SECONDS
"""Between two looks at the nodes."""

SETTLED = 1 * SECONDS
"""Without a change, after which things have settled: nodes give and take shards every quarter of a
second until each has its share."""

Parts = tuple[tuple[str, int], ...]
"""The nodes' ids, and how many shards each has."""


def has_a_part(node: Node) -> bool:
    """Whether it has sessions, or may get some."""
    return node.shards > 0 or not node.is_leaving


@define(eq=False)
class Roll:
    """The nodes, as they were when things had settled last."""

    nodes: Callable[[], Sequence[Node]]
    """All, as the last beat found them; this one, too."""
    _settled: Parts = field(init=False)
    _seen: Parts = field(init=False)
    _seen_at: float = field(init=False)
    """When they first were as they are now."""
    _changed: trio.Event = field(factory=trio.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self._settled = self._seen = self._parts()
        self._seen_at = trio.current_time()

    def others(self) -> list[Node]:
        """Those of the other nodes that have a part."""
        return [node for node in self.nodes() if not node.is_self and has_a_part(node)]

    @property
    def changed(self) -> trio.Event:
        """Is set once they are others, or have other shares, and that has settled."""
        return self._changed

    async def watch(self) -> None:
        """Looks, until cancelled."""
        while True:
            await trio.sleep(LOOKS)
            self._look()

    def _look(self) -> None:
        parts = self._parts()
        if parts != self._seen:
            self._seen, self._seen_at = parts, trio.current_time()
        elif parts != self._settled and trio.current_time() >= self._seen_at + SETTLED:
            self._settled = parts
            self._changed.set()
            self._changed = trio.Event()

    def _parts(self) -> Parts:
        return tuple(sorted((node.id, node.shards) for node in self.nodes() if has_a_part(node)))
