"""From the bytes of an answer, as they come, to lines and to events."""

from collections.abc import Iterator
from typing import Any

from attrs import define, field, frozen

from web.clients.core.call import said_in


@define(eq=False)
class Lines:
    """Cuts lines behind their line feeds, which they keep: within a line of JSON there is none."""

    _pieces: list[bytes] = field(factory=list)
    """Of a line that has not ended. Joined once: a line may have come in thousands of pieces."""

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in this piece."""
        *ended, rest = piece.split(b"\n")
        if ended:
            self._pieces.append(ended[0])
            ended[0] = b"".join(self._pieces)
            self._pieces.clear()
        if rest:
            self._pieces.append(rest)
        return [line + b"\n" for line in ended]

    def end(self) -> bytes:
        """What stands behind the last line's end."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        return rest


@frozen
class Event:
    """One of the events that the service sends."""

    name: str
    """Of an entry, its kind; else `draft`, `durable`, `reset`, `deleted`, `alive`; of the stream of
    all sessions, `session`."""
    data: Any
    """An entry as the log shows it, or what the event is about. An object in any case."""
    cursor: str | None
    """The place behind it, from which another follower goes on; `None`: none was given yet."""


@define(eq=False)
class Events:
    """Server-Sent Events, as the HTML standard has them.

    But for a CR alone, which the service does not send: it ends no line.
    """

    cursor: str | None = None
    """The place behind the last block that has ended, also behind one that is no event. Not that of
    one which has only begun: what breaks off in the middle of an event has not told it."""
    retry: float | None = None
    """Seconds after which the service wants to be asked again."""
    _lines: Lines = field(factory=Lines, init=False)
    _place: str | None = field(init=False)
    _name: str = field(default="", init=False)
    _data: list[str] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._place = self.cursor

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that end in this piece."""
        for line in self._lines.feed(piece):
            name, _, value = line.decode(errors="replace").rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if not name and not value:
                self.cursor = self._place
                if self._data:
                    yield Event(self._name or "message", self._said(), self.cursor)
                self._name, self._data = "", []
            elif name == "id":
                self._place = value
            elif name == "event":
                self._name = value
            elif name == "data":
                self._data.append(value)
            elif name == "retry" and value.isascii() and value.isdigit():
                self.retry = int(value) / 1000

    def _said(self) -> Any:
        return said_in("\n".join(self._data))
