"""Calls over HTTP by httpx, awaited: under asyncio and under trio."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Self, TypeVar

import httpx
from anyio import sleep  # httpx brings it, and it knows under which of the two it runs
from attrs import define, field, frozen

from web.clients.core.asking import result
from web.clients.core.call import Ask, Call, Pages, Reply, Steps
from web.clients.core.course import Outcome, Stream
from web.clients.core.patience import pause_before_again
from web.clients.core.place import Place
from web.clients.core.wire import heads_of, request_of, unreachable
from web.clients.errors import AgentRuntimeError, ServiceUnreachable

T = TypeVar("T")


@define(eq=False)
class AsyncWire:
    """A pool of connections. Used by any number of tasks of one event loop."""

    _place: Place
    _http: httpx.AsyncClient = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._http = httpx.AsyncClient(  # `trust_env`: as `Wire` has it
            base_url=self._place.url, headers=self._place.headers, trust_env=False
        )

    async def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""
        try:
            answer = await self._http.send(request_of(self._http, call))
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error
        return Reply(answer.status_code, heads_of(answer), answer.content)

    async def open(self, call: Call) -> "_Answer":
        """The same, of an answer that is to be read as it comes. Raises `ServiceUnreachable`."""
        try:
            answer = await self._http.send(request_of(self._http, call), stream=True)
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error
        return _Answer(self._place, answer)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


@frozen(eq=False)
class _Answer:
    _place: Place
    response: httpx.Response
    _pieces: AsyncIterator[bytes] = field(init=False)

    @_pieces.default
    def _read(self) -> AsyncIterator[bytes]:
        return self.response.aiter_bytes()

    async def next(self) -> bytes:
        try:
            return await anext(self._pieces, b"")
        except httpx.RequestError as error:
            raise unreachable(self._place, error) from error

    async def whole(self) -> Reply:
        pieces = []
        while piece := await self.next():
            pieces.append(piece)
        return Reply(self.response.status_code, heads_of(self.response), b"".join(pieces))

    async def aclose(self) -> None:
        await self.response.aclose()
        # httpx reads through generators within each other, and closes none but the outermost: trio
        # would warn of each. So they are run to their end, which a closed connection is.
        with suppress(httpx.RequestError, httpx.StreamError):
            while await anext(self._pieces, b""):
                pass


async def ask(wire: AsyncWire, wanted: Ask[T]) -> T:
    """Sends a call, again if need be, and reads its answer.

    Raises `Refused`, `Unchanged`, `ServiceUnreachable`.
    """
    tries = 0
    while True:
        outcome: Reply | ServiceUnreachable
        try:
            outcome = await wire.exchange(wanted.call)
        except ServiceUnreachable as error:
            outcome = error
        tries += 1
        pause = pause_before_again(wanted.call, tries, outcome)
        if pause is None:
            return result(wanted, outcome)
        await sleep(pause)


async def walk(wire: AsyncWire, steps: Steps[T]) -> T:
    """Sends the calls of several steps, one after the other; what comes of the last one."""
    try:
        wanted = next(steps)
        while True:
            try:
                answer = await ask(wire, wanted)
            except AgentRuntimeError as error:
                wanted = steps.throw(error)
            else:
                wanted = steps.send(answer)
    except StopIteration as end:
        found: T = end.value
        return found


class AsyncPaging(Generic[T], AsyncIterator[T]):
    """What is on all pages; each is asked for when the one before has been taken.

    No generator, so that a loop may be left in the middle: nothing is open between two pages.
    """

    def __init__(self, wire: AsyncWire, wanted: Pages[T]) -> None:
        self._wire = wire
        self._wanted = wanted
        self._found: deque[T] = deque()
        self._cursor: str | None = None
        self._is_over = False

    async def __anext__(self) -> T:
        while not self._found:
            if self._is_over:
                raise StopAsyncIteration
            found, self._cursor = await ask(self._wire, self._wanted.ask(self._cursor))
            self._found.extend(found)
            self._is_over = self._cursor is None
        return self._found.popleft()


class AsyncStreaming(Generic[T], AsyncIterator[T]):
    """Gives what comes. It begins with an `async with` block, else with the first that is awaited.

    Closed early (`aclose`, or the end of the block), it gives its connection back; a loop that goes
    through to the end needs no block. Used by one task at one time. Each step raises `Refused`,
    `ServiceUnreachable`.
    """

    def __init__(self, wire: AsyncWire, wanted: Stream[T]) -> None:
        self._wire = wire
        self._course = wanted.begin()
        self._answer: _Answer | None = None
        self._found: deque[T] = deque()
        self._is_closed = False

    async def __anext__(self) -> T:
        while not self._found:
            if self._is_over:
                await self.aclose()
                raise StopAsyncIteration
            await self._advance()
        return self._found.popleft()

    async def aclose(self) -> None:
        """Gives nothing more. Said twice, it is the same."""
        self._is_closed = True
        self._found.clear()
        await self._let_go()

    async def __aenter__(self) -> Self:
        """Returns when the service has begun to answer: what happens from here on is seen."""
        while self._answer is None and not self._is_over:
            await self._advance()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._course.is_over

    async def _advance(self) -> None:
        outcome: Outcome = None
        try:
            if self._answer is None:
                self._answer = await self._wire.open(self._course.call)
                if self._answer.response.status_code < 300:
                    return
                outcome = await self._answer.whole()
            elif piece := await self._answer.next():
                self._found.extend(self._course.feed(piece))
                return
        except ServiceUnreachable as error:
            outcome = error
        await self._let_go()
        try:
            found, pause = self._course.stopped(outcome)
        except Exception:
            self._is_closed = True  # asked once more, it does not begin anew
            raise
        self._found.extend(found)
        if pause is not None:
            await sleep(pause)

    async def _let_go(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            await answer.aclose()
