"""A service that answers as it is told, and keeps what it was asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, Self, TypeVar

import trio
from attrs import define, field, frozen

from web.clients.core.awaiting import AsyncStreaming
from web.clients.core.call import Answer, Call, Reply
from web.clients.core.course import Stream
from web.clients.core.streaming import Streaming
from web.clients.errors import ServiceUnreachable

T = TypeVar("T")

AWAY = ServiceUnreachable("nobody is there", was_sent=False)
LOST = ServiceUnreachable("it broke off", was_sent=True)


EVENTS = {"content-type": "text/event-stream"}
LINES = {"content-type": "application/jsonl"}


def reply(value: Any = None, status: int = 200, **headers: str) -> Reply:
    return Reply(status, headers, b"" if value is None else json.dumps(value).encode())


@define(eq=False)
class FakeAnswer:
    """Gives its pieces, one after the other; of an error, it raises it."""

    pieces: list[bytes | ServiceUnreachable]
    status: int = 200
    headers: Mapping[str, str] = EVENTS
    is_closed: bool = False

    def next(self) -> bytes:
        assert not self.is_closed, "read after it was closed"
        if not self.pieces:
            return b""
        piece = self.pieces.pop(0)
        if isinstance(piece, ServiceUnreachable):
            raise piece
        return piece

    def close(self) -> None:
        self.is_closed = True


@define(eq=False)
class FakeTransport:
    """Each call has the next of these outcomes."""

    outcomes: list[Reply | FakeAnswer | ServiceUnreachable]
    calls: list[Call] = field(factory=list)
    pauses: list[float] = field(factory=list)

    def exchange(self, call: Call) -> Reply:
        outcome = self._next(call)
        assert isinstance(outcome, Reply)
        return outcome

    def open(self, call: Call) -> Answer:
        outcome = self._next(call)
        if isinstance(outcome, Reply):
            return FakeAnswer([outcome.content], outcome.status, outcome.headers)
        return outcome

    def close(self) -> None:
        pass

    def sleep(self, pause: float) -> None:
        self.pauses.append(pause)

    def _next(self, call: Call) -> Reply | FakeAnswer:
        self.calls.append(call)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, ServiceUnreachable):
            raise outcome
        return outcome


@frozen(eq=False)
class AwaitedAnswer:
    """The same, awaited."""

    answer: Answer

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        return self.answer.headers

    async def next(self) -> bytes:
        return self.answer.next()

    async def aclose(self) -> None:
        self.answer.close()


@frozen(eq=False)
class Awaited:
    """The same transport, awaited."""

    fake: FakeTransport

    async def exchange(self, call: Call) -> Reply:
        return self.fake.exchange(call)

    async def open(self, call: Call) -> AwaitedAnswer:
        return AwaitedAnswer(self.fake.open(call))

    async def sleep(self, pause: float) -> None:
        self.fake.sleep(pause)


class Stepped(Generic[T], Iterator[T]):
    """An asynchronous stream, step by step: each in an event loop of its own."""

    def __init__(self, fake: FakeTransport, wanted: Stream[T]) -> None:
        awaited = Awaited(fake)
        self._stream = AsyncStreaming(awaited, wanted, awaited.sleep)

    def __next__(self) -> T:
        try:
            return trio.run(self._stream.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def __enter__(self) -> Self:
        trio.run(self._stream.__aenter__)
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        trio.run(self._stream.aclose)


def waited(fake: FakeTransport, wanted: Stream[T]) -> Streaming[T]:
    """A stream that is waited for."""
    return Streaming(fake, wanted, fake.sleep)


def event(name: str, data: Any = None, place: str | None = None) -> bytes:
    """One of a stream, as the service sends it."""
    front = "" if place is None else f"id: {place}\n"
    return f"{front}event: {name}\ndata: {json.dumps(data or {})}\n\n".encode()


def places(calls: Sequence[Call]) -> list[str | None]:
    """Behind what each of the calls asked for events."""
    return [dict(call.headers).get("Last-Event-ID") for call in calls]
