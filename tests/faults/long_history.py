"""15. Long history: a session of a gigabyte is read slowly, while all else goes on with it.

What arrives is the history as it was when it was asked for, byte for byte, and the WAL stays within
its limit meanwhile. Where a purge takes the rest away, the stream is cut, and never ended.
"""

import json
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import httpx
from attrs import define

from persistence.sqlite.connections import JOURNAL_SIZE_LIMIT
from tests.faults.arrival import history_arriving
from tests.faults.campaign import Effort, Report, comes_true
from tests.faults.many_sessions import memory
from tests.service import Service, running

MiB = 1024 * 1024

SIZE = 6_200
"""Characters of a message, which are 10 KB of JSON; a hundred thousand of them are a gigabyte."""
JSON_SIZE = 10_000
AT_ONCE = 1_000
"""Messages in one call while the session is made: below the limit of a body."""

LARGE = 8 * MiB
"""Characters of a message that is appended meanwhile. All of them together are more than the WAL's
limit: it only stays within that if it is used again while the history is being read."""

IDLE = 0.2
"""Seconds after which the session leaves memory."""

SESSION = "/api/v1/sessions/long"
PAGE = 50


def run(effort: Effort) -> Report:
    report = Report()
    length, turns = effort.of(full=100_000, quick=1_600), effort.of(full=40, quick=9)
    assert turns * LARGE > JOURNAL_SIZE_LIMIT, "it would not be seen whether the WAL is bounded"
    with running(effort.folder) as service:
        _make(service, length)
    with running(effort.folder, "--idle-timeout", f"{IDLE}") as service, service.client() as client:
        _read_the_end(client, length, report)
        before = memory(service.process.pid)
        others = Others(client, effort.folder / "data/agent_runtime.db-wal", report, length)
        _read_slowly(service, others, turns)
        _purge_while_reading(service, others)
        growth = memory(service.process.pid, "VmHWM") - before
        report.figures["service's memory"] = f"{before // MiB} MiB, at most {growth // MiB} more"
        report.expect(service.end() == 0, "the service did not end in order")
    return report


@define
class Others:
    """What goes on with the session while somebody reads its history."""

    _client: httpx.Client
    _wal_file: Path
    report: Report
    length: int
    """Messages that it began with."""
    turns: int = 0
    """Large messages that were appended since."""
    wal: int = 0
    """Bytes of the WAL, the most that was seen."""

    @property
    def messages(self) -> Iterator[bytes]:
        """All messages, as a history shows them."""
        return map(_json, chain(_messages(self.length), map(_large, range(self.turns))))

    def take_turn(self) -> None:
        """Does everything once; in the end the session is not in memory, and all of it counts."""
        passivations = self._passivations()
        self._call("appends", "/messages", _large(self.turns))
        self.turns += 1
        record = {"key": f"turn/{self.turns}", "value": "x" * SIZE}
        version = self._call("writes of records", "/records", {"put": [record]})["version"]
        self._call("rewinds", "/rewind", {"to": self.length // 2})
        found = self._call("rewinds", "/rewind", {"to": version})
        self.report.expect(
            found["message_count"] == self.length + self.turns,
            f"of {self.length + self.turns} messages {found['message_count']} count",
        )
        left = comes_true(lambda: self._passivations() > passivations)
        self.report.count("passivations", left)
        self.report.expect(left, "the session did not leave memory")

    def purge(self) -> None:
        """Deletes the session for good."""
        gone = self._client.delete(SESSION, params={"purge": "true"})
        self.report.expect(gone.status_code == 204, f"the purge was answered {gone.status_code}")
        after = self._client.get(SESSION)
        self.report.expect(after.status_code == 404, f"after the purge: {after.status_code}")

    def _call(self, what: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.post(f"{SESSION}{path}", json=body).raise_for_status()
        self.report.count(what)
        self.wal = max(self.wal, self._wal_file.stat().st_size)
        said: dict[str, Any] = answer.json()
        return said

    def _passivations(self) -> float:
        lines = self._client.get("/metrics").text.splitlines()
        [line] = [line for line in lines if line.startswith("agent_runtime_passivations_total ")]
        return float(line.split()[1])


def _make(service: Service, length: int) -> None:
    with service.client() as client:
        left = _messages(length)
        while some := list(islice(left, AT_ONCE)):
            client.post(f"{SESSION}/messages", json={"messages": some}).raise_for_status()


def _read_the_end(client: httpx.Client, length: int, report: Report) -> None:
    page = client.get(f"{SESSION}/messages", params={"last": PAGE}).raise_for_status().json()
    found = [(message["seq"], message["message"]) for message in page["messages"]]
    wanted = list(enumerate(_messages(length), 1))[-PAGE:]
    report.expect(found == wanted, f"the last messages are not the last {PAGE} that were sent")
    report.count("messages in the session", page["message_count"])


def _read_slowly(service: Service, others: Others, turns: int) -> None:
    """A part of the history, a turn of the others, and so on; then what is left of it."""
    report, length = others.report, others.length
    with history_arriving(service.url, "long", others.messages) as arrival:
        for _ in range(turns):
            arrival.read(length * JSON_SIZE // turns)
            others.take_turn()
        arrival.read_all()
    report.count("bytes of the history that were read", arrival.size)
    problems = arrival.problems()
    if arrival.was_cut:
        problems.append("the history broke off, although nothing was purged")
    elif not problems and (counted := arrival.members()["message_count"]) != length:
        problems.append(f"a history of {length} messages says that they are {counted}")
    report.violations += problems
    report.figures["written meanwhile"] = f"{others.turns * LARGE // MiB} MiB"
    report.figures[f"WAL, at most (limit {JOURNAL_SIZE_LIMIT // MiB} MiB)"] = (
        f"{others.wal / MiB:.1f} MiB"
    )
    report.expect(
        others.wal <= JOURNAL_SIZE_LIMIT, f"the WAL grew to {others.wal / MiB:.1f} MiB meanwhile"
    )


def _purge_while_reading(service: Service, others: Others) -> None:
    report = others.report
    with history_arriving(service.url, "long", others.messages) as arrival:
        arrival.read(MiB)
        others.purge()
        arrival.read_all()
    report.count("histories cut by a purge")
    report.violations += arrival.problems()
    report.expect(arrival.was_cut, "a history that was purged meanwhile ended as if it were whole")


def _messages(length: int) -> Iterator[dict[str, str]]:
    """Messages of which no two are the same, with what JSON has to escape."""
    filling = '"größe" → \\n\t' * (SIZE // 12)
    for number in range(length):
        yield {"role": "user", "content": f"{number} {filling[number % 13 :][:SIZE]}"}


def _large(number: int) -> dict[str, str]:
    return {"role": "assistant", "content": f"{number}".ljust(LARGE, "y")}


def _json(message: dict[str, str]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
