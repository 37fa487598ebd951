"""14. Linearizable: whatever breaks, every session behaves as if its calls came one by one.

Clients make calls on the same few sessions, in `commit` durability, while the service is killed
(-9), stands still (SIGSTOP), meets a locked database for longer than it waits, and forgets sessions
after 0.2 s. All that they were told, refusals and reads included, has to follow from one order of
the calls in which each has its effect between its beginning and its end; what nobody was told may
have happened, until the process was gone, or not. The search is in `histories`. Some of the
histories are then falsified, and a service is tried that refuses too early; both have to be found
out.
"""

import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from time import monotonic, sleep

from attrs import define, evolve, field

from tests.faults import hasty_service
from tests.faults.campaign import Effort, Report
from tests.faults.histories.callers import Client, calling
from tests.faults.histories.calls import Read
from tests.faults.histories.checker import check
from tests.faults.histories.recorded import Answer, Recorded
from tests.faults.histories.recorder import Recorder
from tests.faults.shim import serving
from tests.service import COMMAND, PATIENCE, Service, process

CALLERS = 6
SESSIONS = 3
BUSY, SPARSE = 0.015, 0.4
"""Seconds between two calls of a client: many at once, and so few that sessions are forgotten."""

COMMIT_TIMEOUT = 0.3
LOCKED = 4 * COMMIT_TIMEOUT
"""Seconds that somebody else holds the database: several calls in a row are told that it fails."""
STANDING_STILL = 1.3
"""Seconds, longer than the clients' patience."""

OPTIONS = (
    *("--durability", "commit", "--commit-timeout", str(COMMIT_TIMEOUT)),
    *("--idle-timeout", "0.2", "--max-active", "2", "--flush-timeout", "5"),
)

DB = "data/agent_runtime.db"
FALSIFIED_STEPS = 2_000
"""Steps after which the search in a falsified history may end without an order."""


@define
class Chapter:
    """Some sessions, and the lives of the service in which they are used."""

    name: str
    folder: Path
    report: Report
    random: Random
    program: Sequence[str] = (COMMAND,)
    recorder: Recorder = field(factory=Recorder)
    _epochs: int = 0

    @property
    def sessions(self) -> Sequence[str]:
        return [f"{self.name}-{number}" for number in range(SESSIONS)]

    def live_through(self, fault: "Fault") -> None:
        """One life of the service, with this fault in it."""
        self._epochs += 1
        seed = f"{self.name}.{self._epochs}"
        pause = SPARSE if fault is _passivation else BUSY
        with serving(self.folder, *OPTIONS, program=self.program) as service:
            self.look(service)
            with calling(
                service.url, self.recorder, self.sessions, seed=seed, callers=CALLERS, pause=pause
            ):
                sleep(self.random.uniform(0.2, 0.5))
                fault(self, service)
                service.process.wait()
                died = monotonic()
        self.recorder.died(died)
        self.report.count(f"epochs: {fault.__name__[1:].replace('_', ' ')}")

    def look(self, service: Service) -> None:
        """Reads all that there is, with nobody else around."""
        client = Client(service.url, self.recorder, patience=PATIENCE)
        for session_id in self.sessions:
            for what in ("log", "messages", "header", "records"):
                client.ask(session_id, Read(what=what))
        client.close()

    def close(self) -> None:
        """Looks for the last time, and judges."""
        with serving(self.folder, *OPTIONS, program=self.program) as service:
            self.look(service)
            code = service.end()
        self.report.expect(code == 0, f"{self.name}: the last life ended with {code}")
        whole = process(self.folder, "verify", "--db", DB)
        self.report.expect(whole.returncode == 0, f"{self.name}: {whole.stdout[-300:]}")
        self.report.violations += self.recorder.wrong
        for what, times in sorted(self.recorder.counted.items()):
            self.report.count(f"calls: {what}", times)
        for session_id in self.sessions:
            self._judge(session_id, self.recorder.histories[session_id])

    def _judge(self, session_id: str, history: Sequence[Recorded]) -> None:
        verdict = check(history)
        self.report.count("histories of a session")
        if verdict.is_linearizable:
            self._falsify(session_id, history)
            return
        said = "not decided" if verdict.gave_up else "not linearizable"
        self.report.expect(False, f"{session_id}: {said}: {verdict.explanation}")

    def _falsify(self, session_id: str, history: Sequence[Recorded]) -> None:
        """A negative control: the same history, of a service that lies at the very end."""
        for false in falsified(history):
            self.report.count("falsified histories, all of them rejected")
            found = check(false, FALSIFIED_STEPS)
            self.report.expect(
                not found.is_linearizable, f"{session_id}: a falsified history was accepted"
            )


def falsified(history: Sequence[Recorded]) -> Iterator[list[Recorded]]:
    """The history with another last answer: the session is gone, or the last entry of its log."""
    logs = [n for n, one in enumerate(history) if one.call == Read(what="log")]
    last = logs[-1]
    answer = history[last].answer
    assert answer is not None, "nobody was in the way of the last look"
    lies = [Answer(status=404)]
    if log := answer.facts.get("log"):
        lies.append(Answer(status=answer.status, facts={"log": log[:-1]}))
    else:
        lies = [Answer(status=200)]
    for lie in lies:
        yield [*history[:last], evolve(history[last], answer=lie), *history[last + 1 :]]


# -- the faults ----------------------------------------------------------------------------------

Fault = Callable[[Chapter, Service], None]


def _kill(chapter: Chapter, service: Service) -> None:
    service.process.send_signal(signal.SIGKILL)


def _standing_still(chapter: Chapter, service: Service) -> None:
    """Calls arrive and nobody answers; then all of it happens at once."""
    service.process.send_signal(signal.SIGSTOP)
    sleep(STANDING_STILL)
    service.process.send_signal(signal.SIGCONT)
    sleep(chapter.random.uniform(0.1, 0.4))
    _kill(chapter, service)


def _lock(chapter: Chapter, service: Service) -> None:
    """What was kept in memory meanwhile is written after all."""
    with _locked(chapter.folder / DB):
        sleep(LOCKED)
    sleep(chapter.random.uniform(0.1, 0.6))
    _kill(chapter, service)


def _kill_while_locked(chapter: Chapter, service: Service) -> None:
    """What was kept in memory meanwhile is lost, and nobody may have been told of it."""
    with _locked(chapter.folder / DB):
        sleep(LOCKED)
        _kill(chapter, service)
        service.process.wait()


def _passivation(chapter: Chapter, service: Service) -> None:
    """So few calls that the sessions leave the memory between them."""
    sleep(chapter.random.uniform(1.0, 2.0))
    _kill(chapter, service)


def _orderly_end(chapter: Chapter, service: Service) -> None:
    service.process.send_signal(signal.SIGTERM)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Somebody else has begun to write, and does not go on."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


FAULTS: tuple[Fault, ...] = (
    _kill_while_locked,
    _kill,
    _standing_still,
    _lock,
    _passivation,
    _orderly_end,
)
QUICK_FAULTS: tuple[Fault, ...] = (_kill_while_locked, _standing_still)


def run(effort: Effort) -> Report:
    report = Report()
    for number in range(effort.of(full=12, quick=1)):
        chapter = _chapter(f"c{number}", effort.folder, report)
        faults = list(QUICK_FAULTS if effort.quick else FAULTS)
        chapter.random.shuffle(faults)
        for fault in faults:
            chapter.live_through(fault)
        chapter.close()
    if not effort.quick:
        _find_out_the_hasty(effort.folder, report)
    return report


def _chapter(
    name: str, parent: Path, report: Report, program: Sequence[str] = (COMMAND,)
) -> Chapter:
    folder = parent / name
    folder.mkdir()
    random = Random(name)  # noqa: S311 -- it only varies the moments
    return Chapter(name, folder, report, random, program)


def _find_out_the_hasty(parent: Path, report: Report) -> None:
    """Another negative control: a real service, with a bug that needs a lock and a kill."""
    unheard = Report()
    program = (sys.executable, hasty_service.__file__)
    chapter = _chapter("hasty", parent, unheard, program)
    for _ in range(3):
        chapter.live_through(_kill_while_locked)
    chapter.close()
    report.count("services that refuse too early, found out")
    found = any("not linearizable" in violation for violation in unheard.violations)
    report.expect(found, "a service that refuses too early was not found out")
