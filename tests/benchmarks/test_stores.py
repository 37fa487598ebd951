"""What the benchmarks put into databases is what a runtime would have put there."""

from contextlib import closing
from pathlib import Path

import pytest

from benchmarks import schema_1
from benchmarks.baselines import encoded
from benchmarks.embedded import running, unpacked
from benchmarks.stores import Appender, fill, fill_with
from benchmarks.workload import SHORT, conversation
from persistence.memory import MemoryStore
from persistence.sqlite.verify import verify
from runtime import Listing
from runtime.session.message import from_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "filled.db"


def test_a_filled_database_is_whole(path: Path) -> None:
    fill(path, "short-", 3, 2)
    fill_with(path, "real-", [conversation(20)], ids=True)
    assert verify(path).problems == ()


async def test_a_runtime_goes_on_with_filled_sessions(path: Path) -> None:
    fill(path, "s-", 3, 2)
    async with running(path) as runtime:
        session = runtime.session("s-1")
        appended = await session.append({"role": "user", "content": "a third one"}, durable=True)
        messages = unpacked(await session.history())
    assert (appended.seqs, appended.message_count) == ([3], 3)
    assert [len(message["content"]) for message in messages[:2]] == [SHORT, SHORT]


async def test_sessions_were_used_at_moments_of_their_own_and_in_another_order(path: Path) -> None:
    fill(path, "s-", 10, 1)
    async with running(path) as runtime:
        page = await runtime.list_sessions(Listing(), limit=10)
    assert len({info.last_activity for info in page.sessions}) == 10
    ids = [info.session_id for info in page.sessions]
    assert ids not in (sorted(ids), sorted(ids, reverse=True))


@pytest.mark.parametrize("ids", [False, True])
async def test_conversations_are_stored_as_they_are_and_their_json_is_counted(
    ids: bool, path: Path
) -> None:
    size = fill_with(path, "s-", [conversation(20)], ids=ids)
    async with running(path) as runtime:
        session = runtime.session("s-0")
        messages = unpacked(await session.history())
        keys = [entry.key for entry in (await session.history()).entries]
    assert messages == conversation(20)
    assert [key is not None for key in keys] == [ids] * 20
    said = [
        message | ({} if key is None else {"id": key})
        for message, key in zip(messages, keys, strict=True)
    ]
    assert size == sum(len(encoded(message).encode()) for message in said)


def test_schema_1_takes_the_same_deltas_as_a_store(path: Path) -> None:
    store = MemoryStore()
    appender = Appender("session")
    news = [from_json(message) for message in conversation(3)]
    with closing(schema_1.create(path)) as connection:
        for number, each in enumerate((news[:2], news[2:])):
            delta = appender.delta(each, f"2025-01-01T00:00:0{number}.000Z")
            schema_1.commit(connection, [delta])
            committed = store.commit([delta])
            assert not committed.rejected
            appender.no = appender.no or committed.begun["session"]
        old = connection.execute("SELECT seq, body, timestamp FROM message ORDER BY seq").fetchall()
    stored = store.load("session")
    assert stored is not None
    assert old == [(row[0], row[4].decode(), row[3]) for row in stored.entries]
