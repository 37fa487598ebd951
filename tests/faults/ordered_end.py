"""4. SIGTERM under load: idle connections, half a request, a client that does not read.

The end comes within grace + flush + 1 s, with exit code 0; nothing acknowledged is lost; and a
request whose bytes had arrived before the signal gets an answer. A second signal ends at once.

SIGHUP under load likewise, to a service that has warned of much on a terminal that nobody reads.
"""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.faults.campaign import Clock, Effort, Report, percentile
from tests.faults.clients import Load, found
from tests.faults.ends import End, all_of, connected, get, post
from tests.faults.lag import Lag
from tests.faults.ledger import Ledger, Outcome
from tests.service import COMMAND, Service, full_pipe, running, started
from web.cli.watch import Exit

GRACE, FLUSH = 2.0, 2.0
PATIENT_GRACE, PATIENT_FLUSH = 8.0, 8.0
"""Seconds on a busy machine: what is not answered in the grace time is cut off, and that is right.
They are for a backlog, and for the quick form, which judges answers and exit codes but no times."""
ENDLESS_GRACE = 3600.0
"""Seconds that only a second signal ends."""
LIMIT = 1.0
"""Seconds from the signal to the exit, beyond grace and flush; the machine's lag comes on top."""
AT_ONCE = 2.0
"""Seconds from a second signal to the exit; likewise."""

SESSIONS = 6
CLIENTS = 20
"""Idle connections, and requests sent right before the signal."""
BACKLOG = 60
"""Clients whose whole request waits in the kernel, on connections that the service has not
accepted yet; its backlog holds more."""
PIECES, PIECE = 4, 5_000_000
"""Messages, and characters in each, of the history that a client asks for and does not read."""


def run(effort: Effort) -> Report:
    report = Report()
    with ThreadPoolExecutor(3) as lanes:  # side by side: most of the time is waiting
        loads = effort.of(full=3, quick=1)
        load = lanes.submit(_times, loads, partial(_under_load, effort, report))
        backlogs = effort.of(full=6, quick=1)
        backlog = lanes.submit(_times, backlogs, partial(_with_a_backlog, effort, report))
        seconds = effort.of(full=3, quick=1)
        lanes.submit(_times, seconds, partial(_twice, effort, report)).result()
        seconds = effort.of(full=3, quick=1)
        unread = _times(seconds, partial(_with_an_unread_terminal, effort, report))
        longest = max(load.result())
        median = percentile(backlog.result(), 50)
    limit = GRACE + FLUSH + LIMIT
    report.figures[f"signal to exit under load, longest (limit {limit:g} s)"] = f"{longest:.1f} s"
    report.figures["SIGHUP to exit with an unread terminal, longest"] = f"{max(unread):.1f} s"
    report.figures["signal to exit with a backlog, median"] = f"{median:.1f} s"
    return report


def _options(effort: Effort, *, grace: float = GRACE) -> Sequence[str]:
    """The service's; with a grace time of so long, and a patient one where no end is timed."""
    flush = FLUSH if effort.is_timed else PATIENT_FLUSH
    grace = grace if effort.is_timed else max(grace, PATIENT_GRACE)
    return ("--grace", f"{grace:g}", "--flush-timeout", f"{flush:g}", "--log-file", "")


def _times(times: int, attempt: Callable[[int], float]) -> list[float]:
    return [attempt(number) for number in range(times)]


def _under_load(effort: Effort, report: Report, number: int) -> float:
    folder = _made(effort.folder / f"load-{number}")
    ledger = Ledger()
    with running(folder, *_options(effort)) as service, Lag(folder).measured() as lag:
        for piece in range(PIECES):
            _write(service, "big", f"big-{piece}", PIECE)
        load = Load(service.url, ledger, SESSIONS, seed=number)
        took = _signal_while_busy(service, load, lag, effort, report)
    report.count("acknowledged under load", ledger.count(Outcome.OK))
    with running(folder, *_options(effort)) as service:
        report.violations += ledger.check(found(service.url, [f"load-{n}" for n in range(6)]))
        there = found(service.url, ["half", "big"])
        report.expect(there["half"] == [(1, "half")], "what came half after the signal is lost")
        report.expect(len(there["big"]) == PIECES, "the large session is not whole")
        report.expect(service.end() == 0, "a service without work did not end with 0")
    return took


def _signal_while_busy(
    service: Service, load: Load, lag: Lag, effort: Effort, report: Report
) -> float:
    head, body = post("half", "half", 10_000)
    with ExitStack() as open_until_the_end:
        idle, whole = (
            [open_until_the_end.enter_context(connected(service)) for _ in range(CLIENTS)]
            for _ in range(2)
        )
        half = open_until_the_end.enter_context(connected(service))
        stalled = open_until_the_end.enter_context(connected(service, buffer=4096))
        for client in idle:
            client.sendall(get("/health"))
            report.expect(client.recv(65536).startswith(b"HTTP/1.1 200"), "no /health")
        stalled.sendall(get("/api/v1/sessions/big/history"))
        half.sendall(head + body[:5_000])
        with load.running():
            time.sleep(0.4)
            for client in whole:
                client.sendall(get("/api/v1/sessions/big"))
            service.process.send_signal(signal.SIGTERM)
            clock = Clock()
            time.sleep(0.3)
            half.sendall(body[5_000:])
            answer = all_of(half)
        report.count("SIGTERMs under load")
        report.expect(answer.startswith(b"HTTP/1.1 201"), f"half a request got {answer[:40]!r}")
        for client in whole:
            report.count("requests sent right before the signal")
            _expect_answer(all_of(client), "under load", report)
        for client in idle:
            report.count("idle connections")
            report.expect(all_of(client) == b"", "an idle connection was sent something")
        report.expect(set(load.statuses) <= {200, 201, 503}, f"answered {load.statuses}")
        # The reader goes on stalling: it must not hold up the service.
        end = End(clock, lag, GRACE + FLUSH + LIMIT)
        return end.expect(service, 0, effort, report)


def _with_a_backlog(effort: Effort, report: Report, number: int) -> float:
    """The service stands still while requests arrive: it meets them and the signal at once."""
    folder = _made(effort.folder / f"backlog-{number}")
    # The answers have their own time: what cannot be answered within the grace time is cut off.
    with (
        running(folder, *_options(effort, grace=PATIENT_GRACE)) as service,
        Lag(folder).measured() as lag,
        ExitStack() as open_until_the_end,
    ):
        _write(service, "small", "small", 10)
        kept = [open_until_the_end.enter_context(connected(service)) for _ in range(CLIENTS)]
        for client in kept:
            client.sendall(get("/health"))
            report.expect(client.recv(65536).startswith(b"HTTP/1.1 200"), "no /health")
        service.process.send_signal(signal.SIGSTOP)
        fresh = [open_until_the_end.enter_context(connected(service)) for _ in range(BACKLOG)]
        head, body = post("small", None, 100)
        for client in (*kept, *fresh):
            client.sendall(head + body)
        service.process.send_signal(signal.SIGTERM)
        service.process.send_signal(signal.SIGCONT)
        clock = Clock()
        for kind, clients in (("kept alive", kept), ("not yet accepted", fresh)):
            for client in clients:
                report.count(f"requests before the signal on connections {kind}")
                _expect_answer(all_of(client), kind, report)
        end = End(clock, lag, PATIENT_GRACE + FLUSH + LIMIT)
        return end.expect(service, 0, effort, report)


def _twice(effort: Effort, report: Report, number: int) -> float:
    folder = _made(effort.folder / f"twice-{number}")
    ledger = Ledger()
    options = _options(effort, grace=ENDLESS_GRACE)
    with running(folder, *options) as service, Lag(folder).measured() as lag:
        with Load(service.url, ledger, SESSIONS).running(), connected(service) as half:
            head, body = post("half", "half", 100)
            half.sendall(head + body[:50])  # keeps the first signal from ending it
            time.sleep(0.4)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            # Another number: of two of the same the kernel makes one where nobody is quick enough.
            service.process.send_signal(signal.SIGINT)
            end = End(Clock(), lag, AT_ONCE)
            took = end.expect(service, Exit.FORCED, effort, report)
        report.count("second signals")
    with running(folder, *_options(effort)) as service:
        report.violations += ledger.check(found(service.url, [f"load-{n}" for n in range(6)]))
    return took


def _with_an_unread_terminal(effort: Effort, report: Report, number: int) -> float:
    """Nobody reads what the service has to say, and what was acknowledged is only in memory."""
    folder = _made(effort.folder / f"unread-{number}")
    ledger = Ledger()
    warnings = effort.of(full=1_000, quick=50)
    room = SESSIONS + 1  # for the load, and one that stays in the middle of its request
    options = [*_options(effort), "--log-file", "log", "--durability", "snapshot"]
    options += ["--snapshot-interval", "3600", "--max-connections", f"{room}"]
    command = [COMMAND, "serve", "--port", "0", *options]
    with (
        full_pipe() as pipe,
        started(command, folder, stderr=pipe) as service,
        Lag(folder).measured() as lag,
        ExitStack() as open_until_the_end,
    ):
        head, _ = post("half", "half", 10_000)
        for _ in range(room):
            busy = open_until_the_end.enter_context(connected(service))
            busy.sendall(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            report.expect(busy.recv(1024).startswith(b"HTTP/1.1 100"), "no 100 Continue")
        for _ in range(warnings):
            with connected(service) as refused:
                answer = all_of(refused)
            report.expect(answer.startswith(b"HTTP/1.1 503"), f"beyond all: {answer[:40]!r}")
        report.count("warnings that no terminal took", warnings)
        open_until_the_end.close()
        load = Load(service.url, ledger, SESSIONS, seed=number)
        with load.running():
            time.sleep(0.4)
            service.process.send_signal(signal.SIGHUP)
            took = End(Clock(), lag, GRACE + FLUSH + LIMIT).expect(service, 0, effort, report)
        report.count("SIGHUPs under load")
    found_lines = (folder / "log").read_text().count(" WARNING ")
    report.expect(found_lines >= warnings, f"the log has {found_lines} warnings of {warnings}")
    report.count("acknowledged under load", ledger.count(Outcome.OK))
    with running(folder, *_options(effort)) as service:
        report.violations += ledger.check(found(service.url, [f"load-{n}" for n in range(6)]))
    return took


def _expect_answer(answer: bytes, kind: str, report: Report) -> None:
    report.expect(
        answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")),
        f"a request ({kind}) before the signal got {answer[:40] or 'an empty reply'!r}",
    )


def _write(service: Service, session_id: str, message_id: str, size: int) -> None:
    with connected(service) as client:
        head, body = post(session_id, message_id, size)
        client.sendall(head + body)
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 201"), answer[:200]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
