"""9. Floods: sessions, appends, connections and bodies without number, and clients that stall.

Memory and descriptors stay bounded, `/health` answers throughout, within a second, and afterwards
there is full service.
"""

import json
import os
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import sleep

from tests.faults import crowds, many_sessions
from tests.faults.campaign import (
    Clock,
    Effort,
    Report,
    comes_true,
    milliseconds,
    percentile,
)
from tests.faults.clients import found
from tests.faults.lag import Lag
from tests.faults.many_sessions import memory
from tests.faults.probe import Probe
from tests.faults.raw import exchange, head
from tests.service import PATIENCE, Service, running
from web.http.limits import RESERVED_FILES, ServerConfig

MiB = 1024 * 1024

MAX_ACTIVE = 10_000
SURPLUS = 1_000
"""Sessions that may be active beyond `max_active` until their state is on disk: one batch."""
ENDING = 10.0
"""Seconds for the end of a runtime with all those actors: "seconds, not tens of them"."""

FEW_FILES = 256
"""What the process may have open where that is tried."""

LONG_HISTORY = 2 * MiB
HEALTHY = 1.0
"""Seconds within which `/health` has to answer, at the 99th percentile; here as below, beyond the
machine's lag."""
SLOWEST = 3.0
"""Seconds for any single answer: asker, crowds and service share a few cores, and a process that
starts beside them delays one."""


def run(effort: Effort) -> Report:
    report = Report()
    _embedded(effort, report)
    with _room_for_sockets(4_000), running(_folder(effort, "crowds")) as service:
        before = memory(service.process.pid)
        with Probe(service.url).running() as probe, Lag(effort.folder).measured() as lag:
            _create_and_append(service, effort, report)
            _oversized(service, effort, report)
            _stay_and_stall(service, effort, report)
        _judge("floods", probe, lag, effort, report)
        _check_full_service(service, report)
        growth = memory(service.process.pid, "VmHWM") - before
        report.figures["service's memory"] = f"{before // MiB} MiB, at most {growth // MiB} more"
        report.expect(service.end() == 0, "the service did not end in order")
    with ExitStack() as ending:
        with _files_limited(FEW_FILES):
            service = ending.enter_context(running(_folder(effort, "few-files")))
        ending.enter_context(_room_for_sockets(4_000))
        with Probe(service.url).running() as probe, Lag(effort.folder).measured() as lag:
            _exhaust_files(service, effort, report)
        _judge(f"{FEW_FILES} open files", probe, lag, effort, report)
        _check_full_service(service, report)
    return report


def _folder(effort: Effort, name: str) -> Path:
    folder = effort.folder / name
    folder.mkdir()
    return folder


def _embedded(effort: Effort, report: Report) -> None:
    """Sessions in an embedded runtime, ten times as many as may be active."""
    sessions = effort.of(full=100_000, quick=500)
    max_active = sessions // 10
    folder = _folder(effort, "embedded")
    ended = subprocess.run(
        [sys.executable, many_sessions.__file__, str(folder), str(sessions), str(max_active)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report.count("sessions created in an embedded runtime", sessions)
    if ended.returncode != 0:
        report.violations.append(f"creating sessions failed: {ended.stderr[-1_000:]}")
        return
    found = json.loads(ended.stdout)
    report.expect(found["there"] == sessions, f"{found['there']} of {sessions} sessions are there")
    report.expect(found["messages_of_the_last"] == 1, "a session was not created once")
    report.expect(
        found["most_active"] <= max_active + SURPLUS + many_sessions.TASKS,
        f"{found['most_active']} sessions were active, and {max_active} may be",
    )
    is_late = effort.is_timed and found["seconds_ending"] > ENDING
    report.expect(not is_late, f"the end took {found['seconds_ending']:.1f} s")
    growth = found["memory_peak"] - found["memory_before"]
    report.figures["embedded: sessions per second"] = f"{sessions / found['seconds_creating']:,.0f}"
    report.figures["embedded: at most active"] = f"{found['most_active']:,} (limit {max_active:,})"
    report.figures["embedded: memory for them"] = f"{growth // MiB} MiB"
    report.figures["embedded: end of the runtime"] = milliseconds(found["seconds_ending"])


def _create_and_append(service: Service, effort: Effort, report: Report) -> None:
    with _clients() as clients:
        each = effort.of(full=200, quick=10)
        statuses = clients.submit(crowds.create_sessions, service.url, 10, each).result()
        report.count("sessions created over HTTP", len(statuses))
        report.expect(Counter(statuses) == {201: 10 * each}, f"creating: {Counter(statuses)}")
        each = effort.of(full=100, quick=3)
        clock = Clock()
        statuses = clients.submit(crowds.append, service.url, 100, each).result()
        report.count("appends to one session from 100 clients", len(statuses))
        report.figures["appends to one session, per second"] = (
            f"{len(statuses) / clock.seconds:.0f}"
        )
        report.expect(Counter(statuses) == {201: 100 * each}, f"appending: {Counter(statuses)}")
    there = found(service.url, ["one"])["one"]
    wanted = {f"{number}.{turn}" for number in range(100) for turn in range(each)}
    report.expect([seq for seq, _ in there] == list(range(1, 100 * each + 1)), "gaps in one")
    report.expect(
        {message_id for _, message_id in there} == wanted, "not each append is there, once"
    )


def _stay_and_stall(service: Service, effort: Effort, report: Report) -> None:
    """Crowds that come and do not go."""
    text = "x" * LONG_HISTORY
    with service.client() as client:
        message = {"role": "user", "content": text, "id": "long"}
        client.post("/api/v1/sessions/long/messages", json=message).raise_for_status()
    sizes = {
        "idle": effort.of(full=1_500, quick=850),
        "slow_heads": effort.of(full=400, quick=50),
        "slow_bodies": effort.of(full=200, quick=50),
        "slow_readers": effort.of(full=100, quick=10),
    }
    if effort.quick:  # each crowd is a Python that starts
        sizes = {crowd: sizes[crowd] for crowd in ("idle", "slow_readers")}
    for crowd, size in sizes.items():
        before = memory(service.process.pid)
        with _staying(crowd, service.url, size):
            files = _settled_files(service)
            sleep(effort.of(full=1, quick=0))
            growth = memory(service.process.pid) - before
        report.count(f"connections: {crowd.replace('_', ' ')}", size)
        report.figures[f"{size} {crowd.replace('_', ' ')}"] = f"{growth // MiB} MiB, {files} files"
        report.expect(
            files <= ServerConfig().max_connections + RESERVED_FILES, f"{crowd}: {files} files"
        )
        each = 100_000 + (2 * LONG_HISTORY if crowd == "slow_readers" else 0)
        bound = 50 * MiB + each * size
        report.expect(growth < bound, f"{crowd}: {growth // MiB} MiB more memory")


def _oversized(service: Service, effort: Effort, report: Report) -> None:
    """10 GB announced, and bodies without end."""
    announced = head("POST", crowds.WRITE, crowds.JSON, "Content-Length: 10000000000")
    for _ in range(effort.of(full=100, quick=5)):
        heard = exchange(service.url, announced, end=False)
        report.count("bodies of 10 GB announced")
        report.expect(heard.final == 413, f"10 GB announced: {heard.final}")
    senders, limit = effort.of(full=10, quick=2), 16 * MiB
    before = memory(service.process.pid, "VmHWM")
    with _clients() as clients:
        sent = clients.submit(crowds.send_without_end, service.url, senders, 20 * limit).result()
    for status, size in sent:
        report.count("bodies without end")
        # 503: all bodies in flight have a limit, too.
        report.expect(status in {413, 503, 0}, f"a body without end: {status}")
        report.expect(size < 5 * limit, f"{size // MiB} MiB of a body without end were taken")
    growth = memory(service.process.pid, "VmHWM") - before
    report.figures[f"{senders} bodies without end"] = (
        f"{max(size for _, size in sent) // MiB} MiB taken of each, {growth // MiB} MiB more"
    )
    report.expect(growth < senders * 3 * limit + 50 * MiB, f"endless bodies: {growth // MiB} MiB")


def _exhaust_files(service: Service, effort: Effort, report: Report) -> None:
    """More connections than the process may have files open; two crowds, one behind the other."""
    for crowd in ("idle",) if effort.quick else ("idle", "slow_heads"):
        with _staying(crowd, service.url, 2 * FEW_FILES):
            files = _settled_files(service)
            sleep(effort.of(full=1, quick=0))
        report.count(f"connections at {FEW_FILES} open files", 2 * FEW_FILES)
        report.expect(files <= FEW_FILES, f"{files} files open")
    report.figures[f"open, of {FEW_FILES} files"] = f"{files}"


def _judge(what: str, probe: Probe, lag: Lag, effort: Effort, report: Report) -> None:
    report.count("questions for /health", len(probe.seconds))
    report.count("questions that came too late", probe.late)
    report.expect(probe.late < len(probe.seconds), f"{what}: /health was hardly asked")
    report.violations += [f"{what}: /health: {wrong}" for wrong in probe.wrong]
    usual, slowest = percentile(probe.seconds, 99), max(probe.seconds, default=0)
    if effort.is_timed:
        late = lag.allowance
        report.expect(usual <= HEALTHY + late, f"{what}: /health took {usual:.2f} s (p99)")
        report.expect(slowest <= SLOWEST + late, f"{what}: /health took {slowest:.2f} s")
    report.figures[f"{what}: /health, p99 and slowest"] = (
        f"{milliseconds(usual)}, {milliseconds(slowest)}"
    )


def _check_full_service(service: Service, report: Report) -> None:
    returned = comes_true(lambda: _open_files(service) <= RESERVED_FILES)
    report.expect(returned, f"{_open_files(service)} files open afterwards")
    with service.client() as client:
        for number in range(20):
            path = f"/api/v1/sessions/after-{number}/messages"
            written = client.post(path, json={"role": "user", "content": "x"})
            report.expect(written.status_code == 201, f"afterwards a write: {written.status_code}")
            read = client.get(path)
            report.expect(read.status_code == 200, f"afterwards a read: {read.status_code}")
        health = client.get("/health").json()
        report.expect(health["status"] == "healthy", f"afterwards: {health}")


def _open_files(service: Service) -> int:
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))  # noqa: PTH208 -- names are enough


def _settled_files(service: Service) -> int:
    """The most files open until nothing changes: all that connected has been accepted."""
    most, before = 0, -1
    while (files := _open_files(service)) != before:
        most, before = max(most, files), files
        sleep(0.3)
    return most


def _clients() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


@contextmanager
def _staying(crowd: str, url: str, size: int) -> Iterator[None]:
    """The crowd is there for as long as the block runs."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=crowds.stay, args=(crowd, url, size, theirs))
    process.start()
    try:
        assert ours.poll(PATIENCE), f"the crowd {crowd} did not come"
        assert ours.recv() == size
        yield
    finally:
        ours.send("go")
        process.join(20)


@contextmanager
def _room_for_sockets(files: int) -> Iterator[None]:
    """Raises the limit of open files, as far as it may be, for the crowds' processes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with _files_limited(max(soft, min(files, hard))):
        yield


@contextmanager
def _files_limited(files: int) -> Iterator[None]:
    """Processes that are started in the block may have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
