"""What is on disk leaves memory bit by bit, and not from under a call that may be taken back."""

import pytest
import trio
from trio.testing import MockClock

from runtime import PreconditionFailed, Runtime
from runtime.actors.mailbox import Command
from runtime.session.state import SessionState
from runtime.session.steps import Steps
from tests.runtime.fakes import FakeStore, call, running, until, until_quiet, user

RESIDENT = 1_000
MUCH = [user("x" * 500) for _ in range(10)]


def state_of(runtime: Runtime, session_id: str) -> SessionState:
    actor = runtime._parts.directory.present(session_id)
    assert actor is not None
    assert actor.session is not None
    return actor.session


def resident(runtime: Runtime, session_id: str) -> int:
    return state_of(runtime, session_id).present().log.tail.size


async def test_what_a_refused_call_has_kept_goes_when_anybody_writes(
    clock: MockClock, store: FakeStore
) -> None:
    refused = False

    def steps(_: SessionState) -> Steps[None]:
        while not refused:
            yield
        raise PreconditionFailed("it has changed", None)

    store.resident_bytes = RESIDENT
    async with (
        running(store, durability="commit") as runtime,
        trio.open_nursery() as nursery,
    ):
        await runtime.session("other").append(user("a"))
        store.gate.clear()
        much = call(nursery, runtime.session("s").append, *MUCH)
        await until(lambda: len(store.attempts) == 2)
        command: Command[None] = Command(steps)
        long = call(nursery, runtime._parts.directory.ask, "s", command)
        await until(lambda: state_of(runtime, "s").is_under_way)
        store.gate.set()
        await much.result()
        for _ in range(100):
            await trio.lowlevel.checkpoint()
        assert resident(runtime, "s") > 10 * 500  # it may be taken back
        refused = True
        with pytest.raises(PreconditionFailed):
            await long.result()
        await runtime.session("other").append(user("b"))
        await until_quiet()
        assert resident(runtime, "s") <= RESIDENT
