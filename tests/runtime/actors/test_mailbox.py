"""A command is answered once: with what was kept for it, or with an error in its place."""

import gc
from contextlib import suppress
from weakref import ref

import pytest

from persistence import MemoryStore
from runtime import (
    AgentRuntimeError,
    InvalidInput,
    Reply,
    Runtime,
    SessionNotFound,
    StoreUnavailable,
    open_runtime,
)
from runtime.actors.mailbox import Command
from runtime.session.state import SessionState
from tests.runtime.fakes import unavailable


def command(*, is_read: bool, refusal: SessionNotFound | None = None) -> Command[str]:
    """One whose answer is kept until it is settled."""
    asked: Command[str] = Command(lambda state: "done", is_read=is_read)
    asked.hold(None if refusal else "done", refusal)
    return asked


@pytest.mark.parametrize("is_read", [True, False])
async def test_settled_it_has_the_value_that_was_kept_and_is_on_disk(is_read: bool) -> None:
    asked = command(is_read=is_read)
    asked.settle()
    assert (await asked.wait(), asked.is_durable) == ("done", True)


async def test_answered_at_once_it_does_not_say_that_it_is_on_disk() -> None:
    asked = command(is_read=False)
    asked.answer()
    assert (await asked.wait(), asked.is_durable) == ("done", False)


@pytest.mark.parametrize("is_read", [True, False])
async def test_settled_it_has_the_refusal_that_was_kept(is_read: bool) -> None:
    asked = command(is_read=is_read, refusal=SessionNotFound("s"))
    asked.settle()
    with pytest.raises(SessionNotFound):
        await asked.wait()


async def test_a_read_keeps_its_value_when_the_store_fails() -> None:
    asked = command(is_read=True)
    asked.settle(unavailable())
    assert (await asked.wait(), asked.is_durable) == ("done", False)


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_refusal_becomes_the_stores_error_when_the_store_fails(is_read: bool) -> None:
    asked = command(is_read=is_read, refusal=SessionNotFound("s"))
    asked.settle(unavailable())
    with pytest.raises(StoreUnavailable):
        await asked.wait()


async def test_a_write_becomes_the_stores_error_when_the_store_fails() -> None:
    asked = command(is_read=False)
    asked.settle(unavailable())
    with pytest.raises(StoreUnavailable):
        await asked.wait()


@pytest.mark.parametrize("is_read", [True, False])
async def test_refused_it_has_the_error_whatever_was_kept(is_read: bool) -> None:
    error: AgentRuntimeError = unavailable()
    asked = command(is_read=is_read)
    asked.refuse(error)
    with pytest.raises(StoreUnavailable) as caught:
        await asked.wait()
    assert caught.value is error


class Content:
    """What a write would have written."""


async def test_refused_it_is_in_no_cycle_with_its_error() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        content = Content()
        seen = ref(content)
        gc.collect()
        gc.disable()
        try:
            with suppress(InvalidInput):
                await refused(runtime, content)
            del content
            assert seen() is None
        finally:
            gc.enable()


async def refused(runtime: Runtime, content: Content) -> None:
    def work(state: SessionState) -> Reply:
        raise InvalidInput(f"{type(content)} is nothing to write")

    await runtime.session("s")._write(work, None)
