"""Clients of streams of events: what a browser's `EventSource` does with the lines."""

import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import h11
import trio
from attrs import define, field, frozen
from quart import Response

from tests.web.conftest import Api


@frozen
class Event:
    """One event."""

    name: str
    data: Any
    id: str | None = None


def events_of(lines: Iterable[str]) -> Iterator[Event]:
    """The events in these lines, each as soon as it is whole."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            assert name not in fields, "each field is one line"
            fields[name] = value
            continue
        if "data" in fields:
            yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
        fields = {}
    assert not fields, "the end is the end of an event"


def events_in(body: bytes) -> list[Event]:
    """The events of a stream that has ended."""
    return list(events_of(body.decode().removesuffix("\n").split("\n")))


async def stream_of(answer: Response) -> list[Event]:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    return events_in(await answer.get_data(as_text=False))


async def followed(
    api: Api, path: str, meanwhile: Callable[[], Awaitable[object]], **headers: str
) -> list[Event]:
    """The events of a stream until it ends, which what happens meanwhile has to bring about."""
    found: list[Event] = []

    async def follow() -> None:
        found.extend(await stream_of(await api.get(path, headers=headers)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        feeds = api.runtime._parts.feeds
        while not feeds.are_followed:
            await trio.sleep(0)
        await meanwhile()
    return found


@define
class EventSource:
    """A stream over a connection of its own, read event by event."""

    stream: trio.abc.HalfCloseableStream
    host: str = "localhost"
    _http: h11.Connection = field(factory=lambda: h11.Connection(h11.CLIENT))
    _text: str = ""
    headers: dict[str, str] = field(factory=dict)

    async def send(self, path: str, **headers: str) -> None:
        """Asks for a stream."""
        fields = [("Host", self.host)]
        fields += [(name.replace("_", "-"), value) for name, value in headers.items()]
        request = h11.Request(method="GET", target=f"/api/v1{path}", headers=fields)
        asked = [self._http.send(request), self._http.send(h11.EndOfMessage())]
        await self.stream.send_all(b"".join(piece or b"" for piece in asked))

    async def open(self, path: str, **headers: str) -> int:
        """The same; returns the status, once it is there."""
        await self.send(path, **headers)
        event = await self._next()
        assert isinstance(event, h11.Response)
        self.headers = {name.decode(): value.decode() for name, value in event.headers}
        return event.status_code

    async def next(self) -> Event:
        """The next event. Raises `EOFError` at the end, if that is a last chunk."""
        while True:
            while "\n\n" in self._text:
                block, _, self._text = self._text.partition("\n\n")
                for event in events_of([*block.split("\n"), ""]):
                    return event
            match await self._next():
                case h11.Data(data=data):
                    self._text += bytes(data).decode()
                case ended:
                    assert isinstance(ended, h11.EndOfMessage)
                    raise EOFError

    async def some(self, count: int) -> list[Event]:
        """So many of the next ones."""
        return [await self.next() for _ in range(count)]

    async def _next(self) -> object:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(bytes(await self.stream.receive_some()))
