"""5. Disk: full, failing, read-only, locked by somebody else, standing still.

While it lasts, reads of resident sessions go on, and writes get 503 with `Retry-After` in time;
`/health` says since when. Afterwards everything accepted is written, and health returns by itself.
Only a failed fsync ends the service: what it wrote is unknown, and the restart tells the truth.
"""

import errno
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from http.client import HTTPException
from math import inf
from pathlib import Path
from subprocess import TimeoutExpired
from time import monotonic, sleep

from attrs import frozen

from tests.faults.campaign import Clock, Effort, Report, comes_true, milliseconds
from tests.faults.clients import found
from tests.faults.lag import Lag
from tests.faults.ledger import Ledger, Outcome
from tests.faults.shim import READS, STALLED, SYNCS, WRITES, Disk, serving
from tests.faults.small_disk import SmallDisk
from tests.faults.watch import Answer, Watch, ask, connected
from tests.service import COMMAND, PATIENCE, Service, process
from web.cli.watch import Exit

WRITERS = 4
COLD = 8
"""Readers of sessions that are not in memory: more than there are reading threads."""
SLACK = 1.0
"""Seconds beyond `--commit-timeout`, and the machine's lag, in which a write is to be answered."""
RESIDENT = 1.0
"""Seconds in which a session that is in memory has to be read, whatever the disk does; likewise."""
RECOVERY = 12.0
"""Seconds after which health has to have returned: the longest pause between two attempts, 5 s,
and SQLite's wait for a lock, 5 s; likewise."""
LAG = 0.050
"""Seconds of the event loop's delay, as the service sees it, that no fault may cause."""
LAG_BUCKET = re.compile(
    r'agent_runtime_event_loop_lag_seconds_bucket\{le="(?P<bound>[^"]+)"\} (?P<count>[0-9.]+)'
)

DB = "data/agent_runtime.db"
KILLS = "kills after writes that failed now and then"

Fault = AbstractContextManager[object]


@frozen
class Plan:
    """One effort's times, in seconds."""

    effort: Effort
    folder: Path
    report: Report
    disk: Disk | None = None

    @property
    def quick(self) -> bool:
        return self.effort.quick

    @property
    def commit_timeout(self) -> float:
        return 0.4 if self.quick else 3.0

    @property
    def short(self) -> float:
        """Of a fault, at least: it lasts until all has been seen that it is to lead to."""
        return 1.2 if self.quick else 8.0

    @property
    def long(self) -> float:
        """Likewise."""
        return 1.5 if self.quick else 30.0

    @property
    def before(self) -> float:
        """Of undisturbed work."""
        return 0.2 if self.quick else 1.0

    @property
    def options(self) -> Sequence[str]:
        return ("--commit-timeout", str(self.commit_timeout), "--flush-timeout", "3")

    def at(self, name: str) -> "Plan":
        """The same for one fault: in a folder of its own, on a disk of its own."""
        folder = self.folder / name
        folder.mkdir()
        return Plan(self.effort, folder, self.report, Disk.build(folder))


def run(effort: Effort) -> Report:
    report = Report()
    plan = Plan(effort, effort.folder, report)
    faults = (_failing_calls, _lock, _full, _behind, _made_read_only, _sync_error)
    try:
        Disk.build(effort.folder)
    except OSError as error:
        report.expect(False, f"the disk was not tried: {error}")
        return report
    # Side by side, as most of the time is waiting; not all at once, as lag is measured.
    with ThreadPoolExecutor(4 if effort.quick else 2) as lanes:
        for done in [lanes.submit(fault, plan.at(fault.__name__[1:])) for fault in faults]:
            done.result()
    return report


# -- the faults ---------------------------------------------------------------------------------


def _failing_calls(plan: Plan) -> None:
    """What the kernel answers for a dying disk, and for one that it has stopped trusting."""
    assert plan.disk is not None
    failing = plan.disk.failing
    with _service(plan, disk=plan.disk) as service:
        _go_through(plan, service, "a write error", failing(errno.EIO, WRITES), plan.short)
        # Commits may find what they need in memory; then nothing is degraded but cold reads.
        fault = failing(errno.EIO, READS)
        _go_through(plan, service, "a read error", fault, plan.short, degrades=False)
        if not plan.quick:
            fault = failing(errno.EROFS, WRITES)
            _go_through(plan, service, "a disk turned read-only", fault, plan.short)
        fault = failing(STALLED, READS, WRITES, SYNCS)
        _go_through(plan, service, "a disk that stands still", fault, plan.long)
    if not plan.quick:
        for _ in range(5):
            _kill_while_writes_fail(plan)


def _kill_while_writes_fail(plan: Plan) -> None:
    """Parts of commits may have reached the WAL: none of them may do harm after the restart."""
    assert plan.disk is not None
    ledger = Ledger()
    name = f"kill-{plan.report.tried.get(KILLS, 0)}"
    with (
        _service(plan, disk=plan.disk) as service,
        Watch(service.url, ledger, prefix=name).watching(writers=WRITERS),
    ):
        sleep(plan.before)
        comes_true(lambda: ledger.count(Outcome.OK) > 0)
        for fault in (errno.EIO, 0, errno.EIO, 0, errno.EIO):
            plan.disk.set(fault, WRITES)
            sleep(0.3)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
    plan.report.count(KILLS)
    with _service(plan) as service:
        plan.report.violations += ledger.check(found(service.url, _written(ledger)))
        code = service.end()
    plan.report.expect(code == 0, f"{KILLS}: the restart ended with {code}")
    plan.report.expect(ledger.count(Outcome.OK) > 0, f"{KILLS}: nothing was written before")
    whole = process(plan.folder, "verify")
    plan.report.expect(whole.returncode == 0, f"{KILLS}: {whole.stdout[-300:]}")


def _lock(plan: Plan) -> None:
    """Another process holds the write lock."""
    with _service(plan) as service:
        fault = _locked_by_another(plan.folder / DB)
        _go_through(plan, service, "a foreign BEGIN EXCLUSIVE", fault, plan.long)


def _full(plan: Plan) -> None:
    """No room: on a small disk of its own, or by a limit on the size of a file."""
    (plan.folder / "data").mkdir(mode=0o700)
    try:
        room: SmallDisk | None = SmallDisk.mount(plan.folder / "data", megabytes=12)
    except OSError:
        room = None  # not permitted here
    with (
        room or nullcontext(),
        _service(plan, within=room.command if room else ()) as service,
    ):
        what = "a full disk" if room else "a file that may not grow"
        fault = room.full() if room else _may_not_grow(service, plan.folder / DB)
        _go_through(plan, service, what, fault, plan.short)
        if room is not None:
            _end_on_a_full_disk(plan, service, room)


def _end_on_a_full_disk(plan: Plan, service: Service, room: SmallDisk) -> None:
    """Nothing waits to be written: then what is on disk is all, and the end is an orderly one."""
    with room.full():
        plan.report.count("SIGTERM on a full disk")
        code = service.end()
    plan.report.expect(code == 0, f"on a full disk, with everything written, it ended with {code}")


def _sync_error(plan: Plan) -> None:
    """Fatal; what had been answered before is there again."""
    ledger = Ledger()
    plan.report.count("an fsync error")
    with _service(plan, disk=plan.disk) as service:
        assert plan.disk is not None
        watch = Watch(service.url, ledger)
        with watch.watching(writers=WRITERS):
            sleep(plan.before)
            comes_true(lambda: ledger.count(Outcome.OK) > 0)
            plan.disk.set(errno.EIO, SYNCS)
            try:
                code: int | str = service.process.wait(PATIENCE)
            except TimeoutExpired:
                code = "nothing: it goes on"
        plan.report.expect(
            code == Exit.STORE_BROKEN, f"an fsync error: it ended with {code}, not 4"
        )
    with _service(plan) as service:
        plan.report.violations += ledger.check(found(service.url, _written(ledger)))
    plan.report.expect(ledger.count(Outcome.OK) > 0, "an fsync error: nothing was written before")


def _made_read_only(plan: Plan) -> None:
    """A running service has its files open; a start that cannot write has to say so."""
    ledger = Ledger()
    data = plan.folder / "data"
    with _service(plan) as service:
        with Watch(service.url, ledger).watching(writers=WRITERS):
            sleep(plan.before)
            with _mode(data / "agent_runtime.db", 0o400), _mode(data, 0o500):
                plan.report.count("a file and its folder made read-only under the service")
                sleep(plan.short / 2)
        plan.report.violations += ledger.check(found(service.url, _written(ledger)))
        plan.report.expect(service.end() == 0, "made read-only and back, it did not end with 0")
    places = [(data, 0o500)] if plan.quick else [(data / "agent_runtime.db", 0o400), (data, 0o500)]
    for path, mode in places:
        with _mode(path, mode):
            plan.report.count("starts on a read-only file or folder")
            started = _try_to_start(plan)
            plan.report.expect(
                started.returncode == Exit.CANNOT_START and "writable" in started.stderr,
                f"read-only {path.name}: {started.returncode}, {started.stderr[-300:]!r}",
            )
    with _service(plan) as service:
        plan.report.violations += ledger.check(found(service.url, _written(ledger)))


def _behind(plan: Plan) -> None:
    """Memory stays bounded while 64 clients push and nothing is written."""
    limit = 8
    options = ("--durability", "snapshot", "--undurable-limit-mib", str(limit))
    answers: list[Answer] = []
    with _service(plan, *options, disk=plan.disk) as service:
        assert plan.disk is not None
        before = _resident_memory(service)
        clock = Clock()

        def is_enough() -> bool:
            if clock.seconds < plan.short:
                return False
            return clock.seconds > PATIENCE or any(a.status == 503 for a in list(answers))

        def push(number: int) -> None:
            message = {"role": "user", "content": "x" * 100_000}
            with connected(service.url) as connection:
                for turn in itertools.count():
                    if is_enough():
                        return
                    path = f"/api/v1/sessions/push-{number}/messages"
                    body = json.dumps({**message, "id": f"{number}.{turn}"})
                    answers.append(ask(connection, "POST", path, body))
                    sleep(0.05)

        with plan.disk.failing(STALLED, WRITES, SYNCS):
            threads = [threading.Thread(target=push, args=(number,)) for number in range(64)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            growth = (_resident_memory(service) - before) / 1024
        refused = [answer for answer in answers if answer.status == 503]
        accepted = [answer for answer in answers if answer.status in {201, 202}]
        _expect_recovery(plan, "pushed by 64 clients", service)
        stored = sum(len(m) for m in found(service.url, [f"push-{n}" for n in range(64)]).values())
    plan.report.count("pushes by 64 clients against a disk that stands still", len(answers))
    plan.report.figures[f"memory added at a limit of {limit} MiB"] = f"{growth:.0f} MiB"
    expect = plan.report.expect
    expect(bool(refused), "64 clients were never refused")
    expect(all(a.retry_after for a in refused), "refused without Retry-After")
    expect(len(accepted) + len(refused) == len(answers), "answered neither 201 nor 503")
    expect(stored == len(accepted), f"{len(accepted)} were accepted, {stored} are there")
    # What waits, one batch of it on its way, and what 64 requests and Python's heap hold.
    expect(growth < 2 * limit + 40, f"memory grew by {growth:.0f} MiB")


# -- what every fault has to pass ----------------------------------------------------------------


def _go_through(
    plan: Plan,
    service: Service,
    what: str,
    fault: Fault,
    seconds: float,
    *,
    degrades: bool = True,
) -> None:
    """Watches the service before, during and after the fault, and judges what was seen."""
    ledger = Ledger()
    watch = Watch(service.url, ledger, prefix=what.replace(" ", "-"))
    with connected(service.url) as connection:
        body = json.dumps({"role": "user", "content": "x"})
        ask(connection, "POST", "/api/v1/sessions/resident/messages", body)
    with (
        Lag(plan.folder).measured() as machine,
        watch.watching(writers=WRITERS, cold=COLD),
    ):
        start = _lags(service)
        sleep(plan.before)
        before = _lags(service)
        with fault:
            began = monotonic()
            sleep(seconds)
            comes_true(partial(watch.has_seen, began, degrades=degrades))
            ended = monotonic()
        lag = _lags(service) - before
        recovered = _expect_recovery(plan, what, service)
        sleep(0.2)
    plan.report.count(what)
    if not recovered:
        return
    judge = partial(_expect, plan, what)
    within = plan.commit_timeout + SLACK + machine.allowance
    resident = RESIDENT + machine.allowance
    for kind, answers, statuses, limit in (
        ("a resident session's read", watch.resident, {200}, resident),
        ("a write", watch.writes, {200, 201, 503}, within),
        ("a cold read", watch.cold, {200, 404, 503}, within),
        ("/health", watch.health, {200, 503}, resident),
    ):
        in_time = [a for a in answers if began <= a.at and a.at + a.seconds <= ended]
        judge(bool(in_time), f"{kind} was not answered while it lasted")
        meanwhile = [a for a in answers if began - within <= a.at <= ended]
        strange = {a.status for a in meanwhile} - statuses
        judge(not strange, f"{kind} was answered {strange}")
        longest = max((a.seconds for a in meanwhile), default=0)
        is_late = plan.effort.is_timed and longest > limit
        judge(not is_late, f"{kind} took {longest:.1f} s; {limit:.1f} are allowed")
    refused = [a for a in watch.writes if a.status == 503]
    judge(all(a.retry_after for a in refused), "a 503 came without Retry-After")
    if degrades:
        judge(bool(refused), "no write was refused")
        _expect_degraded(watch.health, began, within if plan.effort.is_timed else inf, judge)
    _judge_lag(plan, what, _p99(lag), _p99(before - start))
    plan.report.count("writes during faults", len([a for a in watch.writes if a.at >= began]))
    for problem in ledger.check(found(service.url, _written(ledger))):
        judge(False, problem)
    unknown = ledger.count(Outcome.UNKNOWN)
    judge(not unknown, f"{unknown} writes were not acknowledged after all")


def _expect_degraded(
    health: Sequence[Answer], began: float, within: float, judge: Callable[[bool, str], None]
) -> None:
    degraded = [a for a in health if a.at >= began and json.loads(a.body)["status"] == "degraded"]
    judge(bool(degraded), "/health never said degraded")
    if degraded:
        judge("failing_since" in json.loads(degraded[0].body), "/health does not say since when")
        judge(degraded[0].status == 503, "/health says 200 while no write can be taken")
        after = degraded[0].at - began
        judge(after <= within, f"/health said degraded only after {after:.1f} s")


def _lags(service: Service) -> Counter[float]:
    """How often the service saw its event loop lag by at most so many seconds, cumulative."""
    with service.client() as client:
        lines = client.get("/metrics").text.splitlines()
    buckets = (LAG_BUCKET.fullmatch(line) for line in lines)
    return Counter({float(m["bound"]): int(float(m["count"])) for m in buckets if m is not None})


def _p99(lags: Counter[float]) -> float:
    """The bound that 99 of 100 of the lags stay below."""
    return min(bound for bound, count in lags.items() if count >= 0.99 * lags[inf])


def _judge_lag(plan: Plan, what: str, lag: float, without_fault: float) -> None:
    plan.report.figures[f"{what}: event loop's lag, p99, and before it"] = (
        f"at most {milliseconds(lag)}, at most {milliseconds(without_fault)}"
    )
    if not plan.quick:  # in the quick form, there are not enough of them
        # Where the machine makes the loop as late without a fault, it is not the fault's doing.
        allowed = max(LAG, without_fault)
        _expect(plan, what, lag <= allowed, f"the event loop lags {milliseconds(lag)}")


def _expect(plan: Plan, what: str, holds: bool, otherwise: str) -> None:
    plan.report.expect(holds, f"{what}: {otherwise}")


def _expect_recovery(plan: Plan, what: str, service: Service) -> bool:
    """Waits for health to return; says whether it did."""
    clock = Clock()
    with Lag(plan.folder).measured() as machine:
        came = comes_true(lambda: _is_healthy(service) or service.process.poll() is not None)
    recovered = came and service.process.poll() is None
    took, allowed = clock.seconds, RECOVERY + machine.allowance
    _expect(plan, what, recovered, "health does not return")
    if recovered:
        plan.report.figures[f"{what}: healthy again after"] = f"{took:.1f} s"
        is_late = plan.effort.is_timed and took > allowed
        _expect(plan, what, not is_late, f"health returned after {took:.1f} s")
    return recovered


def _is_healthy(service: Service) -> bool:
    try:
        with connected(service.url) as connection:
            answer = ask(connection, "GET", "/health")
    except (OSError, HTTPException):
        return False
    return bool(json.loads(answer.body)["status"] == "healthy")


# -- how the faults are made ---------------------------------------------------------------------


@contextmanager
def _service(
    plan: Plan, *options: str, disk: Disk | None = None, within: Sequence[str] = ()
) -> Iterator[Service]:
    with serving(plan.folder, *plan.options, *options, disk=disk, within=within) as service:
        yield service


def _written(ledger: Ledger) -> list[str]:
    return sorted({call.session_id for call in ledger.calls.values()})


_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextmanager
def _locked_by_another(path: Path) -> Iterator[None]:
    with subprocess.Popen(
        [sys.executable, "-c", _LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        try:
            other.stdout.readline()
            yield
        finally:
            other.stdin.close()
            other.wait(PATIENCE)


@contextmanager
def _may_not_grow(service: Service, path: Path) -> Iterator[None]:
    pid = service.process.pid
    size = max(path.stat().st_size, path.with_name(f"{path.name}-wal").stat().st_size)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def _mode(path: Path, mode: int) -> Iterator[None]:
    before = path.stat().st_mode & 0o777
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


def _try_to_start(plan: Plan) -> subprocess.CompletedProcess[str]:
    arguments = [COMMAND, "serve", "--port", "0", "--log-file", ""]
    if os.geteuid() == 0:  # permissions do not bind root, unless it gives that up
        without = "-dac_override,-dac_read_search"
        arguments = ["setpriv", "--bounding-set", without, "--inh-caps", without, *arguments]
    process = subprocess.Popen(arguments, cwd=plan.folder, stderr=subprocess.PIPE, text=True)
    try:
        _, stderr = process.communicate(timeout=PATIENCE)
    except TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        _, stderr = process.communicate()
    return subprocess.CompletedProcess(arguments, process.returncode, "", stderr)


def _resident_memory(service: Service) -> int:
    """In KiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
