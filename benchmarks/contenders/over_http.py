"""The guide's app and our service over HTTP, with the same data, asked in turn by one client."""

import http.client
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from attrs import frozen

from benchmarks.calls import add_latency
from benchmarks.contenders.process import END, ROOT
from benchmarks.measure import Spread, Timer, in_turn
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import short_message

T = TypeVar("T")

LONG, SHORT = "sessions/session-0/history", "sessions/session-1/history"
LIST = "sessions"
POST = "sessions/session-0/messages"


@frozen
class Service:
    """A running service, and a connection to it."""

    who: str
    note: str
    """What must be known to compare fairly."""
    _connection: http.client.HTTPConnection

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """What it answers. Raises `SystemExit` if that is no success."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(method, f"/api/v1/{path}", body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status not in (200, 201):
            raise SystemExit(f"{self.who}: {method} {path}: {response.status} {answer[:300]!r}")
        return answer

    def rate(self, path: str, seconds: float) -> float:
        """How often this can be read in a second."""
        timer, times = Timer(), 0
        while timer.seconds < seconds:
            self.ask("GET", path)
            times += 1
        return times / timer.seconds

    def post_seconds(self, path: str) -> float:
        """How long it takes to post a short message there."""
        body = json.dumps(short_message()).encode()
        timer = Timer()
        self.ask("POST", path, body)
        return timer.seconds


def measure(python: Path, effort: Effort, results: Results, *, guide: str, commit: str) -> None:
    """Starts both, compares their answers, and then their speed.

    `guide` and `commit` are the settings that the two have. Raises `SystemExit` if they do not
    answer the same.
    """
    sessions, length = effort.of(full=(1_000, 1_000), quick=(5, 20))
    guide_db, our_db = _databases(python, effort.folder, sessions, length)
    app = [str(python.absolute()), "-m", "benchmarks.contenders.guide_app"]
    service = [str(Path(sys.executable).with_name("agent-runtime")), "serve", "--log-file", ""]
    with ExitStack() as stack:
        services = [
            stack.enter_context(
                _serving(who, settings, [*command, "--port", "0", "--db", str(path)])
            )
            for who, settings, command, path in (
                ("the guide's design, FastAPI on uvicorn", guide, app, guide_db),
                ("agent-runtime, commit", commit, service, our_db),
            )
        ]
        _check_same(*services)
        compared = _Compared(services, effort, results)
        compared.rates("GET history, 3 messages", SHORT)
        theirs, ours = compared.rates(f"GET history, {length:,} messages", LONG)
        results.judge("history_1000", ours.over(theirs))
        theirs, ours = compared.rates(f"GET sessions, {sessions:,} of them", LIST)
        results.judge("list_1000", ours.over(theirs))
        compared.posts(f"POST messages, at {length:,} messages")


def _databases(python: Path, folder: Path, sessions: int, length: int) -> tuple[Path, Path]:
    """The guide's database, and a copy of it, which our service takes over when it opens it."""
    guide, ours = folder / "guide.db", folder / "ours.db"
    module = "benchmarks.contenders.guide_data"
    subprocess.run(
        [python.absolute(), "-m", module, guide, str(sessions), str(length)], cwd=ROOT, check=True
    )
    shutil.copy(guide, ours)
    return guide, ours


@contextmanager
def _serving(who: str, settings: str, command: Sequence[str]) -> Iterator[Service]:
    """The service that this command starts; the third word that it prints is its URL."""
    # The guide's database has times in UTC, and a database is taken over in the zone of its times.
    environment = {**os.environ, "TZ": "UTC"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if " on http://" not in line:
                raise SystemExit(f"{who} did not start: {line!r}")
            netloc = urlsplit(line.split()[2]).netloc
            with closing(http.client.HTTPConnection(netloc, timeout=END)) as connection:
                yield Service(who, f"one client, keep-alive; {settings}", connection)
            process.terminate()
            process.wait(END)
        finally:
            process.kill()


def _check_same(guide: Service, ours: Service) -> None:
    for path in (LONG, SHORT, "agents/session-0/current", LIST):
        expected, answer = (json.loads(service.ask("GET", path)) for service in (guide, ours))
        for listed in (expected, answer):
            # Only ours has an order: the most recent first.
            listed.get("sessions", []).sort(key=lambda session: session["session_id"])
        if answer != expected:
            raise SystemExit(
                f"GET {path}: the two services do not answer the same:\n"
                f"{ours.who}: {str(answer)[:500]}\n{guide.who}: {str(expected)[:500]}"
            )


@frozen
class _Compared:
    """Both services, in turn."""

    _services: Sequence[Service]
    _effort: Effort
    _results: Results

    def rates(self, work: str, path: str) -> list[Spread]:
        """Answers per second to one client, of each service in their order."""
        seconds = self._effort.of(full=1.0, quick=0.05)
        rates: list[list[float]] = [[] for _ in self._services]
        for _, (service, values) in self._in_turn(rates):
            values.append(service.rate(path, seconds))
        return [
            self._results.add(work, service.who, "/s", values, note=service.note)
            for service, values in zip(self._services, rates, strict=True)
        ]

    def posts(self, work: str) -> None:
        """How long one client waits until its message is taken."""
        times = self._effort.of(full=20, quick=2)
        samples: list[list[list[float]]] = [[] for _ in self._services]
        for _, (service, rounds) in self._in_turn(samples):
            rounds.append([service.post_seconds(POST) for _ in range(times)])
        for service, rounds in zip(self._services, samples, strict=True):
            add_latency(self._results, work, service.who, rounds, service.note)

    def _in_turn(self, notes: Sequence[T]) -> Iterator[tuple[int, tuple[Service, T]]]:
        return in_turn(list(zip(self._services, notes, strict=True)), self._effort.rounds)
