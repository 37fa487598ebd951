"""Answers that do not end: Server-Sent Events, and how many of them there may be.

An event is a few lines, and an empty one behind them. Its data is JSON on one line: what we encode
has no line break, and one that came from elsewhere between two values is a space as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from attrs import define

from runtime import SECONDS
from web.call.problems import Refused

ALIVE = 15 * SECONDS
"""Of silence, after which a stream says that it is there. A page notices then that its connection
was cut in its sleep; and proxies, which give up a silent one after 30 or 60 seconds, keep it."""

RETRY = 1 * SECONDS
"""After which a browser connects again: a restart of the service takes about as long."""

HEADERS = (
    ("Content-Type", "text/event-stream"),
    ("Cache-Control", "no-store, no-transform"),  # who compresses would hold it back
    ("X-Accel-Buffering", "no"),  # nginx, too
)


def event(name: str, data: bytes = b"{}", place: str | None = None) -> bytes:
    """One event; with a place, that is where a client goes on that connects again."""
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    front = f"event: {name}\n" if place is None else f"id: {place}\nevent: {name}\n"
    return b"%sdata: %s\n\n" % (front.encode(), data)


def opening(place: str | None = None) -> bytes:
    """What a stream begins with, so that its head leaves at once. It is no event."""
    where = "" if place is None else f"id: {place}\n"
    return f"retry: {int(RETRY * 1000)}\n{where}\n".encode()


@define(eq=False)
class Streams:
    """The streams of one service."""

    limit: int | None
    """How many there may be; `None`: whoever hosts the service bounds that."""
    open: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more, while the block lasts. Raises `Refused`."""
        if self.limit is not None and self.open >= self.limit:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self.open} streams are open, and the limit is {self.limit}, three quarters of "
                "--max-connections: the rest is for other calls. GET /events tells of all sessions "
                "in one stream",
                (("Retry-After", "5"),),
            )
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1
