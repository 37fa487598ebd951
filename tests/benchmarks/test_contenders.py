"""The contenders that need no peer do what their protocol says, each in a process of its own."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.contenders.protocol import Calls, described
from benchmarks.peers import Worker, worker
from benchmarks.workload import conversation, short_message


def started(key: str, path: Path) -> AbstractContextManager[Worker]:
    return worker(sys.executable, "ours", key, str(path))


def stored(path: Path) -> dict[str, list[Any]]:
    """The messages of each session that are in the file."""
    with closing(sqlite3.connect(path)) as connection:
        views = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall()
        # Ours publishes what it has; the bare one has a row for each message.
        if ("sessions",) in views:
            rows = connection.execute("SELECT session_id, messages FROM sessions").fetchall()
        else:
            rows = connection.execute(
                """
                SELECT session_id, '[' || group_concat(body) || ']'
                  FROM (SELECT * FROM message ORDER BY seq) GROUP BY session_id
                """
            ).fetchall()
    return {session_id: json.loads(messages) for session_id, messages in sorted(rows)}


@pytest.fixture(params=["commit", "snapshot", "bare"])
def contender(request: pytest.FixtureRequest, path: Path) -> Iterator[Worker]:
    with started(request.param, path) as process:
        yield process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contender.db"


def test_a_contender_says_that_it_syncs_each_commit(contender: Worker) -> None:
    assert contender.about["journal_mode"] == "wal"
    assert contender.about["synchronous"] == "FULL"


@pytest.mark.parametrize(
    ("key", "expected", "durable"),
    [
        ("commit", "when synced", True),
        ("snapshot", "from memory; on disk within 1 s", False),
        ("bare", "when synced", True),
    ],
)
def test_a_contender_says_what_its_acknowledgement_means(
    key: str, expected: str, durable: bool, path: Path
) -> None:
    with started(key, path) as process:
        about = process.about
        assert (about["acknowledges"], about["durable"]) == (expected, durable)


def test_many_sessions_append_and_what_was_answered_is_in_the_file(
    contender: Worker, path: Path
) -> None:
    answer = contender.ask("append", sessions=3, messages=4)
    assert (len(answer["latencies"]), answer["failed"]) == (12, 0)
    assert 0 < max(answer["latencies"]) <= answer["seconds"]
    assert list(stored(path).values()) == [[short_message(number) for number in range(4)]] * 3


def test_each_time_the_sessions_are_new_ones(contender: Worker, path: Path) -> None:
    for _ in range(2):
        contender.ask("append", sessions=2, messages=1)
    assert [len(messages) for messages in stored(path).values()] == [1] * 4


def test_a_session_is_filled_appended_to_and_read(contender: Worker, path: Path) -> None:
    assert len(contender.ask("fill", session="long", messages=20)["latencies"]) == 1
    assert len(contender.ask("append_to", session="long", messages=3)["latencies"]) == 3
    answer = contender.ask("history", session="long", times=2)
    assert (len(answer["latencies"]), answer["messages"]) == (2, 23)
    assert stored(path)["long"] == conversation(20) + [short_message(n) for n in range(3)]


def test_unknown_work_ends_a_contender(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="ended too early"), started("bare", path) as process:
        process.ask("sleep", seconds=1)
    assert "no such work" in capfd.readouterr().err


def test_what_does_not_start_is_named() -> None:
    with pytest.raises(SystemExit, match="ended too early"), worker("true", "ours"):
        pass


async def failing(error: str) -> str:
    if error:
        raise sqlite3.OperationalError(error)
    return "done"


async def test_a_call_that_did_not_get_the_lock_is_counted_and_not_timed() -> None:
    calls = Calls((sqlite3.OperationalError,))
    assert await calls.time(failing("database is locked")) is None
    assert await calls.time(failing("")) == "done"
    assert (len(calls.latencies), calls.failed) == (1, 1)


async def test_a_call_that_failed_otherwise_ends_the_contender() -> None:
    calls = Calls((sqlite3.OperationalError,))
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        await calls.time(failing("database or disk is full"))


@pytest.mark.parametrize(
    ("journal_mode", "level", "expected", "durable"),
    [
        ("wal", 2, "when synced", True),
        ("wal", 1, "when written to the OS", False),
        ("delete", 0, "when written to the OS", False),
        ("delete", 3, "when synced", True),
    ],
)
def test_what_an_acknowledgement_means_follows_from_the_settings(
    journal_mode: str, level: int, expected: str, durable: bool
) -> None:
    about = described("it", "1", journal_mode, level)
    assert (about["acknowledges"], about["durable"]) == (expected, durable)


def test_a_rollback_journal_can_come_back_after_a_power_cut() -> None:
    about = described("it", "1", "delete", 2)
    assert "power cut" in about["acknowledges"]
    assert not about["durable"]
