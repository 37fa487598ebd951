"""A server of a tiny service, over sockets or in memory, and clients that send what they like."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import inf
from types import TracebackType
from typing import Any

import h11
import trio
import trio.testing
from attrs import define, field, frozen
from trio.abc import HalfCloseableStream
from trio.testing import MockClock

from web.http.crowd import Crowd
from web.http.limits import ServerConfig
from web.http.line import Line
from web.http.listen import open_listeners
from web.http.message import Chunks, Request, Response
from web.http.server import Server, serve

AnswerTo = Callable[[Request], Awaitable[Response]]


async def read(request: Request) -> bytes:
    """The whole body."""
    pieces = []
    while piece := await request.body.receive():
        pieces.append(piece)
    return b"".join(pieces)


async def hello_and_echo(request: Request) -> Response:
    """What `packets.py` is for."""
    match request.path, request.method:
        case "/hello", "GET" | "HEAD":
            return Response(200, b"hello")
        case "/echo", "POST":
            return Response(200, await read(request))
        case "/hello" | "/echo", _:
            return Response(405)
        case "*", _:
            return Response(204)
        case _:
            return Response(404)


def routed(**endpoints: AnswerTo) -> AnswerTo:
    """`hello_and_echo`, with more: each named as its path is."""

    async def answer(request: Request) -> Response:
        endpoint = endpoints.get(request.path.removeprefix("/"), hello_and_echo)
        return await endpoint(request)

    return answer


def streams(make: Callable[[], Chunks]) -> AnswerTo:
    """Answers 200 with what is made anew for each request."""

    async def answer(request: Request) -> Response:
        return Response(200, make())

    return answer


@frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@define
class Client:
    """A raw connection. What it sends is up to the test; what it reads must be HTTP."""

    stream: HalfCloseableStream
    _http: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT), init=False)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await trio.aclose_forcefully(self.stream)

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
        head += "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
        if body:
            head += f"Content-Length: {len(body)}\r\n"
        await self.send(head.encode() + b"\r\n" + body)
        return await self.answer(method)

    async def answer(self, method: str = "GET") -> Answer:
        """The next answer. Raises `h11.RemoteProtocolError` if it is cut off."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        # h11 wants to know what was asked, to know where the answer ends.
        self._http.send(h11.Request(method=method, target="/", headers=[("Host", "localhost")]))
        self._http.send(h11.EndOfMessage())
        response: h11.Response | None = None
        body = b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(bytes(await self.stream.receive_some()))
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert response is not None
                headers = {k.decode(): v.decode() for k, v in response.headers}
                return Answer(response.status_code, headers, body)

    async def read_to_end(self) -> bytes:
        """Everything up to the close; an abrupt one counts too."""
        data = b""
        try:
            while chunk := await self.stream.receive_some():
                data += chunk
        except trio.BrokenResourceError:
            pass
        return data


class MemoryLine(Line):
    """A line without a socket. The test says when the client has `gone`."""

    def __init__(self, stream: HalfCloseableStream) -> None:
        self.stream = stream
        self.gone = False
        self.was_cut = False
        self.receives = 0

    def send_nowait(self, *buffers: bytes | memoryview) -> int:
        return 0

    async def send_some(self, *buffers: bytes | memoryview) -> int:
        await self.stream.send_all(buffers[0])
        return len(buffers[0])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        self.receives += 1
        return bytes(await self.stream.receive_some(max_bytes))

    async def send_eof(self) -> None:
        await self.stream.send_eof()

    async def aclose(self) -> None:
        await self.stream.aclose()

    def has_come(self) -> bool:
        return False

    def is_gone(self) -> bool:
        return self.gone

    def cut(self) -> None:
        self.was_cut = True


@define
class InMemory:
    """A server without a socket."""

    server: Server
    nursery: trio.Nursery
    lines: list[MemoryLine] = field(factory=list)

    def connect(self, *, lockstep: bool = False) -> Client:
        """A new client. In lockstep, what one side sends is taken when the other receives it."""
        make: Callable[[], tuple[HalfCloseableStream, HalfCloseableStream]] = (
            trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
        )
        theirs, ours = make()
        self.lines.append(MemoryLine(ours))
        self.nursery.start_soon(self.server.serve_line, self.lines[-1], "client")
        return Client(theirs)

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request on a connection of its own."""
        async with self.connect() as client:
            return await client.ask(method, path, body, **headers)


@asynccontextmanager
async def in_memory(
    answer: AnswerTo = hello_and_echo, config: ServerConfig | None = None
) -> AsyncIterator[InMemory]:
    """Serve in memory; cut everything off at the end."""
    async with trio.open_nursery() as nursery:
        server = Server(answer, Crowd(ServerConfig() if config is None else config))
        nursery.start_soon(server.crowd.watch)
        yield InMemory(server, nursery)
        nursery.cancel_scope.cancel()


@define
class Served:
    """A running server."""

    port: int
    urls: list[str]
    shutdown: trio.Event
    stopped: trio.Event = field(factory=trio.Event)

    async def connect(self) -> Client:
        return Client(await trio.open_tcp_stream("127.0.0.1", self.port))

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request on a connection of its own."""
        async with await self.connect() as client:
            return await client.ask(method, path, body, **headers)


@asynccontextmanager
async def open_server(
    answer: AnswerTo = hello_and_echo, config: ServerConfig | None = None
) -> AsyncIterator[Served]:
    """Serve on a free port; shut down in order at the end."""
    listeners = await open_listeners("127.0.0.1", 0)
    shutdown = trio.Event()

    async def run(task_status: trio.TaskStatus[list[str]]) -> None:
        await serve(answer, listeners, config=config, shutdown=shutdown, task_status=task_status)
        served.stopped.set()

    async with trio.open_nursery() as nursery:
        served = Served(listeners[0].socket.getsockname()[1], [], shutdown)
        served.urls = await nursery.start(run)
        yield served
        shutdown.set()


@contextmanager
def time_passing(clock: MockClock) -> Iterator[None]:
    """In the block, time leaps to the next deadline whenever all tasks wait.

    For what only time brings about, and where it makes no difference what is still on its way
    between sockets. Before and after it a mock clock stands still, and nothing is late, however
    long the machine takes for it.
    """
    clock.autojump_threshold = 0
    try:
        yield
    finally:
        clock.autojump_threshold = inf


async def send_until_closed(stream: HalfCloseableStream, data: bytes) -> None:
    """Send `data` again and again, and read nothing, until the other side has closed."""
    try:
        while True:
            await stream.send_all(data)
            await trio.sleep(0.01)
    except trio.BrokenResourceError:
        return
