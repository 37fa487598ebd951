"""An answer that is read as it comes, by a program that waits for it."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

from web.clients.core.call import Answer, Reply, Transport
from web.clients.core.course import Outcome, Stream, check_type
from web.clients.errors import AgentRuntimeError, ServiceUnreachable

T = TypeVar("T")


class Streaming(Generic[T], Iterator[T]):
    """Gives what comes. It begins with a `with` block, else when the first one is asked for.

    Closed early (`close`, or the end of the block), it gives its connection back; a `for` loop that
    goes through to the end needs no block. Used by one thread at one time. Each step raises
    `Refused`, `ServiceUnreachable`.
    """

    def __init__(
        self, transport: Transport, wanted: Stream[T], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._transport = transport
        self._course = wanted.begin()
        self._sleep = sleep
        self._answer: Answer | None = None
        self._found: deque[T] = deque()
        self._is_closed = False

    def __next__(self) -> T:
        while not self._found:
            if self._is_over:
                self.close()
                raise StopIteration
            self._advance()
        return self._found.popleft()

    def close(self) -> None:
        """Gives nothing more. Said twice, it is the same."""
        self._is_closed = True
        self._found.clear()
        self._let_go()

    def __enter__(self) -> Self:
        """Returns when the service has begun to answer: what happens from here on is seen."""
        while self._answer is None and not self._is_over:
            self._advance()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _is_over(self) -> bool:
        return self._is_closed or self._course.is_over

    def _advance(self) -> None:
        outcome: Outcome = None
        try:
            if self._answer is None:
                self._answer = self._transport.open(self._course.call)
                if self._answer.status < 300:
                    check_type(self._course, self._answer.headers)
                    return
                outcome = _whole(self._answer)
            elif piece := self._answer.next():
                self._found.extend(self._course.feed(piece))
                return
        except ServiceUnreachable as error:
            outcome = error
        except AgentRuntimeError:
            self.close()
            raise
        self._let_go()
        try:
            found, pause = self._course.stopped(outcome)
        except Exception:
            self._is_closed = True  # asked once more, it does not begin anew
            raise
        self._found.extend(found)
        if pause is not None:
            self._sleep(pause)

    def _let_go(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()


def _whole(answer: Answer) -> Reply:
    return Reply(answer.status, answer.headers, b"".join(iter(answer.next, b"")))
