"""How soon a service has to end, and bare connections to it meanwhile."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import TimeoutExpired
from urllib.parse import urlsplit

from attrs import frozen

from tests.faults.campaign import Clock, Effort, Report
from tests.faults.lag import Lag
from tests.service import PATIENCE, Service


@frozen
class End:
    """How soon a service that was sent a signal has to end."""

    clock: Clock
    """Since the signal."""
    lag: Lag
    limit: float
    """Seconds; the machine's lag comes on top."""

    def expect(self, service: Service, code: int, effort: Effort, report: Report) -> float:
        """Waits for the end; returns how many seconds it took."""
        try:
            ended = service.process.wait(PATIENCE)
        except TimeoutExpired:
            report.expect(False, "it does not end")
            return self.clock.seconds
        took, allowed = self.clock.seconds, self.limit + self.lag.allowance
        report.expect(ended == code, f"it ended with {ended}, not {int(code)}")
        is_late = effort.is_timed and took > allowed
        report.expect(not is_late, f"the end took {took:.1f} s, allowed are {allowed:.1f} s")
        return took


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def post(session_id: str, message_id: str | None, size: int) -> tuple[bytes, bytes]:
    message = {"role": "user", "content": "x" * size}
    if message_id is not None:
        message["id"] = message_id
    body = json.dumps(message).encode()
    head = (
        f"POST /api/v1/sessions/{session_id}/messages HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


@contextmanager
def connected(service: Service, buffer: int | None = None) -> Iterator[socket.socket]:
    """A bare connection; with `buffer`, one that takes no more than about so many bytes unread."""
    address = urlsplit(service.url)
    with socket.socket() as client:
        client.settimeout(PATIENCE)
        if buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.connect((address.hostname, address.port))
        yield client


def all_of(client: socket.socket) -> bytes:
    """Everything up to the end of the connection, however that comes."""
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except OSError:
        pass
    return data
