"""What may wait for the store: beyond a bound writes wait too, and are refused where it fails."""

import pytest
import trio
from trio.testing import MockClock

from runtime import SessionNotFound, StoreBehind, StoreUnavailable
from tests.runtime.fakes import FakeStore, call, running, unavailable, until_held, user
from tests.runtime.saving.test_persister import numbers


async def test_a_write_waits_while_too_much_waits_for_a_store_that_works(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.gate.clear()
        await runtime.session("glutton").append(user("a" * 100_000))
        async with trio.open_nursery() as nursery:
            caller = call(nursery, runtime.session("other").append, user("a"))
            await until_held()
            waited, accepts = not caller.is_done, runtime.accepts_writes
            store.gate.set()
            assert (await caller.result()).version == 1
        assert waited
        assert accepts


async def test_a_write_waits_no_longer_than_until_the_commit_counts_as_failed(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, commit_timeout=10) as runtime:
        store.gate.clear()
        await runtime.session("glutton").append(user("a" * 100_000))
        async with trio.open_nursery() as nursery:
            flush = call(nursery, runtime.flush)
            await until_held()
            clock.jump(9)
            caller = call(nursery, runtime.session("other").append, user("a"))
            await until_held()
            clock.jump(1)
            assert isinstance(await caller.error(), StoreBehind)
            assert isinstance(await flush.error(), StoreUnavailable)
            store.gate.set()


async def test_writes_are_refused_when_too_much_waits_for_a_store_that_fails(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a" * 100_000))
        for write in (
            runtime.session("t").append(user("a")),
            runtime.create_session("t"),
            runtime.session("s").switch_agent("coder"),
            runtime.session("s").update({"metadata": {"a": 1}}),
        ):
            with pytest.raises(StoreBehind, match="the limit is 100000"):
                await write
        assert not runtime.accepts_writes
        assert (await runtime.session("s").summary()).message_count == 1
        store.commit_error = None
        await runtime.flush()
        assert runtime.accepts_writes
        assert numbers(runtime).undurable_bytes == 0
        await runtime.session("t").append(user("a"))


async def test_a_delete_is_taken_when_too_much_waits_for_the_store(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, undurable_limit=100_000, snapshot_interval=3600) as runtime:
        store.gate.clear()
        await runtime.session("s").append(user("a" * 200_000))
        await runtime.session("s").delete()
        with pytest.raises(SessionNotFound):
            await runtime.session("s").history()
        store.gate.set()
    assert store.trash_texts("s") == [["a" * 200_000]]


async def test_the_accounting_returns_to_zero(clock: MockClock, store: FakeStore) -> None:
    async with running(store, snapshot_interval=0.5) as runtime:
        for n in range(60):
            session = runtime.session(f"s-{n % 7}")
            await session.append(user("a" * n))
            if n % 3 == 0:
                await session.switch_agent(f"agent-{n}", reason="r" * n)
            if n % 5 == 0:
                await session.update({"metadata": {"n": "x" * n}})
            if n % 11 == 0:
                await session.delete()
            store.commit_error = unavailable() if n % 4 == 0 else None
            await trio.sleep(0.1 * (n % 3))
        store.commit_error = None
        await runtime.flush()
        assert (numbers(runtime).dirty_sessions, numbers(runtime).undurable_bytes) == (0, 0)
