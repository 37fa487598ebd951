"""Near: short calls over plain HTTP, by connections that are kept."""

import os
from collections import deque
from urllib.parse import urlsplit

from attrs import define, field

from web.clients.core.call import Call, Reply
from web.clients.core.connection import Connection
from web.clients.core.place import Place
from web.clients.errors import InvalidCall, ServiceUnreachable

CONNECT = 5.0
"""Seconds: a service is near, and one that does not take a connection in that time is away."""

KEPT = 20
"""Idle connections: as many threads as usually ask at one time."""


@define(eq=False)
class Near:
    """Implements `exchange` of `Transport`. Used by any number of threads at one time."""

    _place: Place
    _address: tuple[str, int] = field(init=False)
    _path: str = field(init=False)
    """Of the service itself, before all others."""
    _fields: str = field(init=False, repr=False)
    """With the token, in the head of each request."""
    _idle: deque[Connection] = field(factory=lambda: deque(maxlen=KEPT), init=False)
    _process: int = field(factory=os.getpid, init=False)

    @classmethod
    def reaches(cls, place: Place) -> bool:
        """Whether it is for this address: TLS, and users in addresses, are httpx's."""
        parts = urlsplit(place.url)
        return parts.scheme == "http" and "@" not in parts.netloc and parts.netloc.isascii()

    def __attrs_post_init__(self) -> None:
        parts = urlsplit(self._place.url)
        self._address = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        fields = {"Host": parts.netloc, "Accept": "*/*", **self._place.headers}
        self._fields = "".join(_field(name, value) for name, value in fields.items())

    def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""
        head = self._head(call)
        connection = self._connection()
        try:
            reply = connection.exchange(head, call.content, call.silence)
        except OSError as error:
            connection.close()
            problem = "was too slow" if isinstance(error, TimeoutError) else "broke off"
            said = f"The service at {self._place.url} {problem} before its answer ({error})"
            raise ServiceUnreachable(said, was_sent=True) from error
        if connection.is_kept and len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()
        return reply

    def close(self) -> None:
        """Closes the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self) -> Connection:
        if self._process != os.getpid():
            # A process that was forked has its parent's connections: two would speak on one.
            self._idle, self._process = deque(maxlen=KEPT), os.getpid()
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                break
            if not kept.is_stale():
                return kept
            kept.close()
        try:
            return Connection.open(self._address, CONNECT)
        except OSError as error:
            said = f"No service answers at {self._place.url} ({error}): is it running there?"
            raise ServiceUnreachable(said, was_sent=False) from error

    def _head(self, call: Call) -> bytes:
        query = f"?{call.query_string}" if call.query else ""
        lines = [f"{call.method} {self._path}{call.path}{query} HTTP/1.1\r\n{self._fields}"]
        lines += [_field(name, value) for name, value in call.headers]
        if call.content:
            lines.append(f"Content-Type: {call.content_type}\r\n")
        if call.content or call.method != "GET":
            lines.append(f"Content-Length: {len(call.content)}\r\n")
        return f"{''.join(lines)}\r\n".encode()


def _field(name: str, value: str) -> str:
    if not value.isprintable():
        # A line's end in it would begin a field, or a request, of somebody else's making.
        raise InvalidCall(400, f"{name}: {value!r} cannot stand in a request's head", {})
    return f"{name}: {value}\r\n"
