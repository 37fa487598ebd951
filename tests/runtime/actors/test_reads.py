"""A read of a session that has nothing to do is served in its caller's task.

So what holds of commands in general is looked at here once more, for these.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, assert_checkpoints, assert_no_checkpoints
from trio.testing import wait_all_tasks_blocked as until_all_wait

from runtime import InvalidInput, SessionCrashed, SessionNotFound, StoreUnavailable
from runtime.actors.mailbox import Command
from runtime.session.asked import reading
from runtime.session.entries.tail import Needs
from runtime.session.state import SessionState
from runtime.session.steps import Steps
from runtime.store.entries import Wanted
from tests.runtime.actors.bench import Bench, delete
from tests.runtime.fakes import (
    Crash,
    FakeStore,
    Length,
    Say,
    call,
    running,
    texts,
    unavailable,
    until_quiet,
    user,
)


@asynccontextmanager
async def at_rest(bench: Bench) -> AsyncIterator[None]:
    """Its actor is loaded, and waits for commands."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.actor.run)
        await until_all_wait()
        yield
        bench.actor.close()


def version(state: SessionState) -> int:
    return state.version


def read_nowait(
    bench: Bench,
    work: Callable[[SessionState], Any] = version,
    *,
    confirm: bool = False,
    confirm_refusal: bool = False,
) -> Any:
    """What is found at once; None: it is left to the task."""
    with assert_no_checkpoints():
        try:
            return bench.actor.read_nowait(work, confirm=confirm, confirm_refusal=confirm_refusal)
        except trio.WouldBlock:
            return None


# -- when it is served at once, and when it waits for its turn -------------------------------------


async def test_a_read_is_served_without_yielding() -> None:
    bench = Bench()
    async with at_rest(bench):
        assert read_nowait(bench, confirm=True) == 0
        bench.actor.mail_nowait(Say("a"))
        await until_all_wait()
        assert read_nowait(bench) == 1
        assert len(read_nowait(bench, reading.history).entries) == 1


async def test_what_is_not_on_disk_is_not_shown_at_once_where_that_matters() -> None:
    bench = Bench()
    async with at_rest(bench):
        bench.actor.mail_nowait(Say("a"))
        await until_all_wait()
        assert read_nowait(bench, confirm=True) is None
        assert read_nowait(bench, confirm_refusal=True) == 1


async def test_a_refusal_that_rests_on_what_is_not_on_disk_is_not_said_at_once() -> None:
    bench = Bench()
    async with at_rest(bench):
        bench.actor.mail_nowait(Say("a"))
        bench.actor.mail_nowait(delete())
        await until_all_wait()
        assert read_nowait(bench, reading.history, confirm_refusal=True) is None
        with pytest.raises(SessionNotFound):
            read_nowait(bench, reading.history)


async def test_what_is_served_at_once_is_true_of_all_that_was_answered_before() -> None:
    bench = Bench()
    async with at_rest(bench):
        for count in range(1, 4):
            bench.actor.mail_nowait(said := Say("a"))
            await said.wait()
            assert read_nowait(bench) == count


async def test_a_read_is_not_served_before_what_was_mailed() -> None:
    bench = Bench()
    async with at_rest(bench):
        bench.actor.mail_nowait(Say("a"))
        assert read_nowait(bench) is None
        bench.actor.mail_nowait(length := Length())
        bench.actor.mail_nowait(Say("b"))
        assert await length.wait() == 1


async def test_a_read_is_not_served_before_those_who_wait_for_room() -> None:
    bench = Bench(mailbox_size=0)  # none but for whoever waits
    async with at_rest(bench), trio.open_nursery() as nursery:
        for content in ("a", "b"):
            nursery.start_soon(bench.actor.mail, Say(content))
        while bench.actor.is_idle:
            await trio.lowlevel.checkpoint()
        assert read_nowait(bench) is None


async def test_a_read_is_not_served_between_the_steps_of_a_command() -> None:
    served = []

    def long(state: SessionState) -> Steps[None]:
        for _ in range(3):
            served.append(read_nowait(bench))
            yield

    bench = Bench()
    async with at_rest(bench):
        command: Command[None] = Command(long)
        bench.actor.mail_nowait(command)
        await command.wait()
    assert served == [None] * 3


async def test_a_read_in_steps_is_left_to_the_task() -> None:
    def long(state: SessionState) -> Steps[int]:
        yield
        return state.version

    bench = Bench()
    async with at_rest(bench):
        assert read_nowait(bench, long) is None


class Turns(trio.abc.Instrument):
    """Counts those of one task."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.count += task.name == self.name


async def test_whoever_asks_an_idle_session_does_not_wake_its_task(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await until_quiet()
        trio.lowlevel.add_instrument(turns := Turns("session s"))
        await runtime.session("s").history()
        assert turns.count == 0
        await runtime.session("s").append(user("b"))
        assert turns.count == 1


async def test_before_it_is_loaded_a_session_serves_nothing() -> None:
    assert read_nowait(Bench()) is None


async def test_when_its_task_has_ended_a_session_serves_nothing() -> None:
    bench = Bench()
    async with at_rest(bench):
        pass
    assert read_nowait(bench) is None


async def test_a_read_that_lacks_something_is_left_to_the_task() -> None:
    def lacking(state: SessionState) -> None:
        raise Needs(Wanted(seqs=(1,)))

    bench = Bench()
    async with at_rest(bench):
        assert read_nowait(bench, lacking) is None


async def test_what_a_read_lacks_is_read_from_the_store(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(*(user(f"{n}") for n in range(5)))
    store.resident = 2
    async with running(store) as runtime:
        await runtime.session("s").summary()  # it is loaded
        page = await runtime.session("s").messages(limit=3)
        assert texts(page.entries) == ["0", "1", "2"]
        assert len(store.finds) == 1


# -- what becomes of the session -------------------------------------------------------------------


async def test_a_read_that_finds_a_session_absent_says_so() -> None:
    bench = Bench()
    async with at_rest(bench):
        with pytest.raises(SessionNotFound):
            read_nowait(bench, reading.history)
        assert bench.absent == [bench.actor]


async def test_a_session_that_is_only_read_stays_in_memory(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, idle_timeout=100) as runtime:
        await runtime.session("s").append(user("a"))
        for _ in range(20):
            await trio.sleep(60)
            await runtime.session("s").history()
        assert store.loads == ["s"]


async def test_a_bug_in_a_read_ends_the_activation_as_any_bug_does(
    clock: MockClock, store: FakeStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        await until_quiet()
        with pytest.raises(SessionCrashed):
            await session._read(Crash().work)
        (record,) = caplog.records
        assert (record.name, record.levelno) == ("agent_runtime", logging.ERROR)
        assert record.exc_info is not None
        assert isinstance(record.exc_info[1], RuntimeError)
        assert texts((await session.history()).entries) == ["a"]
        statistics = runtime.statistics().directory
        assert (statistics.crashes, statistics.activations) == (1, 2)


async def test_a_read_that_waits_for_the_disk_is_answered_from_memory_if_that_fails(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, durability="commit", commit_timeout=1) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        store.commit_error = unavailable()
        with pytest.raises(StoreUnavailable):
            await session.append(user("b"))
        answer = await session.history()
        assert (answer.version, answer.durable_seq) == (2, 1)
        store.commit_error = None


# -- what its caller is to others ------------------------------------------------------------------


async def test_a_read_is_a_checkpoint(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime:
        await runtime.session("s").append(user("a"))
        await until_quiet()
        with assert_checkpoints():
            await runtime.session("s").history()
        with assert_checkpoints(), pytest.raises(InvalidInput):
            await runtime.session("s").fold("unknown")


async def test_whoever_reads_in_a_loop_can_be_cancelled(clock: MockClock, store: FakeStore) -> None:
    async with running(store) as runtime, trio.open_nursery() as nursery:
        await runtime.session("s").append(user("a"))

        async def read_for_ever() -> None:
            while True:
                await runtime.session("s").history()

        reader = call(nursery, read_for_ever)
        await trio.lowlevel.checkpoint()
        reader.scope.cancel()
