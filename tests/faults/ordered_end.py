"""4. SIGTERM under load: idle connections, half a request, a client that does not read.

The end comes within grace + flush + 1 s, with exit code 0; nothing acknowledged is lost; and a
request whose bytes had arrived before the signal gets an answer. A second signal ends at once.
"""

import json
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from subprocess import TimeoutExpired
from urllib.parse import urlsplit

from tests.faults.campaign import Clock, Effort, Report, percentile
from tests.faults.clients import Load, found
from tests.faults.lag import Lag
from tests.faults.ledger import Ledger, Outcome
from tests.service import Service, running
from web.running import Exit

GRACE, FLUSH = 2.0, 2.0
LIMIT = GRACE + FLUSH + 1.0
"""Seconds from the signal to the exit; the machine's lag comes on top."""
AT_ONCE = 2.0
"""Seconds from a second signal to the exit."""
OPTIONS = ("--grace", f"{GRACE:g}", "--flush-timeout", f"{FLUSH:g}", "--log-file", "")

SESSIONS = 6
CLIENTS = 20
"""Idle connections, and requests sent right before the signal."""
BACKLOG = 60
"""Clients whose whole request waits in the kernel, on connections that the service has not
accepted yet; its backlog holds more."""
BACKLOG_GRACE = 8.0
"""Seconds for their answers, on a busy machine."""
PIECES, PIECE = 4, 5_000_000
"""Messages, and characters in each, of the history that a client asks for and does not read."""


def run(effort: Effort) -> Report:
    report = Report()
    with ThreadPoolExecutor(3) as lanes:  # side by side: most of the time is waiting
        loads = effort.of(full=3, quick=1)
        load = lanes.submit(_times, loads, partial(_under_load, effort.folder, report))
        backlogs = effort.of(full=6, quick=1)
        backlog = lanes.submit(_times, backlogs, partial(_with_a_backlog, effort.folder, report))
        seconds = effort.of(full=3, quick=1)
        lanes.submit(_times, seconds, partial(_twice, effort.folder, report)).result()
        longest = max(load.result())
        median = percentile(backlog.result(), 50)
    report.figures[f"signal to exit under load, longest (limit {LIMIT:g} s)"] = f"{longest:.1f} s"
    report.figures["signal to exit with a backlog, median"] = f"{median:.1f} s"
    return report


def _times(times: int, attempt: Callable[[int], float]) -> list[float]:
    return [attempt(number) for number in range(times)]


def _under_load(parent: Path, report: Report, number: int) -> float:
    folder = _made(parent / f"load-{number}")
    ledger = Ledger()
    with running(folder, *OPTIONS) as service, Lag(folder).measured() as lag:
        for piece in range(PIECES):
            _write(service, "big", f"big-{piece}", PIECE)
        load = Load(service.url, ledger, SESSIONS, seed=number)
        took = _signal_while_busy(service, load, lag, report)
    report.count("acknowledged under load", ledger.count(Outcome.OK))
    with running(folder, *OPTIONS) as service:
        report.violations += ledger.check(found(service.url, [f"load-{n}" for n in range(6)]))
        there = found(service.url, ["half", "big"])
        report.expect(there["half"] == [(1, "half")], "what came half after the signal is lost")
        report.expect(len(there["big"]) == PIECES, "the large session is not whole")
        report.expect(service.end() == 0, "a service without work did not end with 0")
    return took


def _signal_while_busy(service: Service, load: Load, lag: Lag, report: Report) -> float:
    head, body = _post("half", "half", 10_000)
    with ExitStack() as open_until_the_end:
        idle, whole = (
            [open_until_the_end.enter_context(_connected(service)) for _ in range(CLIENTS)]
            for _ in range(2)
        )
        half = open_until_the_end.enter_context(_connected(service))
        stalled = open_until_the_end.enter_context(_connected(service, buffer=4096))
        for client in idle:
            client.sendall(_get("/health"))
            report.expect(client.recv(65536).startswith(b"HTTP/1.1 200"), "no /health")
        stalled.sendall(_get("/api/v1/sessions/big/history"))
        half.sendall(head + body[:5_000])
        with load.running():
            time.sleep(0.4)
            for client in whole:
                client.sendall(_get("/api/v1/sessions/big"))
            service.process.send_signal(signal.SIGTERM)
            clock = Clock()
            time.sleep(0.3)
            half.sendall(body[5_000:])
            answer = _all(half)
        report.count("SIGTERMs under load")
        report.expect(answer.startswith(b"HTTP/1.1 201"), f"half a request got {answer[:40]!r}")
        for client in whole:
            report.count("requests sent right before the signal")
            _expect_answer(_all(client), "under load", report)
        for client in idle:
            report.count("idle connections")
            report.expect(_all(client) == b"", "an idle connection was sent something")
        report.expect(set(load.statuses) <= {200, 201, 503}, f"answered {load.statuses}")
        # The reader goes on stalling: it must not hold up the service.
        return _expect_end(service, clock, 0, LIMIT, lag, report)


def _with_a_backlog(parent: Path, report: Report, number: int) -> float:
    """The service stands still while requests arrive: it meets them and the signal at once."""
    folder = _made(parent / f"backlog-{number}")
    # The answers have their own time: what cannot be answered within the grace time is cut off.
    options = (*OPTIONS, "--grace", f"{BACKLOG_GRACE:g}")
    with (
        running(folder, *options) as service,
        Lag(folder).measured() as lag,
        ExitStack() as open_until_the_end,
    ):
        _write(service, "small", "small", 10)
        kept = [open_until_the_end.enter_context(_connected(service)) for _ in range(CLIENTS)]
        for client in kept:
            client.sendall(_get("/health"))
            report.expect(client.recv(65536).startswith(b"HTTP/1.1 200"), "no /health")
        service.process.send_signal(signal.SIGSTOP)
        fresh = [open_until_the_end.enter_context(_connected(service)) for _ in range(BACKLOG)]
        head, body = _post("small", None, 100)
        for client in (*kept, *fresh):
            client.sendall(head + body)
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGCONT)
        clock = Clock()
        for kind, clients in (("kept alive", kept), ("not yet accepted", fresh)):
            for client in clients:
                report.count(f"requests before the signal on connections {kind}")
                _expect_answer(_all(client), kind, report)
        return _expect_end(service, clock, 0, BACKLOG_GRACE + FLUSH + 1, lag, report)


def _twice(parent: Path, report: Report, number: int) -> float:
    folder = _made(parent / f"twice-{number}")
    ledger = Ledger()
    with running(folder, *OPTIONS) as service, Lag(folder).measured() as lag:
        with Load(service.url, ledger, SESSIONS).running(), _connected(service) as half:
            head, body = _post("half", "half", 100)
            half.sendall(head + body[:50])  # keeps the first signal from ending it
            time.sleep(0.4)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            service.process.send_signal(signal.SIGTERM)
            took = _expect_end(service, Clock(), Exit.FORCED, AT_ONCE, lag, report)
        report.count("second SIGTERMs")
    with running(folder, *OPTIONS) as service:
        report.violations += ledger.check(found(service.url, [f"load-{n}" for n in range(6)]))
    return took


def _expect_end(
    service: Service, clock: Clock, code: int, limit: float, lag: Lag, report: Report
) -> float:
    """Seconds from the signal, at the clock's start, to the exit."""
    try:
        ended = service.process.wait(2 * limit + 10)
    except TimeoutExpired:
        report.expect(False, "it does not end")
        return clock.seconds
    took = clock.seconds
    report.expect(ended == code, f"it ended with {ended}, not {int(code)}")
    allowed = limit + lag.allowance
    report.expect(took <= allowed, f"the end took {took:.1f} s, allowed are {allowed:.1f} s")
    return took


def _expect_answer(answer: bytes, kind: str, report: Report) -> None:
    report.expect(
        answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")),
        f"a request ({kind}) before the signal got {answer[:40] or 'an empty reply'!r}",
    )


def _write(service: Service, session_id: str, message_id: str, size: int) -> None:
    with _connected(service) as client:
        head, body = _post(session_id, message_id, size)
        client.sendall(head + body)
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201"), answer[:200]


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _post(session_id: str, message_id: str | None, size: int) -> tuple[bytes, bytes]:
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
def _connected(service: Service, buffer: int | None = None) -> Iterator[socket.socket]:
    """A bare connection; with `buffer`, one that takes no more than about so many bytes unread."""
    address = urlsplit(service.url)
    with socket.socket() as client:
        client.settimeout(20)
        if buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.connect((address.hostname, address.port))
        yield client


def _all(client: socket.socket) -> bytes:
    """Everything up to the end of the connection, however that comes."""
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except OSError:
        pass
    return data


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
