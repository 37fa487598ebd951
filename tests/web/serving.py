"""A served app and a client that sends exactly the bytes it is told to."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import inf
from types import TracebackType
from typing import Any

import h11
import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from web.app import App
from web.behind import open_answers
from web.http.limits import ServerConfig
from web.http.listen import open_listeners
from web.http.server import serve


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

    stream: trio.SocketStream
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
                self._http.receive_data(await self.stream.receive_some())
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
async def open_server(app: App, config: ServerConfig | None = None) -> AsyncIterator[Served]:
    """Serve what the app does on a free port; shut down gracefully at the end."""
    listeners = await open_listeners("127.0.0.1", 0)
    shutdown = trio.Event()

    async def run(task_status: trio.TaskStatus[list[str]]) -> None:
        async with open_answers(app.api) as answer:
            await serve(
                answer, listeners, config=config, shutdown=shutdown, task_status=task_status
            )
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


async def send_until_closed(stream: trio.SocketStream, data: bytes) -> None:
    """Send `data` again and again, and read nothing, until the other side has closed."""
    try:
        while True:
            await stream.send_all(data)
            await trio.sleep(0.01)
    except trio.BrokenResourceError:
        return
