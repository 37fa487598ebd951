import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import MockClock, assert_no_checkpoints, wait_all_tasks_blocked

from runtime.actors.actor import STRETCH, Actor
from runtime.actors.mailbox import Command
from runtime.errors import (
    MailboxFull,
    RuntimeClosed,
    SessionCrashed,
    SessionNotFound,
    StoreUnavailable,
)
from runtime.feeds.feeds import Feeds
from runtime.session.asked import reading
from runtime.session.state import SessionState
from runtime.session.steps import Steps
from runtime.store.deltas import Committed
from tests.runtime.actors.bench import Bench, absent, delete, history, nothing
from tests.runtime.fakes import Crash, Length, Say, absent_state, call, unavailable


async def test_commands_are_answered_in_the_order_in_which_they_were_mailed() -> None:
    actor = Bench().actor
    mailed = [Say(str(n)) for n in range(5)]
    for command in mailed:
        actor.mail_nowait(command)
    actor.close()
    await actor.run()
    assert [(await m.wait()).last_seq for m in mailed] == [1, 2, 3, 4, 5]


async def test_what_waits_in_the_mailbox_is_answered_in_one_stretch() -> None:
    actor = Bench().actor
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        await wait_all_tasks_blocked()
        mailed = [Say(str(n)) for n in range(5)]
        for command in mailed:
            actor.mail_nowait(command)
        for _ in range(2):  # its turn may come behind this task's
            await trio.lowlevel.checkpoint()
        assert [command.is_answered for command in mailed] == [True] * 5
        actor.close()


async def test_a_stretch_is_no_longer_than_the_mailbox() -> None:
    actor = Bench(mailbox_size=2).actor
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        await wait_all_tasks_blocked()
        mailed = [Say(str(n)) for n in range(20)]
        for command in mailed:
            nursery.start_soon(actor.mail, command)
        given = [0]
        while given[-1] < len(mailed):
            await trio.lowlevel.checkpoint()
            given.append(sum(command.is_answered for command in mailed))
        # In a stretch, the one that it was woken with and two that waited; and between two turns
        # of this task it may have had two.
        assert max(after - before for before, after in pairwise(given)) <= 2 * 3
        actor.close()


async def test_a_stretch_is_short_however_long_the_commands_take(autojump_clock: MockClock) -> None:
    def slow(state: SessionState) -> None:
        autojump_clock.jump(STRETCH)

    actor = Bench(mailbox_size=20).actor
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        await wait_all_tasks_blocked()
        mailed: list[Command[Any]] = [Command(slow) for _ in range(20)]
        for command in mailed:
            actor.mail_nowait(command)
        given = [0]
        while given[-1] < len(mailed):
            await trio.lowlevel.checkpoint()
            given.append(sum(command.is_answered for command in mailed))
        # The one that it was woken with and one more; and it may have had two turns.
        assert max(after - before for before, after in pairwise(given)) <= 2 * 2
        actor.close()


async def test_a_change_is_marked_and_a_mere_question_is_not() -> None:
    bench = Bench()
    for command in (Say("a"), history(), Say("b"), Length()):
        bench.actor.mail_nowait(command)
    bench.actor.close()
    await bench.actor.run()
    assert bench.marked == [("s", 1), ("s", 2)]


async def test_a_refused_command_leaves_the_actor_running() -> None:
    actor = Bench().actor
    refused, answered = history(), Say("a")
    actor.mail_nowait(refused)
    actor.mail_nowait(answered)
    actor.close()
    await actor.run()
    with pytest.raises(SessionNotFound):
        await refused.wait()
    assert (await answered.wait()).last_seq == 1


async def test_an_answer_says_how_long_the_session_was_right_after_the_command() -> None:
    actor = Bench().actor
    mailed = [Say("a"), Say("b")]
    for command in mailed:
        actor.mail_nowait(command)
    actor.close()
    await actor.run()
    assert [(await m.wait()).message_count for m in mailed] == [1, 2]


async def test_the_answer_to_a_durable_command_is_held_until_it_is_settled() -> None:
    bench = Bench()
    mailed = Say("a", confirm=True)
    bench.actor.mail_nowait(mailed)
    async with trio.open_nursery() as nursery:
        answer = call(nursery, mailed.wait)
        bench.actor.close()
        await bench.actor.run()
        await wait_all_tasks_blocked()
        assert not answer.is_done
        [(version, reply)] = bench.held
        assert version == 1
        reply.settle()
        assert (await answer.result()).last_seq == 1


async def test_a_held_answer_becomes_the_error_that_it_is_settled_with() -> None:
    bench = Bench()
    mailed = Say("a", confirm=True)
    bench.actor.mail_nowait(mailed)
    bench.actor.close()
    await bench.actor.run()
    bench.held[0][1].settle(unavailable())
    with pytest.raises(StoreUnavailable):
        await mailed.wait()


async def test_a_durable_command_that_the_store_knows_already_is_answered_at_once() -> None:
    bench = Bench()
    bench.actor.mail_nowait(mailed := Command(lambda state: state.version, confirm=True))
    bench.actor.close()
    await bench.actor.run()
    assert await mailed.wait() == 0
    assert bench.held == []


async def test_a_bug_in_a_command_ends_the_activation_and_tells_everyone() -> None:
    actor = Bench().actor
    mailed: list[Command[Any]] = [Crash(), Length()]
    for command in mailed:
        actor.mail_nowait(command)
    await actor.run()
    for command in mailed:
        with pytest.raises(SessionCrashed):
            await command.wait()
    assert actor.crashed


async def test_a_bug_is_logged_with_the_session_and_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    actor = Bench().actor
    actor.mail_nowait(Crash())
    await actor.run()
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("agent_runtime", logging.ERROR)
    assert "session s" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


async def test_a_bug_after_the_command_was_applied_is_answered_too() -> None:
    def broken(session: SessionState) -> None:
        raise AssertionError("two owners")

    actor = Actor(
        session_id="s",
        mailbox_size=1,
        activate=absent,
        mark_dirty=broken,
        settle_when_durable=lambda session, command: None,
        find=nothing,
        rest=trio.lowlevel.checkpoint,
        feeds=Feeds(commits=True),
        on_absent=lambda actor: None,
    )
    mailed = Say("a")
    actor.mail_nowait(mailed)
    await actor.run()
    with trio.fail_after(1), pytest.raises(SessionCrashed):
        await mailed.wait()


async def test_a_failed_load_is_told_to_everyone_who_mailed() -> None:
    async def failing(session_id: str) -> SessionState:
        raise unavailable()

    actor = Bench(failing).actor
    mailed = [Say("a"), Say("b")]
    for command in mailed:
        actor.mail_nowait(command)
    await actor.run()
    for command in mailed:
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await command.wait()
    assert not actor.crashed


async def test_a_bug_in_the_load_is_a_crash() -> None:
    async def failing(session_id: str) -> SessionState:
        raise KeyError(session_id)

    actor = Bench(failing).actor
    mailed = Say("a")
    actor.mail_nowait(mailed)
    await actor.run()
    with pytest.raises(SessionCrashed):
        await mailed.wait()


async def test_a_cancelled_actor_refuses_what_was_mailed() -> None:
    async def never(session_id: str) -> SessionState:
        await trio.sleep_forever()
        raise AssertionError

    actor = Bench(never).actor
    mailed = Say("a")
    actor.mail_nowait(mailed)
    with trio.CancelScope() as scope:
        scope.cancel()
        await actor.run()
    with pytest.raises(RuntimeClosed):
        await mailed.wait()


async def test_a_cancelled_actor_refuses_what_is_half_done_as_well() -> None:
    scope = trio.CancelScope()

    def endless(state: SessionState) -> Steps[None]:
        while True:
            scope.cancel()
            yield

    actor = Bench().actor
    mailed: Command[None] = Command(endless)
    actor.mail_nowait(mailed)
    with scope:
        await actor.run()
    with pytest.raises(RuntimeClosed):
        await mailed.wait()
    assert not actor.crashed


async def test_a_closed_mailbox_takes_no_commands() -> None:
    actor = Bench().actor
    actor.close()
    with pytest.raises(trio.ClosedResourceError):
        actor.mail_nowait(Say("a"))
    with pytest.raises(trio.ClosedResourceError):
        await actor.mail(Say("a"))


async def test_a_full_mailbox_refuses_whoever_does_not_want_to_wait() -> None:
    actor = Bench(mailbox_size=1).actor
    actor.mail_nowait(Say("a"))
    with pytest.raises(MailboxFull, match="Session s has too many"):
        actor.mail_nowait(Say("b"))


async def test_a_full_mailbox_lets_the_others_wait_for_room(clock: MockClock) -> None:
    actor = Bench(mailbox_size=1).actor
    mailed = [Say(str(n)) for n in range(4)]
    async with trio.open_nursery() as nursery:
        for command in mailed:
            nursery.start_soon(actor.mail, command)
            await wait_all_tasks_blocked()
        nursery.start_soon(actor.run)
        answers = [(await m.wait()).last_seq for m in mailed]
        actor.close()
    assert answers == [1, 2, 3, 4]


async def test_whoever_waits_for_room_is_woken_when_the_activation_fails(clock: MockClock) -> None:
    actor = Bench(mailbox_size=1).actor
    actor.mail_nowait(Crash())
    async with trio.open_nursery() as nursery:
        waiting: list[Command[Any]] = [Length(), Length()]
        closed: list[Command[Any]] = []

        async def mail(mailed: Command[Any]) -> None:
            try:
                await actor.mail(mailed)
            except trio.ClosedResourceError:
                closed.append(mailed)

        for mailed in waiting:
            nursery.start_soon(mail, mailed)
            await wait_all_tasks_blocked()
        await actor.run()
    assert closed == waiting[1:]  # the first got the room that the crash made
    with pytest.raises(SessionCrashed):
        await waiting[0].wait()


async def test_an_actor_is_idle_once_it_is_loaded_and_has_answered(clock: MockClock) -> None:
    actor = Bench().actor
    assert not actor.is_idle
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        await wait_all_tasks_blocked()
        assert actor.is_idle
        actor.mail_nowait(history())
        assert not actor.is_idle
        await wait_all_tasks_blocked()
        assert actor.is_idle
        actor.close()


async def test_an_actor_with_undurable_state_is_not_idle(clock: MockClock) -> None:
    actor = Bench().actor
    async with trio.open_nursery() as nursery:
        nursery.start_soon(actor.run)
        actor.mail_nowait(Say("a"))
        await wait_all_tasks_blocked()
        assert not actor.is_idle
        assert actor.session is not None
        actor.session.mark_durable(actor.session.delta(), Committed(begun={"s": 1}))
        assert actor.is_idle
        actor.close()


async def test_a_caller_that_gives_up_waiting_for_room_is_not_counted(clock: MockClock) -> None:
    actor = Bench(mailbox_size=1).actor
    first: Command[Any] = Length()
    actor.mail_nowait(first)
    async with trio.open_nursery() as nursery:
        given_up = call(nursery, actor.mail, Say("never"))
        await wait_all_tasks_blocked()
        given_up.scope.cancel()
        await wait_all_tasks_blocked()
        nursery.start_soon(actor.run)
        await wait_all_tasks_blocked()
        assert actor.is_idle
        assert actor.session is not None
        assert actor.session.life is None
        actor.close()


@pytest.mark.parametrize("work", [Say("a").work, reading.history, delete().work, Length().work])
async def test_a_command_is_applied_and_marked_and_answered_without_yielding(
    work: Callable[[SessionState], Any],
) -> None:
    for confirm in (True, False):
        bench = Bench()
        with assert_no_checkpoints():
            command = Command(work, confirm=confirm, confirm_refusal=confirm)
            bench.actor._apply(command, absent_state("s"), 0, command.work)


async def test_a_command_that_leaves_the_session_absent_says_so() -> None:
    bench = Bench()
    commands: list[Command[Any]] = [Length(), Say("a"), delete()]
    for command in commands:
        bench.actor.mail_nowait(command)
    bench.actor.close()
    await bench.actor.run()
    assert len(bench.absent) == 2
