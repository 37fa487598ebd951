"""Several nodes in this process, each with a runtime, an API and a server of its own, over sockets.

They share one "disk", and who owns what is dealt out by the test, as in `tests.runtime.nodes`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any

import trio
from attrs import define, evolve, field

from runtime import SHARDS, NotHere, Runtime, RuntimeConfig, open_runtime
from runtime import Node as Shown
from tests.runtime.nodes import Cluster as Owners
from tests.runtime.nodes import Node, NodeStore, id_in
from tests.web.http.serving import Answer, Client
from tests.web.streams import EventSource
from web import Guard
from web.api.dispatch import Api
from web.app import App
from web.behind import open_answers
from web.hosts import contained
from web.http.limits import ServerConfig
from web.http.listen import open_listeners
from web.http.server import serve
from web.nodes.forwarding import Forwarding, open_forwarding
from web.nodes.peers import Peers

TOKEN = "of all nodes, and of no client"  # noqa: S105


@define(eq=False)
class Addresses(Owners):
    """Which node owns which shard, and where it is asked."""

    addresses: dict[str, str | None] = field(factory=dict)

    def join(self, name: str, shards: Any = ()) -> "AddressedNode":
        node = self.nodes[name] = AddressedNode(self, name)
        node.addresses = self.addresses
        node.store = NodeStore(node)
        self.owners.update(dict.fromkeys(shards, name))
        node.look()
        return node

    def move(self, shards: Sequence[int], to: str) -> None:
        """They are another node's, and all nodes know it."""
        self.owners.update(dict.fromkeys(shards, to))
        for node in self.nodes.values():
            node.look()


@define(eq=False)
class AddressedNode(Node):
    """One process among them."""

    addresses: dict[str, str | None] = field(factory=dict)
    believed: dict[str, str | None] = field(factory=dict)
    """Whose it takes sessions for, whatever is so."""
    missed: int = 0
    """How often it was asked for what it has not got."""

    def check(self, session_id: str) -> None:
        if self.believed.get(session_id) == self.name:
            return
        try:
            if session_id in self.believed:
                raise NotHere(session_id, f"{self.believed[session_id]}:80")  # noqa: TRY301
            super().check(session_id)
        except NotHere as error:
            self.missed += 1
            owner = (error.address or "").partition(":")[0]
            raise NotHere(session_id, self.addresses.get(owner)) from None

    def nodes(self) -> Sequence[Shown]:
        return [evolve(node, address=self.addresses.get(node.id)) for node in super().nodes()]


@define(eq=False)
class Serving:
    """A server that can be killed, too."""

    scope: trio.CancelScope = field(factory=trio.CancelScope)
    ended: trio.Event = field(factory=trio.Event)

    async def run(self, serve: Any, task_status: trio.TaskStatus["Serving"]) -> None:
        with self.scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(serve)
                task_status.started(self)
        self.ended.set()


@define(eq=False)
class Member:
    """A node that serves."""

    name: str
    shards: Sequence[int]
    """That it owns at the beginning."""
    port: int
    runtime: Runtime
    api: Api
    node: AddressedNode
    shutdown: trio.Event
    _forwarding: Forwarding
    _serving: "Serving"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def forwards(self) -> dict[str, int]:
        """By outcome."""
        return self.api.resources.metrics.forwards

    @property
    def peers(self) -> Peers:
        """Its connections to the others."""
        return self._forwarding._passing.peers

    @property
    def is_settled(self) -> bool:
        """Whether it knows who else is there, and has for long enough."""
        roll = self._forwarding._roll
        return roll._settled == roll._seen == roll._parts()

    def id(self, number: int = 0) -> str:
        """That of a session which is this node's at the beginning; of each number another one."""
        return id_in(self.shards, number)

    def end_streams(self) -> None:
        """As a service that is to stop ends them."""
        self.runtime.end_following()
        self._forwarding.end_streams()

    async def kill(self) -> None:
        """Cuts its connections, and listens no more."""
        self._serving.scope.cancel()
        await self._serving.ended.wait()

    async def relay(self, stream: trio.SocketStream) -> None:
        """Passes on what comes, both ways."""

        async def pump(source: trio.SocketStream, target: trio.SocketStream) -> None:
            async for piece in source:
                await target.send_all(piece)
            nursery.cancel_scope.cancel()

        async with (
            await trio.open_tcp_stream("127.0.0.1", self.port) as theirs,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(pump, stream, theirs)
            nursery.start_soon(pump, theirs, stream)

    async def connect(self) -> Client:
        return Client(await trio.open_tcp_stream("127.0.0.1", self.port))

    async def ask(
        self, method: str, path: str, body: bytes = b"", prefix: str = "/api/v1", **headers: str
    ) -> Answer:
        """One request on a connection of its own; JSON, if it has a body."""
        if body:
            headers.setdefault("Content_Type", "application/json")
        async with await self.connect() as client:
            return await client.ask(method, f"{prefix}{path}", body, **headers)

    async def say(self, session_id: str, text: str = "hello", **headers: str) -> Answer:
        body = b'{"role": "user", "content": "%s"}' % text.encode()
        return await self.ask("POST", f"/sessions/{session_id}/messages", body, **headers)

    @asynccontextmanager
    async def following(self, path: str, **headers: str) -> AsyncIterator[EventSource]:
        """A stream, which is open."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        try:
            source = EventSource(stream)
            assert await source.open(path, **headers) == HTTPStatus.OK
            yield source
        finally:
            await trio.aclose_forcefully(stream)


@define(eq=False)
class Cluster:
    """The nodes, by name."""

    owners: Addresses
    members: dict[str, Member] = field(factory=dict)

    def __getattr__(self, name: str) -> Member:
        return self.members[name]

    async def wait_owned(self, member: Member, session_id: str) -> None:
        """Returns when it is this node's."""
        while not member.node.owns(session_id):
            await trio.sleep(0.01)


@asynccontextmanager
async def open_cluster(*names: str, **how: Any) -> AsyncIterator[Cluster]:
    """Nodes that serve, under these names; each owns its share of the shards.

    `how`: as for `open_member`.
    """
    cluster = Cluster(Addresses())
    share = SHARDS // len(names)
    async with AsyncExitStack() as stack:
        for number, name in enumerate(names):
            shards = range(number * share, (number + 1) * share)
            member = open_member(cluster.owners, name, shards, **how)
            cluster.members[name] = await stack.enter_async_context(member)
        yield cluster
        cluster.owners.open_gates()


@asynccontextmanager
async def open_member(
    owners: Addresses,
    name: str,
    shards: Sequence[int] = (),
    *,
    rules: Guard | None = None,
    server: ServerConfig | None = None,
    token: str = TOKEN,
    port: int = 0,
    hypercorn: bool = False,
    streams: int | None = None,
    **config: Any,
) -> AsyncIterator[Member]:
    """A node that serves."""
    listeners = await open_listeners("127.0.0.1", port)
    port = listeners[0].socket.getsockname()[1]
    owners.addresses[name] = f"127.0.0.1:{port}"
    node = owners.join(name, shards)
    shutdown = trio.Event()
    settings = RuntimeConfig(**{"durability": "commit", **config})
    server = ServerConfig() if server is None else server
    async with (
        open_runtime(node.store, settings) as runtime,
        open_forwarding(runtime, token) as forwarding,
    ):
        rules = Guard() if rules is None else rules
        api = Api(runtime, rules=rules, streams=streams, forwarding=forwarding)
        async with open_answers(api) as answer, trio.open_nursery() as nursery:
            how: dict[str, Any] = {"config": server, "shutdown": shutdown}
            serving: Any = partial(serve, answer, listeners, **how)
            if hypercorn:
                serving = partial(contained.serve, App(api), listeners, tls=None, **how)
            running = await nursery.start(Serving().run, serving)
            member = Member(name, shards, port, runtime, api, node, shutdown, forwarding, running)
            try:
                yield member
            finally:
                member.end_streams()
                shutdown.set()
