"""What the benchmarks put into databases is what a runtime would have put there."""

from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import schema_1
from benchmarks.stores import Appender, fill, running, short, unpacked
from benchmarks.workload import SHORT, conversation
from persistence.memory import MemoryStore
from persistence.sqlite.checking.verify import verify
from runtime import Listing
from runtime.session.kinds.message import from_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "filled.db"


def test_a_filled_database_is_whole(path: Path) -> None:
    fill(path, "short-", [short(2)] * 3)
    fill(path, "real-", [map(from_json, conversation(20))], piece=7)
    assert verify(path).problems == ()


async def test_a_runtime_goes_on_with_filled_sessions(path: Path) -> None:
    fill(path, "s-", [short(2)] * 3)
    async with running(path) as runtime:
        session = runtime.session("s-1")
        appended = await session.append({"role": "user", "content": "a third one"}, durable=True)
        messages = unpacked(await session.history())
    assert (appended.seqs, appended.message_count) == ([3], 3)
    assert [len(message["content"]) for message in messages[:2]] == [SHORT, SHORT]


async def test_sessions_were_used_at_moments_of_their_own_and_in_another_order(path: Path) -> None:
    fill(path, "s-", [short(1)] * 10)
    async with running(path) as runtime:
        page = await runtime.list_sessions(Listing(), limit=10)
    assert len({info.last_activity for info in page.sessions}) == 10
    ids = [info.session_id for info in page.sessions]
    assert ids not in (sorted(ids), sorted(ids, reverse=True))


@pytest.mark.parametrize("piece", [None, 7, 20])
async def test_conversations_are_stored_as_they_are_in_one_piece_or_in_many(
    piece: int | None, path: Path
) -> None:
    fill(path, "s-", [map(from_json, conversation(20, seed)) for seed in range(2)], piece)
    async with running(path) as runtime:
        for seed in range(2):
            history = await runtime.session(f"s-{seed}").history()
            assert unpacked(history) == conversation(20, seed)


def test_schema_1_takes_the_same_deltas_as_a_store(path: Path) -> None:
    store = MemoryStore()
    appender = Appender("session")
    news = [from_json(message) for message in conversation(3)]
    with closing(schema_1.Database.make(path)) as old:
        for number, each in enumerate((news[:2], news[2:])):
            delta = appender.delta(each, f"2025-01-01T00:00:0{number}.000Z")
            old.commit([delta])
            committed = store.commit([delta])
            assert not committed.rejected
            appender.no = appender.no or committed.begun["session"]
        rows = old.connection.execute(
            "SELECT seq, body, timestamp FROM message ORDER BY seq"
        ).fetchall()
    stored = store.load("session")
    assert stored is not None
    assert rows == [(row[0], row[4].decode(), row[3]) for row in stored.entries]
