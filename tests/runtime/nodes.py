"""Several runtimes on one store, in one test: who owns what is dealt out by hand.

A `Cluster` is what a database would know: whose a shard is. A `Node` is one process's ownership;
its `store` has the disk that all share, with gates and errors of its own, and refuses what its node
does not own, as a database would. So a runtime that commits, or serves, what it has given away
fails its test.
"""

from collections.abc import Callable, Collection, Sequence
from threading import Lock

from attrs import define, field

from persistence import MemoryStore
from runtime import (
    SHARDS,
    AgentRuntimeError,
    Committed,
    Delta,
    LostOwnership,
    NotHere,
    OwnershipStatistics,
    Purge,
    Scrub,
    Superseded,
    shard_of,
)
from runtime import Node as Shown
from tests.runtime.fakes import FakeStore, Gate

PACE = 0.25


def id_in(shards: Collection[int], number: int = 0) -> str:
    """A session's id that falls into one of these shards; of each number another one."""
    names = (f"s-{n}" for n in range(1_000_000))
    found = (name for name in names if shard_of(name) in shards)
    for _ in range(number):
        next(found)
    return next(found)


@define(eq=False)
class Cluster:
    """Which node owns which shard. A shard is moved by its owner alone, or when that is dead."""

    owners: dict[int, str | None] = field(factory=lambda: dict.fromkeys(range(SHARDS)))
    nodes: dict[str, "Node"] = field(factory=dict)
    disk: MemoryStore = field(factory=MemoryStore)
    lock: Lock = field(factory=Lock)
    """Held while something is written, and while a shard changes hands."""

    def join(self, name: str, shards: Collection[int] = ()) -> "Node":
        """A node that owns these shards."""
        node = self.nodes[name] = Node(self, name)
        node.store = NodeStore(node)
        self.owners.update(dict.fromkeys(shards, name))
        node.look()
        return node

    def shards(self, name: str | None) -> set[int]:
        """What it owns."""
        return {shard for shard, owner in self.owners.items() if owner == name}

    def bury(self, dead: str, heir: str | None) -> None:
        """Gives all that it had to another one; it is told when it speaks the next time."""
        with self.lock:  # a commit that has begun is done first, or refused
            self.nodes[dead].is_dead = True
            self.owners.update(dict.fromkeys(self.shards(dead), heir))

    def open_gates(self) -> None:
        """Lets all threads go."""
        for node in self.nodes.values():
            for gate in (node.gate, node.hand_over_gate, node.store.gate, node.store.stuck):
                gate.set()


@define(eq=False)
class Node:
    """One process among them. It implements `runtime.ownership.Ownership`."""

    cluster: Cluster
    name: str
    store: "NodeStore" = field(init=False)
    is_shared: bool = field(default=True, init=False)
    pace: float = PACE
    is_dead: bool = False
    is_late: bool = False
    """Whether its last beat was too long ago: it serves nothing."""
    is_leaving: bool = False
    owned: set[int] = field(factory=set)
    """What it takes for its own: what it was at its last beat."""
    gone: set[int] = field(factory=set)
    """What it has let go of, and not given yet."""
    gives: dict[int, str] = field(factory=dict)
    """What it is to give up, and to whom."""
    unwanted: set[int] = field(factory=set)
    """What the others do not take."""
    beats: int = 0
    at_work: int = 0
    """Threads that beat, or hand over, now."""
    beat_error: AgentRuntimeError | None = None
    hand_over_error: AgentRuntimeError | None = None
    gate: Gate = field(factory=Gate)
    """While clear, beats block their thread."""
    hand_over_gate: Gate = field(factory=Gate)
    on_hand_over: Callable[[], object] = lambda: None
    """Called in the thread, before anything has gone."""
    handed: list[set[int]] = field(factory=list)
    """Which shards were handed over, call by call."""

    def __attrs_post_init__(self) -> None:
        self.gate.set()
        self.hand_over_gate.set()

    def give(self, shards: Collection[int], to: str) -> None:
        """Has the node give these shards away."""
        self.gives.update(dict.fromkeys(shards, to))

    def owns(self, session_id: str) -> bool:
        """Whether that is so."""
        return self.cluster.owners[shard_of(session_id)] == self.name

    # -- an ownership ------------------------------------------------------------------------

    def check(self, session_id: str) -> None:
        shard = shard_of(session_id)
        if shard in self.owned - self.gone and not self.is_late:
            return
        owner = self.cluster.owners[shard]
        raise NotHere(session_id, None if owner in (None, self.name) else f"{owner}:80")

    def beat(self) -> None:
        self.beats += 1
        self.at_work += 1
        try:
            self.gate.wait()
            self._check_alive()
            if self.beat_error is not None:
                raise self.beat_error
            self.look()
        finally:
            self.at_work -= 1

    def look(self) -> None:
        """Learns what it owns."""
        self.owned = self.cluster.shards(self.name)

    def surplus(self) -> Collection[int]:
        others = self._others()
        if self.is_leaving:
            return self.owned - self.gone if others else ()
        given = {shard for shard, heir in self.gives.items() if heir in others}
        return self.owned & given - self.gone

    def let_go(self, shards: Collection[int]) -> None:
        assert not self.gone & set(shards), "let go of twice"
        self.gone |= set(shards)

    def hand_over(self, shards: Collection[int]) -> Collection[int]:
        self.at_work += 1
        try:
            return self._handed_over(shards)
        finally:
            self.at_work -= 1

    def _handed_over(self, shards: Collection[int]) -> Collection[int]:
        self.hand_over_gate.wait()
        self._check_alive()
        if self.hand_over_error is not None:
            raise self.hand_over_error
        assert set(shards) <= self.gone, "handed over, and not let go of"
        self.on_hand_over()
        with self.cluster.lock:
            others = self._others()
            heirs = {
                shard: heir if (heir := self.gives.get(shard)) in others else others[0]
                for shard in set(shards) - self.unwanted
                if others
            }
            self.cluster.owners.update(heirs)
        self.handed.append(set(heirs))
        self.gone -= heirs.keys()
        self.owned -= heirs.keys()
        return set(heirs)

    def take_back(self, shards: Collection[int]) -> None:
        assert set(shards) <= self.gone, "taken back, and not let go of"
        self.gone -= set(shards)

    def leave(self) -> None:
        self.is_leaving = True

    @property
    def has_left(self) -> bool:
        return not self.cluster.shards(self.name) or not self._others()

    def nodes(self) -> Sequence[Shown]:
        return [
            Shown(
                id=name,
                address=f"{name}:80",
                shards=len(self.cluster.shards(name)),
                is_leaving=node.is_leaving,
                is_self=node is self,
                seen="2025-12-31T12:00:00.000Z",
            )
            for name, node in sorted(self.cluster.nodes.items())
        ]

    def statistics(self) -> OwnershipStatistics:
        return OwnershipStatistics(shards=len(self.cluster.shards(self.name)))

    def _others(self) -> list[str]:
        return [
            name
            for name, node in self.cluster.nodes.items()
            if node is not self and not node.is_dead and not node.is_leaving
        ]

    def _check_alive(self) -> None:
        if self.is_dead:
            raise LostOwnership("another node has found this one dead")


class NodeStore(FakeStore):
    """The shared disk, as one node reaches it."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node
        self.refusals = 0
        self.closed_beside = 0
        """How many threads of the node were at work when it was closed."""
        self.stuck = Gate()
        """While clear, commits and the end block their thread; also when a test fails, so that what
        the runtime makes of that is seen."""
        self.stuck.set()
        self.ownership = node
        self._kept, self._lock = node.cluster.disk._kept, node.cluster.disk._lock
        self.index = node.cluster.disk.index

    def close(self) -> None:
        self.closed_beside = self.node.at_work
        self.stuck.wait()
        super().close()

    def write(self, deltas: Sequence[Delta]) -> Committed:
        self.stuck.wait()
        with self.node.cluster.lock:
            for delta in deltas:
                is_of_nobody = all(isinstance(step, Purge | Scrub) for step in delta.steps)
                if not is_of_nobody and not self.node.owns(delta.session_id):
                    self.refusals += 1
                    raise LostOwnership(f"{delta.session_id} is another node's")
            return super().write(deltas)

    def expired(self, before: str, limit: int) -> Sequence[str]:
        return [name for name in super().expired(before, limit) if self.node.owns(name)]

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        found = super().trashed_before(before, limit)
        return [(no, name) for no, name in found if self.node.owns(name)]

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        found = super().superseded(before, limit, after)
        mine = [(no, name) for no, name in found.sessions if self.node.owns(name)]
        return Superseded(mine, found.next)
