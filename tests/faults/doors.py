"""12. Doors: who may not come in is told so from the head alone, and nobody else gets to read.

Every refused request announces a body that never comes, and has to be answered all the same
(`knocks.py`). What users write is marked, and the marks are looked for in the log, at its most
talkative, also where requests are bad and where the service fails (`broken_service.py`).
"""

import json
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.faults import broken_service
from tests.faults.campaign import Clock, Effort, Report, milliseconds
from tests.faults.knocks import FORBIDDEN, JSON, MESSAGES, ODD, Knock, foreign, keys, paths
from tests.faults.raw import Heard, connect, exchange, head
from tests.persistence.builders import OldDatabase
from tests.service import COMMAND, Service, process, started

TOKEN = "k3J9xQ2vT7bN5mL8wR4z"  # noqa: S105 -- of no other service
MARK = "CanaryOfAUser"
"""In everything that users write here, other than ids of sessions, which the log may name."""

PRIVATE = {
    *("data", "agent_runtime.db", "agent_runtime.db-wal", "agent_runtime.db-shm"),
    *("agent_runtime.db.lock", "logs", "agent-runtime.log"),
}
"""Names that have to be there to be looked at, for the look to mean something."""


def run(effort: Effort) -> Report:
    report = Report()
    waits: list[float] = []
    with _started(effort.folder / "open", "--log-level", "debug") as service:
        waits += [_knock(service, knock, report) for knock in [*foreign(), *paths()]]
        _use_odd_names(service, effort.folder / "open", report)
        _leave_marks(service, report)
        copied = process(effort.folder / "open", "backup", "copy.db")
        report.expect(copied.returncode == 0, f"no backup: {copied.stderr}")
        _check_modes(effort.folder / "open", {*PRIVATE, "copy.db"}, report)
        report.expect(service.end() == 0, "the service did not end in order")
    with _started(effort.folder / "locked", token=TOKEN, old=True) as service:
        waits += [_knock(service, knock, report) for knock in keys(TOKEN)]
        _check_right_tokens(service, report)
        _check_modes(effort.folder / "locked", PRIVATE, report)
        backups = list((effort.folder / "locked").rglob("*before-upgrade*.db"))
        report.expect(len(backups) == 1, f"backups of the takeover: {backups}")
        service.end()
    with _started(effort.folder / "broken", "--log-level", "debug", broken=True) as service:
        _leave_marks(service, report)
        _meet_bugs(service, report)
        service.end()
    for name in ("open", "locked", "broken"):
        _check_log(effort.folder / name, report)
    _check_refused_starts(effort, report)
    report.figures["slowest refusal"] = milliseconds(max(waits))
    return report


def _knock(service: Service, knock: Knock, report: Report) -> float:
    """One refusal; returns how long it took. One that waits for the body does not come."""
    clock = Clock()
    answer = exchange(service.url, knock.packet(), end=False)
    seconds = clock.seconds
    report.count("requests refused by their head")
    report.expect(
        answer.final == knock.status,
        f"{knock.what}: answered {answer.final or 'nothing'}, not {knock.status}",
    )
    report.expect(100 not in answer.statuses, f"{knock.what}: its body was asked for")
    report.expect(
        b"access-control-allow" not in answer.data.lower(), f"{knock.what}: a page may read it"
    )
    return seconds


def _check_right_tokens(service: Service, report: Report) -> None:
    with service.client() as client:
        for headers in ({"Authorization": f"Bearer {TOKEN}"}, {"X-Internal-Auth": TOKEN}):
            answer = client.get("/api/v1/sessions", headers=headers)
            report.expect(answer.status_code == 200, "the right token does not let in")
            report.expect(answer.json().get("total") == 0, "a refused request had an effect")
        report.expect(client.get("/health").status_code == 200, "/health needs a token")


def _use_odd_names(service: Service, folder: Path, report: Report) -> None:
    """An id is nothing but a name: no file's, and no line's of a log or a head."""
    body = json.dumps({"role": "user", "content": "x"}).encode()
    before = sorted(folder.rglob("*"))

    def ask(method: str, session_id: str, *, write: bool = False) -> Heard:
        length = (JSON, f"Content-Length: {len(body)}") if write else ()
        target = f"/api/v1/sessions/{session_id}" + ("/messages" if write else "")
        packet = head(method, target, *length, "Connection: close") + (body if write else b"")
        report.count("requests with odd names")
        return exchange(service.url, packet)

    for session_id in FORBIDDEN:
        answer = ask("POST", session_id, write=True)
        report.expect(answer.final == 400, f"a session could be called {session_id}")
        report.expect(b"\r\nX-Evil" not in answer.data, f"{session_id} became a line of a head")
    for session_id in ODD:
        wanted = (201, 200, 204, 404)
        heard = (
            ask("POST", session_id, write=True),
            ask("GET", session_id),
            ask("DELETE", session_id),
            ask("GET", session_id),
        )
        statuses = tuple(answer.final for answer in heard)
        report.expect(statuses == wanted, f"a session called {session_id}: {statuses}")
        said = json.loads(heard[1].data.partition(b"\r\n\r\n")[2])
        report.expect(
            said.get("session_id") == unquote(session_id), f"{session_id} is called {said}"
        )
    report.expect(sorted(folder.rglob("*")) == before, "a session's id has become a file's name")


def _leave_marks(service: Service, report: Report) -> None:
    """Writes marked things, in ways that work and in ways that do not."""
    message = {"role": "user", "content": MARK, "id": f"{MARK}-1", "metadata": {MARK: MARK}}
    call = {"id": MARK, "function": {"name": MARK, "arguments": MARK}}
    tool = {"role": "assistant", "content": None, "tool_calls": [call], "name": MARK}
    entry = {"kind": "message", "body": {"role": "tool", "content": [{MARK: MARK}]}}
    record = {"key": MARK, "value": f"{MARK}, changed"}
    calls: list[tuple[int, str, str, Any]] = [
        (201, "POST", "sessions", {"session_id": "s", "agent": MARK, "metadata": {MARK: MARK}}),
        (409, "POST", "sessions", {"session_id": "s", "system_prompt": MARK}),
        (201, "POST", "sessions/s/messages", message),
        (409, "POST", "sessions/s/messages", {**message, "content": f"{MARK}, changed"}),
        (201, "POST", "sessions/s/messages", tool),
        (409, "POST", "sessions/s/messages", {**message, MARK: MARK}),
        (400, "POST", "sessions/s/messages", {**message, "role": MARK * 9}),
        (400, "POST", "sessions/s/messages", {**message, "id": MARK * 30}),
        (400, "POST", "sessions/s/messages", {**message, "id": [MARK]}),
        (400, "POST", "sessions/s/messages", {"messages": [MARK]}),
        (400, "POST", "sessions/s/messages", {"messages": [message], MARK: MARK}),
        (200, "POST", "agents/s/switch", {"agent": f"{MARK}2", "reason": MARK}),
        (400, "POST", "agents/s/switch", {"agent": f"{MARK}\n{MARK}", "reason": MARK}),
        (200, "PATCH", "sessions/s", {"title": MARK, "metadata": {MARK: {MARK: [MARK]}}}),
        (400, "PATCH", "sessions/s", {MARK: MARK}),
        (400, "PATCH", "sessions/s", [MARK]),
        (201, "POST", "sessions/s/records", {"put": [{"key": MARK, "value": {MARK: MARK}}]}),
        (400, "POST", "sessions/s/records", {"put": [{"key": MARK * 40, "value": MARK}]}),
        (412, "POST", "sessions/s/records", {"put": [record], "expect": {MARK: 999}}),
        (201, "POST", "sessions/s/log", {"id": MARK, "entries": [entry]}),
        (409, "POST", "sessions/s/log", {"id": MARK, "entries": [{**entry, "key": MARK}]}),
        (400, "POST", "sessions/s/log", {"entries": [{"kind": MARK, "body": MARK}]}),
        (400, "POST", "sessions/s/rewind", {"to": MARK}),
        (404, "POST", "sessions/gone/undelete", {"trash_id": MARK}),
        (400, "POST", "maintenance/cleanup", {"max_age_hours": MARK}),
        (400, "GET", f"sessions?cursor={MARK}", None),
        (400, "GET", f"sessions?{MARK}={MARK}", None),
        (200, "GET", f"sessions?metadata.{MARK}={MARK}", None),
        (200, "GET", f"sessions/s/records?prefix={MARK}", None),
        (400, "GET", f"sessions/s/messages?after={MARK}", None),
        (404, "GET", MARK, None),
        (200, "GET", f"docs?{MARK}", None),
    ]
    raw = [
        f'{{"role": "user", "content": "{MARK}"',
        f'{{"role": 7, "content": "{MARK}\\ud800"}}',
        f'{{"role": "user", "content": "{MARK}", "metadata": {{"{MARK}": NaN}}}}',
        f"{MARK}\udcff",
    ]
    with service.client() as client:
        for status, method, path, body in calls:
            answer = client.request(method, f"/api/v1/{path}", json=body)
            report.count("requests with marks")
            report.expect(
                answer.status_code == status, f"{method} {path}: {answer.status_code}, not {status}"
            )
        headers = {"Content-Type": "application/json", MARK: MARK, "Prefer": MARK}
        for text in raw:
            content = text.encode(errors="surrogateescape")
            answer = client.post("/api/v1/sessions/s/messages", content=content, headers=headers)
            report.count("requests with marks")
            report.expect(answer.status_code == 400, f"{text!a}: {answer.status_code}, not 400")
        with closing(connect(service.url)) as leaving:
            leaving.sendall(head("POST", MESSAGES, JSON, "Content-Length: 99") + MARK.encode())
            client.get("/health")
    for packet in (f"{MARK}\r\n\r\n", f"GET /{MARK} HTTP/9.9\r\n\r\n", f"GET {MARK} HTTP/1.1\r\n"):
        exchange(service.url, packet.encode())
        report.count("requests with marks")


def _meet_bugs(service: Service, report: Report) -> None:
    message = {"role": "user", "content": f"{broken_service.BUG} {MARK}"}
    switch = {"agent": MARK, "reason": f"{broken_service.BUG} {MARK}"}
    with service.client() as client:
        for path, body in (("sessions/s/messages", message), ("agents/s/switch", switch)):
            answer = client.post(f"/api/v1/{path}", json=body)
            report.count("requests that meet a bug")
            report.expect(answer.status_code == 500, f"{path} met no bug: {answer.status_code}")
            report.expect(MARK not in answer.text, f"{path}: the answer quotes the exception")


def _check_modes(folder: Path, names: set[str], report: Report) -> None:
    """Only the owner reads, under the most generous umask."""
    found = set()
    for path in folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        right = 0o700 if path.is_dir() else 0o600
        report.expect(mode == right, f"{path.relative_to(folder)} has mode {mode:o}")
        report.count("files and folders looked at")
        found.add(path.name)
    report.expect(names <= found, f"not there to be looked at: {names - found}")


def _check_log(folder: Path, report: Report) -> None:
    """Neither the log nor the terminal names what a user wrote, nor the token."""
    for file in (folder / "logs" / "agent-runtime.log", folder / "terminal"):
        for line in file.read_text().splitlines():
            report.count("lines of logs looked at")
            for secret in (MARK, TOKEN):
                report.expect(secret not in line, f"{file.name} says: {line[:200]}")
            forged = line.startswith("X-Evil") or "\x1b[2J" in line
            report.expect(not forged, f"{file.name} has a forged line: {line[:200]!r}")


def _check_refused_starts(effort: Effort, report: Report) -> None:
    """Beyond loopback without a token, or with one that others can read or guess."""
    folder = effort.folder
    readable, short = folder / "readable", folder / "short"
    readable.write_text(TOKEN)
    readable.chmod(0o644)
    short.write_text("short")
    short.chmod(0o600)
    starts = [("--host", host) for host in ("0.0.0.0", "::", "", "192.0.2.1")]  # noqa: S104
    starts += [("--token-file", str(file)) for file in (readable, short, folder / "missing")]
    starts += [("--cors-origin", "*")]
    if effort.quick:  # each is a Python that starts
        starts = starts[:2]

    def check(options: tuple[str, str]) -> None:
        ended = process(folder, "serve", "--port", "0", *options)
        report.count("starts refused")
        report.expect(ended.returncode == 3, f"{options}: exit code {ended.returncode}, not 3")
        report.expect(TOKEN not in ended.stdout + ended.stderr, f"{options}: quotes the token")

    with ThreadPoolExecutor(2) as lanes:
        list(lanes.map(check, starts))


@contextmanager
def _started(
    folder: Path, *options: str, token: str = "", old: bool = False, broken: bool = False
) -> Iterator[Service]:
    """A service in its own folder, under an umask that hides nothing. Its stderr is a file.

    `old`: on a database of the guide's own system. `broken`: with bugs planted.
    """
    folder.mkdir(0o700)
    if old:
        (folder / "data").mkdir(0o700)
        OldDatabase(folder / "data" / "agent_runtime.db")
        (folder / "data" / "agent_runtime.db").chmod(0o600)
    program = [sys.executable, broken_service.__file__] if broken else [COMMAND]
    with (folder / "terminal").open("w") as terminal:
        (folder / "terminal").chmod(0o600)
        with started(
            ["sh", "-c", 'umask 0; exec "$@"', "sh", *program, "serve", "--port", "0", *options],
            folder,
            environment={"AGENT_RUNTIME_TOKEN": token} if token else {},
            stderr=terminal,
        ) as service:
            yield service
