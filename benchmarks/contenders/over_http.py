"""The guide's app and our service over HTTP, with the same data, asked in turn."""

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import trio
from attrs import evolve

from benchmarks import servers
from benchmarks.baselines import encoded
from benchmarks.client import open_connections
from benchmarks.closed_loops import Contender, add_latencies, add_rates, tallies
from benchmarks.load.mix import API
from benchmarks.measure import Spread
from benchmarks.results import Results
from benchmarks.suite import Effort
from benchmarks.workload import short_message

GUIDE, OURS = "the guide's design, FastAPI on uvicorn", "agent-runtime, commit"

LONG, SHORT = f"{API}/sessions/session-0/history", f"{API}/sessions/session-1/history"
LIST = f"{API}/sessions"
AGENT = f"{API}/agents/session-0/current"
POST = f"{API}/sessions/session-0/messages"

READERS = 4
"""Clients that read: a service need not wait for one to have taken its answer. One writes."""
READING, WRITING = 1.5, 0.5
"""Seconds of each service in each round: the guide's takes longer the longer the session is."""


def measure(python: Path, effort: Effort, results: Results, *, guide: str, ours: str) -> None:
    """Starts both, compares their answers, and then their speed.

    `guide` and `ours` are the settings that the two have in the process. Raises `SystemExit` if
    they do not answer the same.
    """
    sessions, length = effort.of(full=(1_000, 1_000), quick=(5, 20))
    guide_db, our_db = _databases(python, effort.folder, sessions, length)
    app = [str(python), "-m", "benchmarks.contenders.guide_app"]
    about = subprocess.run(
        [*app, "--version"], cwd=servers.ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    with ExitStack() as running:
        theirs, _ = running.enter_context(servers.started([*app, str(guide_db)], servers.ROOT))
        services = {
            GUIDE: Contender(
                address=theirs,
                requests=(),
                note=f"{about.stdout.strip()}; no access log; answers are validated by FastAPI's "
                f"`response_model`; in the process: {guide}",
            ),
            OURS: Contender(
                address=running.enter_context(servers.service(our_db)),
                requests=(),
                note=f"as it is started by default; in the process: {ours}",
            ),
        }
        _check_same(services)
        _read(services, "GET history, 3 messages", SHORT, effort, results)
        rates = _read(services, f"GET history, {length:,} messages", LONG, effort, results)
        results.judge("history_1000", rates[OURS].over(rates[GUIDE]))
        rates = _read(services, f"GET sessions, {sessions:,} of them", LIST, effort, results)
        results.judge("list_1000", rates[OURS].over(rates[GUIDE]))
        _post(services, f"POST messages, at {length:,} messages", effort, results)


def _databases(python: Path, folder: Path, sessions: int, length: int) -> tuple[Path, Path]:
    """The guide's database, and a copy of it, which our service takes over when it opens it."""
    guide, ours = folder / "guide-app.db", folder / "service.db"
    command = [str(python), "-m", "benchmarks.contenders.guide_data"]
    what = [str(guide), str(sessions), str(length)]
    subprocess.run([*command, *what], cwd=servers.ROOT, check=True)
    shutil.copy(guide, ours)
    return guide, ours


def _check_same(services: Mapping[str, Contender]) -> None:
    for path in (LONG, SHORT, AGENT, LIST):
        expected, answer = (trio.run(_answer, services[who], path) for who in (GUIDE, OURS))
        for listed in (expected, answer):
            # Only ours has an order: the most recent first.
            listed.get("sessions", []).sort(key=lambda session: session["session_id"])
        if answer != expected:
            raise SystemExit(
                f"GET {path}: the two services do not answer the same:\n"
                f"{OURS}: {str(answer)[:500]}\n{GUIDE}: {str(expected)[:500]}"
            )


async def _answer(service: Contender, path: str) -> Any:
    async with open_connections(service.address, 1) as (connection,):
        answer = await connection.ask(service.address.get(path))
    return msgspec.json.decode(answer.body)


def _read(
    services: Mapping[str, Contender], work: str, path: str, effort: Effort, results: Results
) -> dict[str, Spread]:
    """Answers per second."""
    asked = {
        who: evolve(
            service,
            requests=[service.address.get(path)] * READERS,
            note=f"{READERS} clients; {service.note}",
        )
        for who, service in services.items()
    }
    return add_rates(results, work, asked, tallies(asked, READING, effort))


def _post(services: Mapping[str, Contender], work: str, effort: Effort, results: Results) -> None:
    """How long one client waits until its message is taken."""
    body = encoded(short_message()).encode()
    asked = {
        who: evolve(
            service,
            requests=[service.address.post(POST, body)],
            note=f"one client; {service.note}; the session grows by what is posted",
            durable=who == OURS,
        )
        for who, service in services.items()
    }
    add_latencies(results, work, asked, tallies(asked, WRITING, effort))
