"""The contenders that need no peer do what their protocol says, each in a process of its own."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from benchmarks.contenders.contender import Calls, described
from benchmarks.contenders.process import Process, started
from benchmarks.workload import conversation, short_message

CONTENDERS = {
    "commit": ("ours", "commit"),
    "snapshot": ("ours", "snapshot"),
    "bare": ("bare_sqlite",),
}


def command(key: str, path: Path) -> list[str]:
    module, *options = CONTENDERS[key]
    return [sys.executable, "-m", f"benchmarks.contenders.{module}", *options, str(path)]


def stored(path: Path) -> dict[str, list[Any]]:
    """The messages of each session that are in the file."""
    found: dict[str, list[Any]] = {}
    with closing(sqlite3.connect(path)) as connection:
        for session_id, body in connection.execute(
            "SELECT session_id, body FROM message ORDER BY session_id, seq"
        ):
            found.setdefault(session_id, []).append(json.loads(body))
    return found


@pytest.fixture(params=CONTENDERS)
def contender(request: pytest.FixtureRequest, path: Path) -> Iterator[Process]:
    with started(command(request.param, path)) as process:
        yield process


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "contender.db"


def test_a_contender_says_that_it_syncs_each_commit(contender: Process) -> None:
    assert contender.about["journal_mode"] == "wal"
    assert contender.about["synchronous"] == "FULL"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("commit", "when synced"),
        ("snapshot", "from memory; on disk within 1 s"),
        ("bare", "when synced"),
    ],
)
def test_a_contender_says_what_its_acknowledgement_means(
    key: str, expected: str, path: Path
) -> None:
    with started(command(key, path)) as process:
        assert process.about["acknowledges"] == expected


def test_many_sessions_append_and_what_was_answered_is_in_the_file(
    contender: Process, path: Path
) -> None:
    answer = contender.ask("append", sessions=3, messages=4)
    assert (len(answer.latencies), answer.failed) == (12, 0)
    assert 0 < max(answer.latencies) <= answer.seconds
    assert list(stored(path).values()) == [[short_message(number) for number in range(4)]] * 3


def test_each_time_the_sessions_are_new_ones(contender: Process, path: Path) -> None:
    for _ in range(2):
        contender.ask("append", sessions=2, messages=1)
    assert [len(messages) for messages in stored(path).values()] == [1] * 4


def test_a_session_is_filled_appended_to_and_read(contender: Process, path: Path) -> None:
    assert len(contender.ask("fill", session="long", messages=20).latencies) == 1
    assert len(contender.ask("append_to", session="long", messages=3).latencies) == 3
    answer = contender.ask("history", session="long", times=2)
    assert (len(answer.latencies), answer.messages) == (2, 23)
    assert stored(path)["long"] == conversation(20) + [short_message(n) for n in range(3)]


def test_unknown_work_ends_a_contender(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(SystemExit, match="ended too early"),
        started(command("bare", path)) as process,
    ):
        process.ask("sleep", seconds=1)
    assert "no such work" in capfd.readouterr().err


def test_what_does_not_start_is_named() -> None:
    nothing = [sys.executable, "-c", ""]
    with pytest.raises(SystemExit, match="ended too early"), started(nothing):
        pass


async def test_a_call_that_did_not_get_the_lock_is_counted_and_not_timed() -> None:
    async def call(*, locked: bool) -> str:
        if locked:
            raise sqlite3.OperationalError("database is locked")
        return "done"

    calls = Calls((sqlite3.OperationalError,))
    assert await calls.time(call(locked=True)) is None
    assert await calls.time(call(locked=False)) == "done"
    assert (len(calls.latencies), calls.failed) == (1, 1)


@pytest.mark.parametrize(
    ("journal_mode", "level", "expected"),
    [
        ("wal", 2, "when synced"),
        ("wal", 1, "when written to the OS"),
        ("delete", 0, "when written to the OS"),
        ("delete", 3, "when synced"),
    ],
)
def test_what_an_acknowledgement_means_follows_from_the_settings(
    journal_mode: str, level: int, expected: str
) -> None:
    assert described("it", "1", journal_mode, level)["acknowledges"] == expected


def test_a_rollback_journal_can_come_back_after_a_power_cut() -> None:
    assert "power cut" in described("it", "1", "delete", 2)["acknowledges"]
