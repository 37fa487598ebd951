"""A runtime in a thread of this process, for adapters in place of a service's address.

It is the one file here that imports the runtime. Calls go through the service's own table, so they
mean and answer the same; only the connection is left out.

Rules:

- The thread is there for as long as the block, and no longer, however that begins or ends.
- What a thread of the caller's gives up goes on in the runtime, as behind a connection that is cut.
- Nothing of a stream is left behind when it is closed, or when the block ends.
"""

import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager, suppress
from queue import SimpleQueue
from typing import TypeVar

import trio
from attrs import define, field

from persistence import open_store
from runtime import RuntimeConfig, open_runtime
from web.api.dispatch import Api
from web.behind import open_answers
from web.clients.core.call import Answer, Call, Reply
from web.clients.errors import ServiceUnreachable
from web.http.message import Headers, Request, Response

T = TypeVar("T")


@define(eq=False)
class Portal:
    """Implements `Transport`. Used by any number of threads at one time, but not by its own."""

    _answer: Callable[[Request], Awaitable[Response]]
    _token: trio.lowlevel.TrioToken
    _pumps: trio.Nursery
    """What reads answers in pieces."""
    _is_open: bool = field(default=True, init=False)

    def exchange(self, call: Call) -> Reply:
        """Asks the runtime. Raises `ServiceUnreachable`: it has ended."""
        return self._run(self._exchange, call)

    def open(self, call: Call) -> Answer:
        """The same, of an answer that is to be read as it comes. Raises `ServiceUnreachable`."""
        return self._run(self._open, call)

    def close(self) -> None:
        """Does nothing: `open_portal` closes it."""

    def _run(self, work: Callable[..., Awaitable[T]], *arguments: object) -> T:
        if not self._is_open:
            raise _ended(was_sent=False)
        try:
            return trio.from_thread.run(work, *arguments, trio_token=self._token)
        except (trio.RunFinishedError, trio.Cancelled) as error:
            raise _ended(was_sent=True) from error

    async def _exchange(self, call: Call) -> Reply:
        response = await self._answer(_request(call))
        body = response.body
        if isinstance(body, AsyncGenerator):
            async with aclosing(body):
                body = b"".join([piece async for piece in body])
        return Reply(response.status, _heads(response), _joined(body))

    async def _open(self, call: Call) -> "_Answer":
        response = await self._answer(_request(call))
        sender, receiver = trio.open_memory_channel[bytes](0)
        answer = _Answer(response.status, _heads(response), self, receiver)
        # A task of its own from begin to end: the pieces are made in it, whoever takes them.
        self._pumps.start_soon(answer.pump, response.body, sender)
        return answer


@define(eq=False)
class _Answer:
    """Implements `Answer`."""

    status: int
    headers: Mapping[str, str]
    _portal: Portal
    _pieces: trio.MemoryReceiveChannel[bytes]
    _scope: trio.CancelScope = field(factory=trio.CancelScope, init=False)
    _done: trio.Event = field(factory=trio.Event, init=False)
    _failure: Exception | None = field(default=None, init=False)
    _has_ended: bool = field(default=False, init=False)
    """Whether all pieces were handed over; else it was cut."""

    def next(self) -> bytes:
        return self._portal._run(self._next)

    def close(self) -> None:
        with suppress(ServiceUnreachable):  # it has ended with the runtime
            self._portal._run(self._close)

    async def pump(
        self,
        body: bytes | tuple[bytes | memoryview, ...] | AsyncGenerator[bytes, None],
        sender: trio.MemorySendChannel[bytes],
    ) -> None:
        try:
            with self._scope, sender:
                if not isinstance(body, AsyncGenerator):
                    await sender.send(_joined(body))
                else:
                    async with aclosing(body):
                        async for piece in body:
                            if piece:
                                await sender.send(piece)
                self._has_ended = True
        except Exception as error:  # what a server would cut the connection for
            self._failure = error
        finally:
            self._done.set()

    async def _next(self) -> bytes:
        try:
            return await self._pieces.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError) as error:
            await self._done.wait()
            if self._has_ended:
                return b""
            if self._failure is None:
                raise _ended(was_sent=True) from error
            said = f"The embedded runtime broke off its answer ({self._failure!r})"
            raise ServiceUnreachable(said, was_sent=True) from self._failure

    async def _close(self) -> None:
        self._scope.cancel()
        self._pieces.close()
        await self._done.wait()


@define
class _Content:
    """A body that is all there."""

    _left: bytes

    @property
    def announced(self) -> int:
        return len(self._left)

    async def receive(self) -> bytes:
        piece, self._left = self._left, b""
        return piece


@define(eq=False)
class _House:
    """The thread, and what it runs."""

    _database_url: str
    _config: RuntimeConfig
    _opened: SimpleQueue[Portal | None] = field(factory=SimpleQueue, init=False)
    _thread: threading.Thread = field(init=False)
    _token: trio.lowlevel.TrioToken | None = field(default=None, init=False)
    _is_unwanted: bool = field(default=False, init=False)
    _wanted: trio.Event = field(factory=trio.Event, init=False)
    """Set when it is not any more."""
    failure: BaseException | None = field(default=None, init=False)
    """What it ended with. Known when it has ended."""

    def __attrs_post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="agent-runtime")

    def begin(self) -> Portal:
        """Returns when calls are answered. Raises what it failed with."""
        try:
            self._thread.start()
            portal = self._opened.get()
        except BaseException:  # Ctrl-C while it opens, say; also while its thread begins
            self.end()
            raise
        if portal is None:
            self._thread.join()
            assert self.failure is not None
            raise self.failure
        return portal

    def end(self) -> None:
        """Returns when all is written and closed."""
        self._is_unwanted = True
        # Its own thread sets the one and looks at the other the other way round, so one of both
        # sees what the other did, however early this comes.
        if self._token is not None:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._wanted.set)
        # A thread that has not begun yet cannot be joined. It opens nothing any more.
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            trio.run(self._serve)
        except BaseException as error:  # whoever waits for the thread raises it
            self.failure = error
        finally:
            self._opened.put(None)

    async def _serve(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        if self._is_unwanted:
            return
        store = await trio.to_thread.run_sync(open_store, self._database_url)
        async with (
            open_runtime(store, self._config) as runtime,
            open_answers(Api(runtime)) as answer,
            trio.open_nursery() as pumps,
        ):
            portal = Portal(answer, self._token, pumps)
            self._opened.put(portal)
            try:
                await self._wanted.wait()
            finally:
                portal._is_open = False
                pumps.cancel_scope.cancel()


@contextmanager
def open_portal(database_url: str, config: RuntimeConfig | None = None) -> Iterator[Portal]:
    """A runtime over a store, in a thread of its own, until the block ends.

    `database_url`: as `agent-runtime serve --db` takes it; where others share the store, it answers
    for what it owns alone. `config`: by default, writes are on disk
    within `snapshot_interval`, and at the end of the block; `RuntimeConfig(durability="commit")`
    waits for the disk each time. Raises what `open_store` raises, and at the end what the runtime
    has failed with: then not all may be on disk.
    """
    house = _House(database_url, config or RuntimeConfig())
    portal = house.begin()
    try:
        yield portal
    except BaseException as error:
        house.end()
        if house.failure is not None:
            error.add_note(f"The embedded runtime has failed: {house.failure!r}")
        raise
    house.end()
    if house.failure is not None:
        raise house.failure


def _request(call: Call) -> Request:
    headers = [*call.headers]
    if call.content:
        headers.append(("Content-Type", call.content_type))
    return Request(
        method=call.method,
        path=call.path,
        query=call.query_string,
        headers=Headers(headers),
        body=_Content(call.content),
    )


def _heads(response: Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers}


def _joined(body: bytes | tuple[bytes | memoryview, ...]) -> bytes:
    return body if isinstance(body, bytes) else b"".join(body)


def _ended(*, was_sent: bool) -> ServiceUnreachable:
    said = "The embedded runtime has ended, and with it the block that opened it"
    return ServiceUnreachable(said, was_sent=was_sent, is_final=True)
