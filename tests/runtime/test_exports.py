"""Exports of any length, and imports, as an embedding program has them."""

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    InvalidInput,
    Listing,
    LogConflict,
    Runtime,
    SessionNotFound,
    StoreError,
    StoreUnavailable,
)
from tests.runtime.fakes import FakeStore, Watch, error_of, running, unavailable, user


async def exported(runtime: Runtime, session_id: str = "s") -> bytes:
    return await (await runtime.session(session_id).export()).whole()


async def fill(runtime: Runtime, count: int = 20) -> None:
    session = runtime.session("s")
    for number in range(count):
        await session.append(user(f"message {number}", f"m{number}"))
    await session.put_records({"k": 1}, id="call")
    await session.rewind(1)


async def test_a_session_is_the_same_elsewhere(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
    async with running(FakeStore(clock.current_time, store.resident_bytes)) as elsewhere:
        done = await elsewhere.import_session(text)
        assert (done.began, done.applied, done.version) == (True, 22, 22)
        assert await exported(elsewhere) == text
        assert (await elsewhere.import_session(text)).applied == 0


async def test_a_restart_later_it_still_is(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
    other = FakeStore(clock.current_time, store.resident_bytes)
    async with running(other) as elsewhere:
        await elsewhere.import_session(text)
    async with running(other) as elsewhere:
        assert await exported(elsewhere) == text


async def test_it_comes_in_under_another_id(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
        await runtime.import_session(text, session_id="t")
        assert await exported(runtime, "t") == text.replace(b'"s"', b'"t"', 1)


async def test_another_log_of_its_id_is_refused(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
        await runtime.session("s").delete()
        await runtime.session("s").append(user("another one"))
        with pytest.raises(LogConflict, match="under another id"):
            await runtime.import_session(text)


async def test_it_is_listed_and_cleaned_up_by_its_own_times(
    clock: MockClock, store: FakeStore, watch: Watch
) -> None:
    async with running(store, now=watch) as runtime:
        await fill(runtime, 1)
        text = await exported(runtime)
        await runtime.session("s").delete(purge=True)
        watch.turn(days=30)
        await runtime.session("new").append(user("hello"))
        await runtime.import_session(text)
        listed = await runtime.list_sessions(Listing())
        assert [info.session_id for info in listed.sessions] == ["new", "s"]


async def test_what_is_appended_meanwhile_is_not_in_it(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
        stream = await runtime.session("s").export()
        await runtime.session("s").append(user("later"))
        assert await stream.whole() == text


async def test_it_breaks_off_when_the_session_is_purged(clock: MockClock) -> None:
    store = FakeStore(clock.current_time, 0)
    async with running(store) as runtime:
        await fill(runtime)
        await runtime.flush()
        stream = await runtime.session("s").export()
        await runtime.session("s").delete(purge=True)
        await runtime.flush()
        with pytest.raises(StoreUnavailable, match="deleted for good while its log was exported"):
            await stream.whole()


async def test_a_damaged_session_is_not_exported_as_if_it_were_whole(clock: MockClock) -> None:
    store = FakeStore(clock.current_time, 0)
    async with running(store) as runtime:
        await fill(runtime)
        await runtime.flush()
        stream = await runtime.session("s").export()
        store.lost.add(5)
        with pytest.raises(StoreError, match="entry 5 is missing"):
            await stream.whole()


async def test_what_is_not_there_is_not_exported(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        assert isinstance(await error_of(runtime.session("s").export()), SessionNotFound)


async def test_a_file_that_is_none_has_no_effect(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        with pytest.raises(InvalidInput, match="line 1: the first line has to say"):
            await runtime.import_session(b'{"role":"user"}')
        assert await runtime.count_sessions() == 0


async def test_two_who_bring_the_same_file_have_one_effect(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
    applied: list[int] = []
    async with running(FakeStore(clock.current_time)) as elsewhere:

        async def bring() -> None:
            applied.append((await elsewhere.import_session(text)).applied)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(bring)
            nursery.start_soon(bring)
    assert sorted(applied) == [0, 22]


async def test_a_long_log_goes_in_short_pieces(clock: MockClock) -> None:
    store = FakeStore(clock.current_time, 0)
    async with running(store) as runtime:
        session = runtime.session("s")
        for number in range(40):
            await session.append(user("x" * 100_000, f"m{number}"))
        await runtime.flush()
        stream = await session.export()
        sizes = [len(piece) async for piece in stream.pieces()]
    assert sum(sizes) > 4_000_000
    assert max(sizes) < 1_300_000


async def test_an_import_whose_outcome_is_unknown_can_be_made_again(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await fill(runtime)
        text = await exported(runtime)
    other = FakeStore(clock.current_time, store.resident_bytes)
    async with running(other, durability="commit", commit_timeout=5) as elsewhere:
        other.commit_error = unavailable()
        assert isinstance(await error_of(elsewhere.import_session(text)), StoreUnavailable)
        other.commit_error = None
        done = await elsewhere.import_session(text)
        assert (done.applied, done.durable_seq) == (0, 22)
        assert await exported(elsewhere) == text
