"""Raw connections: exactly these bytes, and what came back."""

import re
import socket
from contextlib import closing, suppress
from urllib.parse import urlsplit

from attrs import frozen

PATIENCE = 20.0
"""Seconds to wait for an answer; the campaigns that mean less measure it."""

_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")


@frozen
class Heard:
    """What came back on one connection."""

    data: bytes
    closed: bool
    """Whether the service closed the connection, within the time."""

    @property
    def statuses(self) -> list[int]:
        """Of all answers, in order. The service never says `HTTP/1.1` anywhere else."""
        return [int(status) for status in _STATUS.findall(self.data)]

    @property
    def final(self) -> int:
        """The first status that is not a 1xx; 0 if none came."""
        return next((status for status in self.statuses if status >= 200), 0)


def connect(url: str, timeout: float = PATIENCE) -> socket.socket:
    """A connection to the service at this URL."""
    address = urlsplit(url)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout)


def exchange(url: str, packet: bytes, *, end: bool = True, timeout: float = PATIENCE) -> Heard:
    """Sends the packet, then nothing more, and listens until the service closes.

    Unless `end`, the sending side stays open, as of a client that has more to send, and the first
    whole head is enough.
    """
    with closing(connect(url, timeout)) as stream:
        say(stream, packet, end=end)
        return listen(stream, to_the_end=end)


def say(stream: socket.socket, packet: bytes, *, end: bool) -> None:
    """Sends; then, if `end`, says that nothing more comes."""
    with suppress(OSError):  # refused while we were sending; an answer may be there all the same
        stream.sendall(packet)
        if end:
            stream.shutdown(socket.SHUT_WR)


def listen(stream: socket.socket, *, to_the_end: bool) -> Heard:
    """What comes until the service closes, or else with the first whole head."""
    data = b""
    try:
        while to_the_end or b"\r\n\r\n" not in data:
            chunk = stream.recv(65536)
            if not chunk:
                return Heard(data, closed=True)
            data += chunk
    except TimeoutError:
        return Heard(data, closed=False)
    except OSError:
        return Heard(data, closed=True)
    return Heard(data, closed=False)


def head(method: str, target: str, *lines: str, host: str = "localhost") -> bytes:
    """A request's head."""
    all_lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", ""]
    return "\r\n".join(all_lines).encode("utf-8", "surrogateescape")
