"""Whatever becomes of the nodes, what was answered is there, once, in its order, for who asks next.

Three nodes share a store. Clients write to a few sessions, one message after the other, and send
each again to any node until it is answered. Meanwhile shards go from node to node, nodes are found
dead in the middle of a commit, or end and come back, and their stores fail and stall. Where only
memory was asked for (`snapshot`), nobody dies, as that may take what was answered.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import trio
from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from runtime import AgentRuntimeError, LostOwnership, Runtime
from tests.properties import examples
from tests.runtime.fakes import mock_run, running, texts, unavailable, until_held, user
from tests.runtime.nodes import PACE, Cluster, Node, id_in

PLACES = ("a", "b", "c")
SESSIONS = [id_in({shard}) for shard in range(4)]
CLIENTS = 2
"""Of each session."""

STEPS = [*["write", "move", "wait"] * 4, *["read"] * 3, "stop", "fail", "work", "stall", "go on"]


def schedules(*more: str) -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.lists(
        st.tuples(st.sampled_from([*STEPS, "wait long", *more]), st.integers(0, 2**16)),
        min_size=10,
        max_size=60,
    )


@define(eq=False)
class Nodes:
    """The nodes of three places, one after the other at each, and who uses them."""

    durability: str
    clock: MockClock
    cluster: Cluster = field(factory=Cluster)
    runtimes: dict[str, Runtime] = field(factory=dict)
    """By place; the last one that was there."""
    present: dict[str, Node] = field(factory=dict)
    """Those that run, by place."""
    stops: dict[str, trio.Event] = field(factory=dict)
    asked: dict[str, list[list[str]]] = field(
        factory=lambda: {name: [[] for _ in range(CLIENTS)] for name in SESSIONS}
    )
    """What each client of a session writes, in its order."""
    answered: dict[str, list[list[str]]] = field(
        factory=lambda: {name: [[] for _ in range(CLIENTS)] for name in SESSIONS}
    )
    readers: int = 0
    """Reads that are not answered yet."""
    is_over: bool = False

    # -- the nodes ---------------------------------------------------------------------------

    async def serve(self, place: str) -> None:
        number = 0
        while not self.is_over:
            number += 1
            node = self.cluster.join(f"{place}{number}")
            self.present[place], self.stops[place] = node, trio.Event()
            self._deal(None, node.name)
            try:
                async with running(node.store, durability=self.durability) as runtime:
                    self.runtimes[place] = runtime
                    await self.stops[place].wait()
                    await runtime.leave(timeout=1)
            except LostOwnership:
                assert node.is_dead
            finally:
                del self.present[place]
                self.cluster.bury(node.name, self._heir(place))

    def _deal(self, owner: str | None, heir: str) -> None:
        with self.cluster.lock:
            self.cluster.owners.update(dict.fromkeys(self.cluster.shards(owner), heir))

    def _heir(self, place: str) -> str | None:
        others = [n.name for p, n in self.present.items() if p != place and not n.is_dead]
        return others[0] if others else None

    # -- who uses them -----------------------------------------------------------------------

    async def ask(self, first: int, work: Callable[[Runtime], Any]) -> Any:
        """Asks one after the other, until it is answered."""
        while True:
            for shift in range(len(PLACES)):
                runtime = self.runtimes.get(PLACES[(first + shift) % len(PLACES)])
                if runtime is None:
                    continue
                try:
                    return await work(runtime)
                except AgentRuntimeError:  # another node's, or nobody knows what became of it
                    await trio.sleep(PACE / 7)
            await trio.sleep(PACE / 7)

    async def write(self, session_id: str, client: int, first: int) -> None:
        number = 0
        while True:
            while number == len(self.asked[session_id][client]):
                if self.is_over:
                    return
                await trio.sleep(PACE / 5)
            text = self.asked[session_id][client][number]
            await self.ask(
                first + number,
                lambda runtime: runtime.session(session_id).append(user(text, text)),  # noqa: B023
            )
            self.answered[session_id][client].append(text)
            number += 1

    async def read(self, session_id: str, first: int) -> None:
        before = [list(texts) for texts in self.answered[session_id]]
        if any(before):
            history = await self.ask(first, lambda runtime: runtime.session(session_id).history())
            self.check(session_id, texts(history.entries), before)
        self.readers -= 1

    def check(self, session_id: str, found: Sequence[str], least: Sequence[Sequence[str]]) -> None:
        """Has each client's messages, each once, in order, and at the least these of them."""
        assert len(set(found)) == len(found)
        for client in range(CLIENTS):
            mine = [text for text in found if text.startswith(f"{client}-")]
            assert mine == self.asked[session_id][client][: len(mine)]
            assert len(mine) >= len(least[client])

    # -- what becomes of them ----------------------------------------------------------------

    async def take(self, step: str, number: int, nursery: trio.Nursery) -> None:
        session_id = SESSIONS[number % len(SESSIONS)]
        place = PLACES[number % len(PLACES)]
        node = self.present.get(place)
        match step:
            case "write":
                client = number // 8 % CLIENTS
                mine = self.asked[session_id][client]
                mine += [f"{client}-{len(mine)}"]
            case "read":
                self.readers += 1
                nursery.start_soon(self.read, session_id, number)
            case "move" if node is not None and not node.is_dead:
                shard = number // 8 % len(SESSIONS)
                for other in self.present.values():
                    other.gives.pop(shard, None)
                    if other is not node:
                        other.give({shard}, to=node.name)
            case "wait":
                await self.pass_time(PACE / 3 * (1 + number % 8))
            case "wait long":
                await self.pass_time(7)
            case "stop":  # in order, which takes a store that works
                self.let_work()
                self.stops[place].set()
            case "die" if node is not None:
                self.cluster.bury(node.name, self._heir(place))
            case "fail" if node is not None and not self.stops[place].is_set():
                node.store.commit_error = unavailable()
            case "stall" if node is not None and not self.stops[place].is_set():
                node.store.gate.clear()
            case "work" | "go on":
                self.let_work()

    async def pass_time(self, seconds: float) -> None:
        until = trio.current_time() + seconds
        while trio.current_time() < until:  # a thread that is held stops the clock
            await until_held()
            self.clock.jump(min(PACE, until - trio.current_time()))

    def let_work(self) -> None:
        self.cluster.open_gates()
        for node in self.cluster.nodes.values():
            node.store.commit_error = None

    def are_answered(self) -> bool:
        return self.asked == self.answered and not self.readers


async def play(durability: str, steps: Sequence[tuple[str, int]]) -> Mapping[str, Any]:
    clock = trio.lowlevel.current_clock()
    assert isinstance(clock, MockClock)
    nodes = Nodes(durability, clock)
    try:
        async with trio.open_nursery() as nursery:
            for place in PLACES:
                nursery.start_soon(nodes.serve, place)
            for number, session_id in enumerate(SESSIONS):
                for client in range(CLIENTS):
                    nursery.start_soon(nodes.write, session_id, client, number)
            await nodes.pass_time(2 * PACE)
            for step, number in steps:
                await nodes.take(step, number, nursery)
            nodes.let_work()
            with trio.fail_after(120):
                while not nodes.are_answered():
                    await trio.sleep(PACE)
            nodes.is_over = True
            for stop in nodes.stops.values():
                stop.set()
    finally:
        nodes.let_work()
    for session_id in SESSIONS:
        store = next(iter(nodes.cluster.nodes.values())).store
        nodes.check(session_id, store.texts(session_id) or [], nodes.asked[session_id])
    return nodes.asked


@given(schedules("die", "die"))
@settings(max_examples=examples(0.6))
def test_with_commits_nothing_answered_is_lost_whatever_becomes_of_the_nodes(
    steps: list[tuple[str, int]],
) -> None:
    mock_run(lambda: play("commit", steps))


@given(schedules())
@settings(max_examples=examples(0.6))
def test_in_memory_nothing_answered_is_lost_when_shards_go_from_node_to_node(
    steps: list[tuple[str, int]],
) -> None:
    mock_run(lambda: play("snapshot", steps))
