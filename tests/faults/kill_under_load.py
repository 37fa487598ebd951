"""1. kill -9 under load, in both durabilities.

`commit`: nothing acknowledged is lost, ever. `snapshot`: nothing that an answer said to be on disk,
and nothing acknowledged longer ago than the interval plus one commit.
"""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import monotonic, sleep

from tests.faults.campaign import Clock, Effort, Report, milliseconds, percentile
from tests.faults.clients import Load, found
from tests.faults.lag import Lag
from tests.faults.ledger import Ledger, Outcome
from tests.service import Service, running

SESSIONS = 8
INTERVAL = 0.2
"""The snapshot interval, in seconds: short against the load between two kills."""
ONE_COMMIT = 0.5
"""Seconds that one commit may take, beyond the machine's lag; a normal one takes milliseconds."""


def run(effort: Effort) -> Report:
    report = Report()
    restarts: list[float] = []
    kills = effort.of(full=300, quick=4) // 2
    with ThreadPoolExecutor(2) as lanes:  # side by side: most of the time is Python starting
        commit = lanes.submit(_commit_lane, effort.folder / "commit", kills, report, restarts)
        snapshot = lanes.submit(_snapshot_lane, effort, kills, report, restarts)
        commit.result()
        snapshot.result()
    report.figures["restart to first answer, median"] = milliseconds(percentile(restarts, 50))
    report.figures["restart to first answer, p99"] = milliseconds(percentile(restarts, 99))
    return report


def _commit_lane(folder: Path, kills: int, report: Report, restarts: list[float]) -> None:
    ledger = Ledger()
    options = ("--durability", "commit")
    for number in range(kills):
        with _life(folder, restarts, *options) as service:
            _load_and_kill(service, ledger, number)
        report.count("kills in commit durability")
    with _life(folder, restarts, *options) as service:
        report.violations += ledger.check(found(service.url, _session_ids()))
    report.count("acknowledged in commit durability", ledger.count(Outcome.OK))
    report.count("of unknown outcome", ledger.count(Outcome.UNKNOWN))


def _snapshot_lane(effort: Effort, kills: int, report: Report, restarts: list[float]) -> None:
    folder, ledger = effort.folder / "snapshot", Ledger()
    options = ("--durability", "snapshot", "--snapshot-interval", str(INTERVAL))
    lost_in_all = 0
    oldest = 0.0
    killed_at, late = monotonic(), 0.0
    for number in range(kills + 1):
        with _life(folder, restarts, *options) as service:
            there = found(service.url, _session_ids())
            lost = ledger.lost(there)
            for call in lost:
                age = killed_at - call.answered_at
                oldest = max(oldest, age)
                report.expect(
                    not effort.is_timed or age <= INTERVAL + ONE_COMMIT + late,
                    f"snapshot: {call.message_id} was acknowledged {age:.3f} s before the kill",
                )
                report.expect(
                    call.seq > ledger.durable[call.session_id],
                    f"snapshot: {call.message_id} is lost, and was said to be on disk",
                )
            ledger.forget(lost)
            lost_in_all += len(lost)
            report.violations += ledger.check(there)
            if number < kills:
                with Lag(folder).measured() as lag:
                    killed_at = _load_and_kill(service, ledger, number)
                late = lag.allowance
                report.count("kills in snapshot durability")
    report.count("acknowledged in snapshot durability", ledger.count(Outcome.OK) + lost_in_all)
    report.figures["lost in snapshot durability"] = f"{lost_in_all}"
    report.figures[f"oldest of them (interval {INTERVAL:g} s)"] = milliseconds(oldest)


@contextmanager
def _life(folder: Path, restarts: list[float], *options: str) -> Iterator[Service]:
    """One life of the service, and how long it took until it answered."""
    folder.mkdir(exist_ok=True)
    clock = Clock()
    with running(folder, *options) as service:
        with service.client() as client:
            client.get("/health").raise_for_status()
        restarts.append(clock.seconds)
        yield service


def _load_and_kill(service: Service, ledger: Ledger, number: int) -> float:
    """Ends the service at any moment; returns that moment."""
    with Load(service.url, ledger, SESSIONS, seed=number).running():
        sleep(Random(number).uniform(0.05, 0.5))  # noqa: S311 -- any moment will do
        service.process.send_signal(signal.SIGKILL)
        killed_at = monotonic()
        service.process.wait()
    return killed_at


def _session_ids() -> list[str]:
    return [f"load-{number}" for number in range(SESSIONS)]
