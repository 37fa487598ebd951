"""The suites run to their end, and judge all of their budgets; `peers`, where they are installed.

How fast it is, no test says.
"""

import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import any_length, compare, growth, layouts, limits, peers, runtime, stalls
from benchmarks.budgets import BUDGETS
from benchmarks.results import DISTRIBUTION, Results
from benchmarks.servers import ROOT

WORKS = {
    "runtime": {
        "ask and reply, one caller",
        "append in `snapshot`, one caller",
        "append in `commit`, one caller",
        "append in `commit`, one caller: where it goes",
        "append in `commit`, one caller: pages",
        "append in `commit`, one caller: bytes",
        "append in `snapshot` of a message of 1,895 bytes",
        "append in `commit` of a message of 1,895 bytes",
        "ask and reply, 64 callers",
        "append in `snapshot`, many sessions",
        "append in `commit`, many sessions",
        "append in `commit`, 64 sessions at once",
        "activation by length",
        "sessions visited in turn: append",
        "sessions visited in turn: summary",
        "memory of an idle active session",
        "list of 50 sessions",
        "list of all sessions",
        "flush of 3 sessions × 10 messages: where it goes",
        "bulk writes",
        "bulk writes, end to end",
        "batch of 10 sessions, one message each",
        "batch of 10 sessions, one message each: pages written to the WAL",
        "batch of 10 sessions, one message each, with ids",
        "batch of 10 sessions, one message each, with ids: pages written to the WAL",
        "fork of a session of 50 messages",
        "end with dirty sessions",
    },
    "growth": {
        "append in `snapshot`, by length of the session",
        "snapshot, by length of the session",
        "append in `commit`, by length of the session",
        "history, by length of the session",
        "history, before its first piece, by length of the session",
        "bytes written by an append, by length of the session",
        "history of an inactive session, by sessions in the database",
        "append in `commit`, by sessions in the database",
        "snapshot, by sessions in the database",
        "bytes written by an append, by sessions in the database",
        "list of 50 sessions, by sessions in the database",
        "start of the service, by sessions in the database",
        "memory of the service after its start, by sessions in the database",
    },
    "any_length": {
        "activation, by length",
        "memory of an active session of any length",
        "GET messages?last=50 of a long session: the first request of a new process",
        "GET messages?last=50 of a long session: after it left memory",
        "GET messages?last=50 of a long session: "
        "the first request of a new process, the file not in the page cache",
        "GET history of a long session",
        "GET history of a long session: memory of the service",
        "session of 300 messages: a page in the middle",
        "session of 300 messages: a message sent again, under its old id",
        "session of 300 messages: an append under a new id",
        "session of 300 messages: a rewind to the middle",
        "session of 300 messages: the last messages after that",
        "session of 300 messages: a rewind back to the end",
        "session of 300 messages: a fork of its first half",
    },
    "layouts": {
        "pages of an append, by sessions in a transaction",
        "bytes of an append, by sessions in a transaction",
        "read of 10 entries",
        "purge of 10 entries",
    },
    "compare": {
        "GET history, 3 messages, 16 clients",
        "GET history, 3 messages, 16 clients: latency",
        "what the load generator can drive",
        "POST messages, 64 clients",
        "POST messages, 64 clients: latency",
        "GET history again, 10 messages, nothing new",
        "GET sessions, 50 of them: first byte",
        "GET sessions, 50 of them: whole",
        "GET history while 50 sessions are listed: p99",
        "GET history while 50 sessions are listed: latency",
    },
    "limits": {
        "POST messages while one session is at its limits: p99",
        "POST messages while one session is at its limits: latency",
    },
    "stalls": {"longest answer of /health"},
    "peers": {
        "append, 1 session",
        "append, 1 session: latency",
        "append, 64 sessions",
        "append, 64 sessions: latency",
        "history of 20 messages",
        "append at 20 messages",
        "GET history, 3 messages",
        "GET history, 20 messages",
        "GET sessions, 5 of them",
        "POST messages, at 20 messages",
    },
}
PEERS = ROOT / ".venv-peers" / "bin" / "python"


@pytest.mark.parametrize(
    "run",
    [
        runtime.run,
        growth.run,
        any_length.run,
        layouts.run,
        compare.run,
        limits.run,
        stalls.run,
    ],
    ids=["runtime", "growth", "any_length", "layouts", "compare", "limits", "stalls"],
)
def test_a_suite_measures_each_of_its_works_and_judges_each_of_its_budgets(
    run: Callable[..., Results], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(run(tmp_path, 1, quick=True), tmp_path)
    assert "MISSED" not in capsys.readouterr().out, "judged by figures that mean nothing"


@pytest.mark.skipif(not PEERS.exists(), reason="the peers are not installed: make bench-peers")
def test_the_peers_do_all_of_their_works(tmp_path: Path) -> None:
    check(peers.run(tmp_path, 1, python=PEERS, quick=True), tmp_path)


def check(results: Results, folder: Path) -> None:
    works = {row.work for row in results.rows if not row.work.endswith(DISTRIBUTION)}
    assert works == WORKS[results.suite]
    assert set(results.judged) == {
        key for key, budget in BUDGETS.items() if budget.suite == results.suite
    }
    values = [value for row in results.rows for value in row.values if row.unit != "B"]
    assert all(math.isfinite(value) and value > 0 for value in values)
    # So few sessions may find room in memory that was free before: these may be 0.
    sizes = [value for row in results.rows for value in row.values if row.unit == "B"]
    judged = [value for spread in results.judged.values() for value in spread.values]
    assert all(map(math.isfinite, sizes + judged))
    assert not list(folder.iterdir()), "something was left behind"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_what_is_ended_leaves_neither_files_nor_processes(
    number: signal.Signals, tmp_path: Path
) -> None:
    # In its quick form, as nothing but its beginning is wanted: the other measures the disk first.
    command = [sys.executable, "-m", "benchmarks", "--quick", "--folder", str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        # The first suite is at its first work: its folder is there, and what it has begun.
        while not process.stdout.readline().startswith("# "):
            assert process.poll() is None, "it ended by itself"
        assert list(tmp_path.iterdir())
        process.send_signal(number)
        # The pipe is at its end when all that had it have ended, however long that takes here.
        process.communicate()
    assert process.returncode == 1
    assert not list(tmp_path.iterdir())
