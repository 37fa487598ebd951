"""What a call expects of a session: `if_match` and `if_absent`, after repeats are answered."""

from collections.abc import Awaitable, Callable, Mapping

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    Item,
    PreconditionFailed,
    Session,
    SessionNotFound,
)
from tests.runtime.fakes import FakeStore, call, error_of, running, texts, user

STALE = "1-0123456789abcdef"

Write = Callable[[Session, str], Awaitable[object]]

WRITES: Mapping[str, Write] = {
    "append": lambda session, tag: session.append(user("b"), if_match=tag),
    "append_entries": lambda session, tag: session.append_entries(
        Item(kind="record", key="k", body={"value": 1}), if_match=tag
    ),
    "put_records": lambda session, tag: session.put_records({"k": 1}, if_match=tag),
    "rewind": lambda session, tag: session.rewind(0, if_match=tag),
    "update": lambda session, tag: session.update({"title": "T"}, if_match=tag),
    "switch_agent": lambda session, tag: session.switch_agent("coder", if_match=tag),
    "delete": lambda session, tag: session.delete(if_match=tag),
    "fork": lambda session, tag: session.fork("f", if_match=tag),
}

every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())


# -- if_match --------------------------------------------------------------------------------------


@every_write
async def test_a_write_with_a_stale_tag_is_refused_with_the_present_one_and_changes_nothing(
    clock: MockClock, store: FakeStore, write: Write
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        tag = (await session.append(user("a"))).tag
        with pytest.raises(PreconditionFailed, match=f"it is at {tag}") as caught:
            await write(session, STALE)
        assert caught.value.tag == tag
        assert (await session.summary()).tag == tag


@every_write
async def test_a_write_with_the_present_tag_is_done(
    clock: MockClock, store: FakeStore, write: Write
) -> None:
    async with running(store) as runtime:
        tag = (await runtime.session("s").append(user("a"))).tag
        await write(runtime.session("s"), tag)


@every_write
async def test_any_tag_will_do_if_the_session_is_there(
    clock: MockClock, store: FakeStore, write: Write
) -> None:
    async with running(store) as runtime:
        refused = await error_of(write(runtime.session("s"), "*"))
        assert isinstance(refused, PreconditionFailed | SessionNotFound)
        await runtime.session("s").append(user("a"))
        await write(runtime.session("s"), "*")


async def test_one_of_several_tags_has_to_be_the_present_one(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        tag = (await runtime.session("s").append(user("a"))).tag
        await runtime.session("s").append(user("b"), if_match=(STALE, tag))
        with pytest.raises(PreconditionFailed):
            await runtime.session("s").append(user("c"), if_match=(STALE, tag))
        with pytest.raises(PreconditionFailed):
            await runtime.session("s").append(user("c"), if_match=())


async def test_a_tag_is_the_same_after_a_passivation_and_a_restart(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, idle_timeout=10) as runtime:
        session = runtime.session("s")
        await session.append(user("a", "id"))
        await session.switch_agent("coder")
        tag = (await session.update({"title": "T"})).tag
        await trio.sleep(100)
        assert "s" not in runtime._parts.directory
        tag = (await session.append(user("b"), if_match=tag)).tag
    async with running(store) as runtime:
        assert (await runtime.session("s").append(user("c"), if_match=tag)).seqs == [5]


async def test_a_tag_does_not_change_when_what_it_names_gets_onto_the_disk(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store, snapshot_interval=3600) as runtime:
        before = await runtime.session("s").append(user("a"))
        await runtime.flush()
        after = await runtime.session("s").summary()
        assert (before.durable_seq, after.durable_seq) == (0, 1)
        assert before.tag == after.tag


async def test_a_tag_of_an_earlier_life_fits_no_later_one(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        tag = (await runtime.session("s").append(user("a"))).tag
        await runtime.session("s").delete()
        await runtime.session("s").append(user("a"))
        with pytest.raises(PreconditionFailed):
            await runtime.session("s").append(user("b"), if_match=tag)


@pytest.mark.parametrize("durability", ["snapshot", "commit"])
async def test_of_two_who_write_with_one_tag_one_succeeds(
    clock: MockClock, store: FakeStore, durability: str
) -> None:
    async with running(store, durability=durability) as runtime, trio.open_nursery() as nursery:
        session = runtime.session("s")
        tag = (await session.append(user("a"))).tag
        callers = [
            call(nursery, lambda text=text: session.append(user(text), if_match=tag))
            for text in "bc"
        ]
        errors = [await caller.error() for caller in callers]
        assert sorted(type(error).__name__ for error in errors) == [
            "NoneType",
            "PreconditionFailed",
        ]
        assert (await session.summary()).version == 2


# -- if_absent -------------------------------------------------------------------------------------


async def test_a_write_that_wants_nobody_there_creates_or_is_refused(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        assert (await session.append(user("a"), if_absent=True)).seqs == [1]
        for write in (
            session.append(user("b"), if_absent=True),
            session.append_entries(Item(kind="record", key="k", body={"value": 1}), if_absent=True),
            session.put_records({"k": 1}, if_absent=True),
        ):
            with pytest.raises(PreconditionFailed, match="is there already"):
                await write
        assert texts((await session.history()).entries) == ["a"]


# -- repeats come first ----------------------------------------------------------------------------


async def test_a_repeated_message_is_answered_whatever_the_call_expects(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a", "id"), if_absent=True)
        for expects in ({"if_match": STALE}, {"if_absent": True}, {"create": False}):
            answer = await session.append(user("a", "id"), **expects)
            assert (answer.repeated, answer.seqs) == (True, [1])


async def test_a_success_of_ones_own_is_repeated_with_the_tag_that_it_had(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        tag = (await session.append(user("a"))).tag
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: session.append(user("b", "id"), if_match=tag),
            lambda: session.append_entries(
                Item(kind="message", body={"role": "user", "content": "c"}), id="c", if_match=tag
            ),
            lambda: session.switch_agent("coder", id="s", if_match=tag),
            lambda: session.rewind(1, id="r", if_match=tag),
        ]
        for once in calls:
            tag = (await session.summary()).tag
            await once()
            version = (await session.summary()).version
            await once()
            assert (await session.summary()).version == version


async def test_a_batch_with_something_new_is_not_a_repeat(
    clock: MockClock, store: FakeStore
) -> None:
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user("a", "1"))
        with pytest.raises(PreconditionFailed):
            await session.append(user("a", "1"), user("b", "2"), if_match=STALE)
        assert (await session.summary()).version == 1
