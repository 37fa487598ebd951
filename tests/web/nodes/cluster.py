"""Several nodes in this process, each with a runtime, an API and a server of its own, over sockets.

Who owns what is said by the test: a `Roster` stands in place of a database. What the nodes have in
memory stores is each one's own, so a session that is asked for at the wrong one is not found.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import trio
from attrs import define, evolve, field

from persistence import MemoryStore
from runtime import (
    SHARDS,
    Node,
    NotHere,
    OwnershipStatistics,
    Runtime,
    RuntimeConfig,
    open_runtime,
)
from tests.web.http.serving import Answer, Client
from web import Guard
from web.api.dispatch import Api
from web.app import App
from web.behind import open_answers
from web.hosts import contained
from web.http.limits import ServerConfig
from web.http.listen import open_listeners
from web.http.server import serve
from web.metrics import Metrics
from web.nodes.forwarding import open_forwarding

TOKEN = "of all nodes, and of no client"  # noqa: S105
NOBODY = "nobody"
"""Owns what no node does."""


@define(eq=False)
class Roster:
    """Who is there, and owns what."""

    nodes: dict[str, Node] = field(factory=dict)
    """By name, which is also the id."""
    owners: dict[str, str] = field(factory=dict)
    """By session; those that are not here are the first node's."""
    checks: int = field(default=0, init=False)

    def owner_of(self, session_id: str) -> Node | None:
        name = self.owners.get(session_id, next(iter(self.nodes)))
        return self.nodes.get(name)

    def join(self, name: str, address: str | None) -> None:
        self.nodes[name] = Node(
            id=name,
            address=address,
            shards=SHARDS,
            is_leaving=False,
            is_self=False,
            seen="2025-12-31T12:00:00.000Z",
        )

    def change(self, name: str, **what: Any) -> None:
        self.nodes[name] = evolve(self.nodes[name], **what)


@define(eq=False)
class Listed:
    """A node's ownership, as a roster has it."""

    roster: Roster
    name: str
    is_shared: bool = True
    pace: float = 0.25
    has_left: bool = False
    stale: dict[str, str] = field(factory=dict)
    """Sessions that it believes to be another node's than the roster says."""

    def check(self, session_id: str) -> None:
        self.roster.checks += 1
        name = self.stale.get(session_id)
        owner = self.roster.owner_of(session_id) if name is None else self.roster.nodes[name]
        if owner is None or owner.id != self.name:
            raise NotHere(session_id, None if owner is None else owner.address)

    def beat(self) -> None: ...

    def surplus(self) -> Collection[int]:
        return ()

    def let_go(self, shards: Collection[int]) -> None: ...

    def hand_over(self, shards: Collection[int]) -> Any:
        return shards

    def take_back(self, shards: Collection[int]) -> None: ...

    def leave(self) -> None:
        self.roster.change(self.name, is_leaving=True)

    def nodes(self) -> Sequence[Node]:
        return [evolve(node, is_self=node.id == self.name) for node in self.roster.nodes.values()]

    def statistics(self) -> OwnershipStatistics:
        return OwnershipStatistics(shards=self.roster.nodes[self.name].shards)


@define(eq=False)
class SharedMemory(MemoryStore):
    """A memory store that says it is shared."""

    ownership: Any = None


@define(eq=False)
class Member:
    """A node that serves."""

    name: str
    port: int
    runtime: Runtime
    api: Api
    ownership: Listed
    shutdown: trio.Event

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def metrics(self) -> Metrics:
        return self.api.resources.metrics

    async def connect(self) -> Client:
        return Client(await trio.open_tcp_stream("127.0.0.1", self.port))

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request on a connection of its own; JSON, if it has a body."""
        if body:
            headers.setdefault("Content_Type", "application/json")
        async with await self.connect() as client:
            return await client.ask(method, f"/api/v1{path}", body, **headers)

    async def say(self, session_id: str, text: str = "hello") -> Answer:
        body = b'{"role": "user", "content": "%s"}' % text.encode()
        answer = await self.ask("POST", f"/sessions/{session_id}/messages", body)
        assert answer.status == HTTPStatus.CREATED
        return answer


@define(eq=False)
class Cluster:
    """The nodes, by name."""

    roster: Roster
    members: dict[str, Member] = field(factory=dict)

    def __getattr__(self, name: str) -> Member:
        return self.members[name]


@asynccontextmanager
async def open_cluster(*names: str, **how: Any) -> AsyncIterator[Cluster]:
    """Nodes that serve, under these names; the first owns all that no other does.

    `how`: as for `open_member`.
    """
    cluster = Cluster(Roster())
    async with AsyncExitStack() as stack:
        for name in names:
            member = await stack.enter_async_context(open_member(cluster.roster, name, **how))
            cluster.members[name] = member
        yield cluster


@asynccontextmanager
async def open_member(
    roster: Roster,
    name: str,
    *,
    rules: Guard | None = None,
    server: ServerConfig | None = None,
    token: str = TOKEN,
    port: int = 0,
    hypercorn: bool = False,
    **config: Any,
) -> AsyncIterator[Member]:
    """A node that serves."""
    listeners = await open_listeners("127.0.0.1", port)
    port = listeners[0].socket.getsockname()[1]
    roster.join(name, f"127.0.0.1:{port}")
    ownership = Listed(roster, name)
    shutdown = trio.Event()
    store = SharedMemory(ownership=ownership)
    async with open_runtime(store, RuntimeConfig(**{"durability": "commit", **config})) as runtime:
        metrics = Metrics(runtime)
        async with open_forwarding(ownership, ownership.nodes, token, metrics) as forwarding:
            api = Api(
                runtime,
                rules=Guard() if rules is None else rules,
                metrics=metrics,
                forwarding=forwarding,
            )
            settings = ServerConfig() if server is None else server
            async with open_answers(api) as answer, trio.open_nursery() as nursery:
                serving = partial(serve, answer, listeners, config=settings, shutdown=shutdown)
                if hypercorn:
                    serving = partial(
                        contained.serve,
                        App(api),
                        listeners,
                        config=settings,
                        tls=None,
                        shutdown=shutdown,
                    )
                await nursery.start(serving)
                try:
                    yield Member(name, port, runtime, api, ownership, shutdown)
                finally:
                    runtime.end_following()
                    forwarding.end_streams()
                    shutdown.set()
                    roster.nodes.pop(name, None)
