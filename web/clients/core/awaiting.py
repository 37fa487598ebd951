"""What `asking` and `streaming` do, awaited: under asyncio and under trio."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from anyio import sleep  # httpx brings it, and it knows under which of the two it runs

from web.clients.core.asking import result
from web.clients.core.call import Ask, AsyncAnswer, AsyncTransport, Pages, Reply, Steps
from web.clients.core.course import Outcome, Stream, check_type
from web.clients.core.patience import pause_before_again
from web.clients.errors import AgentRuntimeError, ServiceUnreachable

T = TypeVar("T")

AsyncSleep = Callable[[float], Awaitable[None]]


async def ask(transport: AsyncTransport, wanted: Ask[T], sleep: AsyncSleep = sleep) -> T:
    """Sends a call, again if need be, and reads its answer.

    Raises `Refused`, `Unchanged`, `ServiceUnreachable`.
    """
    tries = 0
    while True:
        outcome: Reply | ServiceUnreachable
        try:
            outcome = await transport.exchange(wanted.call)
        except ServiceUnreachable as error:
            outcome = error
        tries += 1
        pause = pause_before_again(wanted.call, tries, outcome)
        if pause is None:
            return result(wanted, outcome)
        await sleep(pause)


async def walk(transport: AsyncTransport, steps: Steps[T], sleep: AsyncSleep = sleep) -> T:
    """Sends the calls of several steps, one after the other; what comes of the last one."""
    try:
        wanted = next(steps)
        while True:
            try:
                answer = await ask(transport, wanted, sleep)
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

    def __init__(self, transport: AsyncTransport, wanted: Pages[T]) -> None:
        self._transport = transport
        self._wanted = wanted
        self._found: deque[T] = deque()
        self._cursor: str | None = None
        self._is_over = False

    async def __anext__(self) -> T:
        while not self._found:
            if self._is_over:
                raise StopAsyncIteration
            found, self._cursor = await ask(self._transport, self._wanted.ask(self._cursor))
            self._found.extend(found)
            self._is_over = self._cursor is None
        return self._found.popleft()


class AsyncStreaming(Generic[T], AsyncIterator[T]):
    """Gives what comes. It begins with an `async with` block, else with the first that is awaited.

    Closed early (`aclose`, or the end of the block), it gives its connection back; a loop that goes
    through to the end needs no block. Used by one task at one time. Each step raises `Refused`,
    `ServiceUnreachable`.
    """

    def __init__(
        self, transport: AsyncTransport, wanted: Stream[T], sleep: AsyncSleep = sleep
    ) -> None:
        self._transport = transport
        self._course = wanted.begin()
        self._sleep = sleep
        self._answer: AsyncAnswer | None = None
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
                self._answer = await self._transport.open(self._course.call)
                if self._answer.status < 300:
                    check_type(self._course, self._answer.headers)
                    return
                outcome = await _whole(self._answer)
            elif piece := await self._answer.next():
                self._found.extend(self._course.feed(piece))
                return
        except ServiceUnreachable as error:
            outcome = error
        except AgentRuntimeError:
            await self.aclose()
            raise
        await self._let_go()
        try:
            found, pause = self._course.stopped(outcome)
        except Exception:
            self._is_closed = True  # asked once more, it does not begin anew
            raise
        self._found.extend(found)
        if pause is not None:
            await self._sleep(pause)

    async def _let_go(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            await answer.aclose()


async def _whole(answer: AsyncAnswer) -> Reply:
    pieces = []
    while piece := await answer.next():
        pieces.append(piece)
    return Reply(answer.status, answer.headers, b"".join(pieces))
