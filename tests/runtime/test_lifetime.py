"""The end of a runtime: bounded in time, with everything written, and errors as they are."""

import signal
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    RuntimeClosed,
    StoreUnavailable,
    open_runtime,
)
from runtime.store.deltas import Committed, Delta
from tests.runtime.fakes import (
    FakeStore,
    call,
    error_of,
    running,
    unavailable,
    until_held,
    user,
)

DAY = timedelta(days=1)
LONG_AGO = "2025-12-01T12:00:00.000Z"


# -- the end -----------------------------------------------------------------------------------


async def test_everything_is_on_disk_and_the_store_closed_at_the_end(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        for n in range(20):
            await runtime.session(f"s-{n}").append(user("a"))
        assert (store.count(), store.closed) == (0, 0)
    assert (store.count(), store.closed) == (20, 1)


async def test_commands_that_were_mailed_before_the_end_are_answered_and_written(
    clock: MockClock, store: FakeStore
) -> None:
    async with trio.open_nursery() as nursery:
        async with running(store) as runtime:
            store.load_gate.clear()
            callers = [
                call(nursery, runtime.session(f"s-{n % 3}").append, user("a")) for n in range(30)
            ]
            await wait_all_tasks_blocked()
            nursery.start_soon(trio.to_thread.run_sync, store.load_gate.set)
        for caller in callers:
            await caller.result()
    assert sum(len(store.texts(f"s-{n}") or []) for n in range(3)) == 30


async def test_a_durable_write_under_way_at_the_end_is_answered(
    clock: MockClock, store: FakeStore
) -> None:
    async with trio.open_nursery() as nursery:
        async with running(store) as runtime:
            caller = call(nursery, lambda: runtime.session("s").append(user("a"), durable=True))
            await wait_all_tasks_blocked()
        assert (await caller.result()).durable_seq == 1


async def test_a_handle_is_of_no_use_after_the_end(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
    for late in (session.append(user("b")), session.history(), session.delete()):
        with pytest.raises(RuntimeClosed):
            await late
    assert not runtime.accepts_writes
    assert store.texts("s") == ["a"]


async def test_an_error_in_the_block_leaves_as_itself(clock: MockClock, store: FakeStore) -> None:
    mine = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:  # noqa: PT012
        async with running(store, snapshot_interval=3600) as runtime:
            await runtime.session("s").append(user("a"))
            raise mine
    assert caught.value is mine
    assert (store.texts("s"), store.closed) == (["a"], 1)


async def test_an_error_in_the_block_keeps_its_cause_and_context(
    clock: MockClock, store: FakeStore
) -> None:
    first = KeyError("first")
    with pytest.raises(ValueError, match="second") as caught:  # noqa: PT012
        async with running(store):
            try:
                raise first
            except KeyError:
                raise ValueError("second")  # noqa: B904
    assert caught.value.__context__ is first
    assert not caught.value.__suppress_context__


async def test_a_group_of_the_callers_own_leaves_unharmed(
    clock: MockClock, store: FakeStore
) -> None:
    error = ValueError("only one")
    with pytest.raises(ExceptionGroup) as caught:
        async with running(store):
            raise ExceptionGroup("mine", [ExceptionGroup("and mine", [error])])
    (inner,) = caught.value.exceptions
    assert (caught.value.message, str(inner)) == ("mine", "and mine (1 sub-exception)")
    assert isinstance(inner, ExceptionGroup)
    assert inner.exceptions == (error,)


async def test_an_exit_of_the_process_leaves_as_itself(clock: MockClock, store: FakeStore) -> None:
    with pytest.raises(SystemExit):  # noqa: PT012
        async with running(store) as runtime:
            await runtime.session("s").append(user("a"))
            raise SystemExit(3)
    assert store.texts("s") == ["a"]


async def test_a_cancelled_surrounding_still_writes_everything(
    clock: MockClock, store: FakeStore
) -> None:
    with trio.move_on_after(5) as scope:
        async with running(store, snapshot_interval=3600) as runtime:
            await runtime.session("s").append(user("a"))
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert (store.texts("s"), store.closed) == (["a"], 1)


async def test_a_surrounding_that_was_cancelled_before_ends_at_once(
    clock: MockClock, store: FakeStore
) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        async with running(store):
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert store.closed == 1


async def test_the_end_waits_for_a_failing_store_no_longer_than_the_timeout(
    clock: MockClock, store: FakeStore
) -> None:
    with pytest.raises(StoreUnavailable, match=r"1 sessions could not be written.*disk is full"):  # noqa: PT012
        async with running(store, flush_timeout=30) as runtime:
            store.commit_error = unavailable()
            await runtime.session("s").append(user("a"))
    assert trio.current_time() <= 60
    assert store.closed == 1


async def test_the_end_writes_everything_if_the_store_recovers_in_time(
    clock: MockClock, store: FakeStore
) -> None:
    async def recover() -> None:
        await trio.sleep(20)
        store.commit_error = None

    async with trio.open_nursery() as nursery, running(store, flush_timeout=30) as runtime:
        store.commit_error = unavailable()
        await runtime.session("s").append(user("a"))
        nursery.start_soon(recover)
    assert store.texts("s") == ["a"]


async def test_the_end_does_not_wait_for_a_commit_that_never_returns(
    clock: MockClock, store: FakeStore
) -> None:
    async def pass_time() -> None:
        for _ in range(4):
            await until_held()
            clock.jump(30)

    try:
        async with trio.open_nursery() as nursery:
            with pytest.raises(StoreUnavailable, match="could not be written"):  # noqa: PT012
                async with running(store, flush_timeout=30) as runtime:
                    store.gate.clear()
                    await runtime.session("s").append(user("a"))
                    nursery.start_soon(pass_time)
    finally:
        store.gate.set()
    assert store.closed == 0  # the thread that was left behind still uses it


async def test_the_end_does_not_wait_for_a_load_that_never_returns(
    clock: MockClock, store: FakeStore
) -> None:
    async def pass_time() -> None:
        await until_held()
        clock.jump(31)

    try:
        async with trio.open_nursery() as nursery:
            async with running(store, flush_timeout=30) as runtime:
                store.load_gate.clear()
                caller = call(nursery, runtime.session("s").append, user("a"))
                await wait_all_tasks_blocked()
                nursery.start_soon(pass_time)
            assert isinstance(await caller.error(), RuntimeClosed)
    finally:
        store.load_gate.set()
    assert store.closed == 1


async def test_several_runtimes_may_follow_each_other_on_one_store(
    clock: MockClock, store: FakeStore
) -> None:
    for n in range(3):
        async with running(store) as runtime:
            assert (await runtime.session("s").append(user(str(n)))).last_seq == n + 1
    assert store.texts("s") == ["0", "1", "2"]


async def test_a_goodbye_after_the_surrounding_was_cancelled_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    with trio.move_on_after(1):
        async with running(store) as runtime:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    error = await error_of(runtime.session("s").append(user("goodbye")))
    assert isinstance(error, RuntimeClosed)
    assert store.texts("s") is None


# -- Ctrl-C ------------------------------------------------------------------------------------


class Interrupted(FakeStore):
    """A Ctrl-C arrives while it does what is named; that is done when nothing else happens."""

    def __init__(self, during: str) -> None:
        super().__init__()
        self._during = during
        self.token: trio.lowlevel.TrioToken | None = None

    def write(self, deltas: Sequence[Delta]) -> Committed:
        self._interrupt("the last commit")
        return super().write(deltas)

    def close(self) -> None:
        self._interrupt("the close")
        super().close()

    def _interrupt(self, during: str) -> None:
        if during == self._during:
            signal.raise_signal(signal.SIGINT)  # the handler is for the main thread, as always
            trio.from_thread.run(wait_all_tasks_blocked, trio_token=self.token)


@pytest.fixture
def _interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("during", ["the last commit", "the close"])
def test_a_ctrl_c_at_the_end_is_raised_when_all_is_written_and_no_thread_uses_the_store(
    during: str,
) -> None:
    store = Interrupted(during)

    async def live_and_end() -> None:
        store.token = trio.lowlevel.current_trio_token()
        async with open_runtime(store) as runtime:
            await runtime.session("s").append(user("a"), durable=False)

    # As itself, not in a group. It has come: without it the run would end as if nothing had.
    with pytest.raises(KeyboardInterrupt):
        trio.run(live_and_end)
    assert (store.texts("s"), store.closed) == (["a"], 1)
