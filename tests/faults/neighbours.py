"""15. Neighbours: there is nothing that one client can do to another.

One client reaches every limit, over and over; ten others append messages and read them back.
Whatever it does, and whatever it is told, each of their writes is taken, `/health` answers, and
after a `kill -9` in the middle of it nothing of theirs is missing.
"""

import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from time import sleep

from attrs import define, field

from tests.faults import hostile
from tests.faults.campaign import Effort, Report, comes_true, milliseconds, percentile
from tests.faults.clients import found
from tests.faults.ledger import Ledger, Outcome
from tests.faults.many_sessions import memory
from tests.faults.probe import Probe
from tests.faults.residents import Residents
from tests.service import Service, running

MiB = 1024 * 1024

DATABASE = "data/agent_runtime.db"

ALONE = "alone"

TAKEN = (200, 201, 202)

MOST, LASTING = 3 * 1024 * MiB, 2 * 1024 * MiB
"""What the service may have of the machine's memory at the worst moment, and afterwards. Two bodies
of 16 MiB may be decoded at a time, and each may be eight million lists of 64 bytes and more."""

Found = dict[str, list[tuple[int, str]]]
"""The messages' numbers and ids, by session."""


@define
class Phases:
    """What the neighbours, and who asks for `/health`, noticed of each deed. In seconds."""

    probe: Probe
    residents: Residents
    appends: dict[str, list[float]] = field(factory=dict)
    stalls: dict[str, float] = field(factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What is noticed in the block is of this phase."""
        asked, written = len(self.probe.seconds), len(self.residents.seconds)
        yield
        self.appends[name] = self.residents.seconds[written:]
        self.stalls[name] = max(self.probe.seconds[asked:], default=0.0)

    def report(self, report: Report) -> None:
        beside = [times for name, times in self.appends.items() if name != ALONE]
        together = [seconds for times in beside for seconds in times]
        report.figures["neighbours' append, p99, alone"] = _p99(self.appends[ALONE])
        report.figures["the same beside the hostile client"] = _p99(together)
        for name, times in self.appends.items():
            stall = milliseconds(self.stalls[name])
            report.figures[f"{name}: append, p99, and /health, slowest"] = f"{_p99(times)}, {stall}"


def run(effort: Effort) -> Report:
    report, ledger = Report(), Ledger()
    with running(effort.folder, db=DATABASE) as service:
        probe = Probe(service.url)
        residents = Residents(service.url, ledger, "resident")
        with probe.running(), residents.running():
            phases = Phases(probe, residents)
            _live_beside(service, phases, effort, report)
            residents.service_may_die.set()
            wrong = list(probe.wrong)
            _kill(service, effort)
        report.violations += [f"/health: {what}" for what in wrong]
        report.violations += residents.wrong
        report.count("kills")
    phases.report(report)
    report.count("neighbours' messages", ledger.count(Outcome.OK))
    report.count("questions for /health", len(probe.seconds))
    with running(effort.folder, db=DATABASE) as service:
        there = found(service.url, sorted(residents.sessions))
        report.violations += ledger.check(there)
        _live_on(service, ledger, there, report)
        report.expect(service.end() == 0, "the service did not end in order")
    return report


def _live_beside(service: Service, phases: Phases, effort: Effort, report: Report) -> None:
    """Each deed in turn, beside the neighbours."""
    share, seconds = effort.of(full=1, quick=64), effort.of(full=4, quick=0)
    before = memory(service.process.pid)
    with phases.phase(ALONE):
        _let_write(phases.residents, 5)
        sleep(effort.of(full=3, quick=0))
    statuses: Counter[int] = Counter()
    with _hostile_process() as client:
        for deed in hostile.DEEDS:
            refuses = _rejecting(effort.folder) if deed == "rejected" else nullcontext()
            with phases.phase(deed), refuses:
                done = client.submit(hostile.perform, service.url, deed, seconds, share).result()
                _let_write(phases.residents, 1)
            report.count(f"requests: {deed.replace('_', ' ')}", done.total())
            report.expect(any(done[taken] for taken in TAKEN), f"{deed} came to nothing: {done}")
            statuses += done
    report.figures["answers to the hostile client"] = ", ".join(
        f"{status}: {times:,}" for status, times in sorted(statuses.items())
    )
    after, most = memory(service.process.pid), memory(service.process.pid, "VmHWM")
    report.figures["service's memory"] = (
        f"{before // MiB} MiB, at most {most // MiB} MiB, {after // MiB} MiB afterwards"
    )
    report.expect(most <= MOST and after <= LASTING, f"{most // MiB}, {after // MiB} MiB of memory")


def _let_write(residents: Residents, each: int) -> None:
    """Until each of them, about, has had so many more messages taken."""
    enough = len(residents.seconds) + each * residents.clients
    comes_true(lambda: len(residents.seconds) >= enough or bool(residents.wrong))


def _kill(service: Service, effort: Effort) -> None:
    """Ends the service while the hostile client is at work."""
    with _hostile_process() as client:
        client.submit(hostile.perform, service.url, "thousands", 60, 16)
        sleep(effort.of(full=2, quick=1))
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()


def _live_on(service: Service, ledger: Ledger, there: Found, report: Report) -> None:
    """After the restart the neighbours write again."""
    residents = Residents(service.url, ledger, "returned")
    with residents.running():
        _let_write(residents, 2)
    report.violations += residents.wrong
    report.violations += ledger.check(there | found(service.url, sorted(residents.sessions)))


@contextmanager
def _rejecting(folder: Path) -> Iterator[None]:
    """The store takes nothing of some sessions while the block runs: a trigger is in the way."""
    names = [hostile.session_id("rejected", n) for n in range(hostile.CONNECTIONS)]
    listed = ", ".join(f"'{name}'" for name in names)
    _change(
        folder / DATABASE,
        f"CREATE TRIGGER refuses BEFORE INSERT ON session WHEN NEW.session_id IN ({listed})"
        " BEGIN SELECT RAISE(ABORT, 'not these'); END",
    )
    try:
        yield
    finally:
        _change(folder / DATABASE, "DROP TRIGGER refuses")


def _change(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        connection.execute(sql)


@contextmanager
def _hostile_process() -> Iterator[ProcessPoolExecutor]:
    """A process in which the hostile client works, so that only the service is shared."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        yield process


def _p99(seconds: list[float]) -> str:
    return milliseconds(percentile(seconds, 99))
