"""17. Streams: whoever follows a session has its log, whatever breaks, and however it reads.

Followers come and go at any moment, some of them slow, with their own side closed, or not reading
at all, while sessions are written, rewound, deleted and begun anew, and leave memory after 0.2 s.
Beside them answers are streamed as drafts, runners compete for turns, and many decide at once. The
service is killed (-9), also while nothing can be committed, stands still (SIGSTOP), and is ended in
order. In the end each follower has the store's log: nothing is missing, came twice, or was shown
and is gone. What was seen of a draft is there, nothing was written under an old number, and nothing
was answered twice. The trials are in `streaming`; so are the lies that their judges have to find
out.
"""

import re
import signal
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from random import Random
from time import sleep

from attrs import define, field

from tests.faults.campaign import Effort, Report, comes_true
from tests.faults.many_sessions import memory
from tests.faults.shim import serving
from tests.faults.streaming.approvals import Approvals
from tests.faults.streaming.drafts import INTERVAL, Drafts
from tests.faults.streaming.logs import Logs
from tests.faults.streaming.overview import Overview
from tests.faults.streaming.place import Place, calling
from tests.faults.streaming.trial import Trial, at_work
from tests.faults.streaming.turns import Turns
from tests.service import PATIENCE, Service, process

DB = "data/agent_runtime.db"

OPTIONS = (
    *("--snapshot-interval", str(INTERVAL), "--idle-timeout", "0.2", "--max-active", "2"),
    *("--grace", "2", "--flush-timeout", "5", "--db", DB),
)
STANDING_STILL = 1.3
"""Seconds, longer than the clients' patience."""
LOCKED = 0.4
"""Seconds that somebody else holds the database, so that nothing can be committed."""
PASSIVATIONS = re.compile(r"^agent_runtime_passivations_total (\S+)$", re.MULTILINE)
MiB = 1024 * 1024


@define
class Chapter:
    """One database, the lives of the service on it, and clients that outlive these."""

    folder: Path
    report: Report
    durability: str
    place: Place
    logs: Logs
    trials: Sequence[Trial]
    random: Random = field(factory=lambda: Random("streams"))  # noqa: S311 -- moments only
    most_memory: int = 0

    @classmethod
    def begun(cls, folder: Path, report: Report, durability: str) -> "Chapter":
        folder.mkdir()
        place, lossy = Place(), durability == "snapshot"
        logs = Logs(place, folder / DB, is_lossy=lossy)
        drafts = Drafts(place, ["answers", "more-answers"], is_lossy=lossy)
        turns = Turns(place, ["run", "another-run"], is_lossy=lossy)
        trials: list[Trial] = [logs, drafts, turns]
        if not lossy:  # an answer that a crash takes can be given again
            trials.append(Approvals(place, ["questions"]))
        trials.append(Overview(place))  # the others change what it shows
        return cls(folder, report, durability, place, logs, trials)

    def live_through(self, faults: Sequence["Fault"]) -> None:
        """One life of the service for each."""
        with at_work(self.place, self.trials):
            for number, fault in enumerate(faults, 1):
                with self._serving() as service, calling(service.url) as client:
                    for trial in self.trials:
                        trial.returned(client)
                    self.place.open(service.url)
                    sleep(self.random.uniform(0.5, 1.5))
                    if number == len(faults):  # the last chance, however busy the machine is
                        comes_true(lambda: self.logs.book.counted["reconnects"] > 0)
                    for trial in self.trials:
                        trial.before_end(client)
                    sleep(self.random.uniform(0, 0.2))
                    self._look_at(service)
                    code = fault(service, self.folder / DB)
                    self.place.close()
                for trial in self.trials:
                    trial.ended(in_order=code == 0)
                name = fault.__name__[1:].replace("_", " ")
                self.report.count(f"lives in {self.durability} that ended by {name}")
                expected = {0} if fault is _order else {-signal.SIGKILL}
                self.report.expect(code in expected, f"{name} ended with {code}")

    def close(self) -> None:
        """Nothing breaks any more: everybody reads to the end, and it is judged."""
        with self._serving() as service, calling(service.url) as client:
            for trial in self.trials:
                trial.returned(client)
                trial.judge(client)
            self.report.expect(service.end() == 0, "the last life did not end in order")
        whole = process(self.folder, "verify", "--db", DB)
        self.report.expect(whole.returncode == 0, f"verify: {whole.stdout[-300:]}")
        self.logs.conclude()
        for trial in self.trials:
            self.report.violations += [f"{self.durability}: {what}" for what in trial.book.wrong]
            for what, times in sorted(trial.book.counted.items()):
                self.report.count(what, times)
        most = f"{self.most_memory // MiB} MiB"
        self.report.figures[f"service's memory in {self.durability}, at most"] = most

    def _look_at(self, service: Service) -> None:
        self.most_memory = max(self.most_memory, memory(service.process.pid))
        with service.client() as client:
            [gone] = PASSIVATIONS.findall(client.get("/metrics").text)
        self.report.count("passivations", int(float(gone)))

    def _serving(self) -> AbstractContextManager[Service]:
        return serving(self.folder, "--durability", self.durability, *OPTIONS)


Fault = Callable[[Service, Path], int]
"""Ends the service that has this database, and returns its exit code."""


def _kill(service: Service, database: Path) -> int:
    return service.end(signal.SIGKILL)


def _kill_while_locked(service: Service, database: Path) -> int:
    """What it has in memory meanwhile is lost, and nobody may have been shown it."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=PATIENCE)) as other:
        other.execute("BEGIN IMMEDIATE")
        sleep(LOCKED)
        return service.end(signal.SIGKILL)


def _kill_after_standing_still(service: Service, database: Path) -> int:
    """Calls arrive and nobody answers; then all of it happens at once, and is cut off."""
    service.process.send_signal(signal.SIGSTOP)
    sleep(STANDING_STILL)
    service.process.send_signal(signal.SIGCONT)
    sleep(0.1)
    return service.end(signal.SIGKILL)


def _order(service: Service, database: Path) -> int:
    return service.end()


FAULTS: Sequence[Fault] = (_kill_while_locked, _order, _kill, _kill_after_standing_still)


def run(effort: Effort) -> Report:
    report = Report()
    for durability, lives in (
        ("commit", effort.of(full=20, quick=2)),
        ("snapshot", effort.of(full=10, quick=1)),
    ):
        chapter = Chapter.begun(effort.folder / durability, report, durability)
        chapter.live_through([FAULTS[number % len(FAULTS)] for number in range(lives)])
        chapter.close()
    enough = effort.of(full=200, quick=1)
    report.expect(report.tried.get("reconnects", 0) >= enough, "nobody came back often enough")
    return report
