"""13. Soak: ten minutes of mixed load, with passivation and retention running.

Whatever has reached its level by half-time has to stay there: memory, descriptors, WAL, commits.
The growth is that of a line laid through the second half by least squares.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from statistics import linear_regression, median
from threading import Event, Lock, Thread
from time import sleep
from urllib.parse import urlsplit

from attrs import define, field, frozen

from tests.faults.campaign import Clock, Effort, Report, comes_true
from tests.faults.clients import JSON
from tests.service import PATIENCE, Service, running

RATE = 50
"""Requests per second: a busy user's dozen IDEs, and a few per cent of a processor."""

THREADS = 2
SESSIONS = 40
"""Sessions in use at one time; more than may be active, so that each visit activates one."""

MiB = 1024 * 1024

ANSWERS = {200, 201, 204, 400, 404, 409}
"""A session may be gone, or there; and a rewind may go further back than its log."""


def _nothing(_: Random) -> object:
    return None


VISITS: Mapping[str, tuple[int, str, str, Callable[[Random], object]]] = {
    # How often, and what an IDE asks for.
    "append": (
        10,
        "POST",
        "/sessions/{}/messages",
        lambda random: {"role": "user", "content": "x" * random.randrange(4000)},
    ),
    "restore": (5, "GET", "/sessions/{}/messages", _nothing),
    "log": (1, "GET", "/sessions/{}/log?last=50", _nothing),
    "list": (1, "GET", "/sessions?limit=20&include=title", _nothing),
    "switch": (
        1,
        "POST",
        "/agents/{}/switch",
        lambda random: {"agent": random.choice(["coder", "architect", "debug"]), "reason": "x"},
    ),
    "rename": (1, "PATCH", "/sessions/{}", lambda random: {"title": f"{random.random()}"}),
    "record": (
        1,
        "POST",
        "/sessions/{}/records",
        lambda random: {"put": [{"key": f"{random.randrange(5)}", "value": "y" * 500}]},
    ),
    "rewind": (1, "POST", "/sessions/{}/rewind", lambda random: {"to": random.randrange(9)}),
    "delete": (1, "DELETE", "/sessions/{}", _nothing),
    "purge": (1, "DELETE", "/sessions/{}?purge=true", _nothing),
    "undelete": (1, "POST", "/sessions/{}/undelete", lambda _: {}),
}

ALLOWED = {
    # What the second half may add. Python's allocator moves by arenas of 1 MiB; readers open and
    # close as needed, four at most; the WAL goes round within its automatic checkpoint's 4 MiB.
    "memory": 6.0,
    "descriptors": 4.0,
    "WAL": 4.0,
    "commit time": 50.0,
}
UNITS = {"memory": "MiB", "descriptors": "descriptors", "WAL": "MiB", "commit time": "ms"}


@frozen
class Span:
    """How long to go on, and how soon things expire. In seconds."""

    whole: float
    retention: float
    idle: float

    @property
    def options(self) -> Sequence[str]:
        return (
            *("--retention-hours", str(self.retention / 3600)),
            *("--idle-timeout", str(self.idle)),
            *("--max-active", str(SESSIONS // 2)),
        )


@define
class Sample:
    """The service at one moment."""

    at: float
    values: dict[str, float]
    commits: float
    """Since the start, as their seconds below."""
    commit_seconds: float


@define
class Mixed:
    """Callers at a fixed rate, that do what IDEs do. Threads share it."""

    url: str
    era: float
    """Seconds after which the sessions in use are left to retention, and others are begun."""
    clock: Clock = field(factory=Clock)
    tried: dict[str, int] = field(factory=dict)
    wrong: list[str] = field(factory=list)
    stop: Event = field(factory=Event)
    _writing: Lock = field(factory=Lock)

    def work(self, number: int) -> None:
        """One caller's life."""
        random = Random(number)  # noqa: S311 -- it only varies the load
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
        turn = 0
        try:
            while not self.stop.wait(turn * THREADS / RATE - self.clock.seconds):
                turn += 1
                self._visit(connection, random)
        except (OSError, HTTPException) as error:
            self.wrong.append(f"a caller was left without an answer: {error!r}")
        finally:
            connection.close()

    def _visit(self, connection: HTTPConnection, random: Random) -> None:
        name = f"soak-{int(self.clock.seconds / self.era)}-{random.randrange(SESSIONS)}"
        [what] = random.choices(list(VISITS), [weight for weight, *_ in VISITS.values()])
        _, method, path, make = VISITS[what]
        path, body = path.format(name), make(random)
        content = None if body is None else json.dumps(body)
        connection.request(method, f"/api/v1{path}", content, JSON if content else {})
        answer = connection.getresponse()
        data = answer.read()
        with self._writing:
            self.tried[what] = self.tried.get(what, 0) + 1
        if answer.status not in ANSWERS:
            self.wrong.append(f"{method} {path} was answered {answer.status}")
        elif answer.status == 200 and what in {"restore", "log"}:
            items = json.loads(data)["messages" if what == "restore" else "entries"]
            numbers = [item["seq"] for item in items]
            if numbers != sorted(set(numbers)):
                self.wrong.append(f"{name}: the numbers do not ascend: {numbers[:20]}")
            if what == "log" and numbers[-1] - numbers[0] != len(numbers) - 1:
                self.wrong.append(f"{name}: the numbers have gaps: {numbers[:20]}")


def run(effort: Effort) -> Report:
    report = Report()
    span = (
        Span(whole=4, retention=0.5, idle=0.3)
        if effort.quick
        else Span(whole=600, retention=36, idle=5)
    )
    samples: list[Sample] = []
    with running(effort.folder, *span.options, "--log-file", "") as service:
        load = Mixed(service.url, era=span.retention / 2)
        callers = [Thread(target=load.work, args=(number,)) for number in range(THREADS)]
        for caller in callers:
            caller.start()
        try:
            while load.clock.seconds < span.whole and not load.wrong:
                sleep(min(1.0, span.whole / 10))
                samples.append(_sample(service, effort.folder, load.clock.seconds))
                _time_commits(samples[-2:])
        finally:
            load.stop.set()
            for caller in callers:
                caller.join()
        _expect_turnover(service, report)
        code = service.end()
    report.expect(code == 0, f"it ended with {code}")
    report.violations += load.wrong
    for what, times in sorted(load.tried.items()):
        report.count(f"requests: {what}", times)
    report.count("seconds", int(load.clock.seconds))
    _judge(samples, report, quick=effort.quick)
    return report


def _expect_turnover(service: Service, report: Report) -> None:
    """Passivation and retention have to have been at work, or nothing was shown."""

    def passivations() -> int:
        return int(_metrics(service)["agent_runtime_passivations_total"])

    # Nobody calls any more: by now all of them are idle.
    report.expect(comes_true(lambda: passivations() > 0), "no session was passivated")
    report.count("passivations", passivations())
    with service.client() as client:
        total = client.get("/api/v1/sessions?limit=1").json()["total"]
    report.figures["sessions stored at the end"] = str(total)
    # Two eras' sessions are younger than the retention; the rest waits for the next clean-up.
    report.expect(total <= 5 * SESSIONS, f"retention leaves {total} sessions")


def _judge(samples: Sequence[Sample], report: Report, *, quick: bool) -> None:
    half = samples[len(samples) // 2 :]
    hours = (half[-1].at - half[0].at) / 3600
    for what, allowed in ALLOWED.items():
        values = [sample.values[what] for sample in half]
        level = f"{median(values):.1f} {UNITS[what]}"
        if quick:  # too short for a slope, and perhaps a single sample
            report.figures[what] = level
            continue
        slope = linear_regression([sample.at / 3600 for sample in half], values).slope
        report.figures[what] = f"{level}, slope {slope:+.1f} {UNITS[what]}/hour"
        report.expect(
            slope * hours <= allowed,
            f"{what} grew by {slope * hours:.1f} {UNITS[what]} in {hours * 60:.0f} minutes",
        )


def _sample(service: Service, folder: Path, at: float) -> Sample:
    process = Path("/proc", str(service.process.pid))
    status = (process / "status").read_text().splitlines()
    rss = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    wal = folder / "data/agent_runtime.db-wal"
    counted = _metrics(service)
    values = {
        "memory": rss / 1024,
        "descriptors": float(len(list((process / "fd").iterdir()))),
        "WAL": wal.stat().st_size / MiB,
        "commit time": 0.0,
    }
    return Sample(
        at,
        values,
        commits=counted["agent_runtime_commit_seconds_count"],
        commit_seconds=counted["agent_runtime_commit_seconds_sum"],
    )


def _time_commits(last_two: Sequence[Sample]) -> None:
    """The mean of the commits between two samples is the second one's commit time, in ms."""
    before, after = last_two[0], last_two[-1]
    commits = after.commits - before.commits
    if commits:
        mean = (after.commit_seconds - before.commit_seconds) / commits
        after.values["commit time"] = mean * 1000


def _metrics(service: Service) -> dict[str, float]:
    with service.client() as client:
        lines = client.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in pairs}
