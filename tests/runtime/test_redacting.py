"""Redaction, embedded: the value is gone from everything that can be asked."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from runtime import (
    Copy,
    Cursor,
    InvalidInput,
    Item,
    PreconditionFailed,
    Reset,
    Session,
    SessionNotFound,
    StoreUnavailable,
    Told,
    trash_id_of,
)
from tests.runtime.fakes import FakeStore, running, user

SECRET = "hunter2"  # noqa: S105 # nobody's
MARKER = "[redacted]"


async def everything(session: Session) -> str:
    """All that the session says to anybody, as text."""
    context = await session.context()
    resumed = await session.resume()
    found: list[Any] = [
        (await session.history()).messages,
        [(entry.body, entry.metadata) for entry in (await session.log()).entries],
        (await session.messages()).entries,
        context,
        resumed,
        await session.summary(),
        (await session.records()).records,
        await session.timeline(),
        (await session.approvals.list()).approvals,
        await session.drafts(),
    ]
    return repr(found)


async def test_a_message_is_redacted_as_a_whole(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        secret = {
            "role": "user",
            "content": f"my password is {SECRET}",
            "name": SECRET,
            "metadata": {"trace": SECRET, "usage": {"input_tokens": 5}, "model": "m"},
            "id": "m1",
        }
        await session.append(user("a", "m0"), secret, user("b", "m2"))
        before = await session.summary()
        done = await session.redact(2)
        assert (done.seq, done.version, done.repeated, done.durable_seq) == (2, 3, False, 3)
        assert SECRET not in await everything(session)
        page = await session.messages()
        assert page.entries[1].body == b'{"role":"user","content":"[redacted]"}'
        assert page.entries[1].metadata == b'{"usage":{"input_tokens":5},"model":"m"}'
        assert (await session.usage()).totals == {"input_tokens": 5}
        assert (await runtime.usage()).totals == {"input_tokens": 5}
        after = await session.summary()
        assert (after.version, after.last_activity) == (before.version, before.last_activity)
        assert after.tag == done.tag != before.tag


async def test_sessions_that_have_a_copy_are_named(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user("a", "m0"), user(SECRET, "m1"), user("b", "m2"))
        for at in (1, 2, 3):
            await session.fork(f"fork at {at}", at=at)
        await runtime.session("fork at 3").delete()
        [trashed] = (await runtime.trash()).sessions
        await runtime.session("another").append(user("a", "m0"), user(SECRET, "m1"))
        copy = Copy(session_id="fork at 2", trash_id=None)
        deleted = Copy(session_id="fork at 3", trash_id=trash_id_of(trashed))
        done = await session.redact(2)
        assert sorted(done.copies, key=lambda copy: copy.session_id) == [copy, deleted]
        # What has the marker has no copy any more, whatever else was taken out of it.
        await runtime.session("fork at 2").redact(1)
        await runtime.session("fork at 2").redact(2, "/content")
        assert (await session.redact(2)).copies == [deleted]
        await runtime.purge_trashed(trash_id_of(trashed))
        assert (await session.redact(2)).copies == []


async def test_what_a_fork_has_changed_since_is_no_copy(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user("a", "m0"))
        await session.fork("fork", at=1)
        await session.append(user(SECRET, "m1"))
        await runtime.session("fork").append(user("b", "m2"))
        assert (await session.redact(2)).copies == []


POINTERS = [
    ("/content/0/text", {"content": [{"type": "text", "text": MARKER}, "x"]}),
    ("/content/0", {"content": [MARKER, "x"]}),
    ("/content", {"content": MARKER}),
    ("/a~1b/m~0n", {"a/b": {"m~n": MARKER, "": 1}}),
    ("/a~1b/", {"a/b": {"m~n": SECRET, "": MARKER}}),
    ("/metadata/trace", {"metadata": {"trace": MARKER, "n": 1}}),
    ("/metadata", {"metadata": MARKER}),
]


@pytest.mark.parametrize(("pointer", "members"), POINTERS)
async def test_a_value_is_named_by_a_pointer(
    clock: MockClock, pointer: str, members: dict[str, Any]
) -> None:
    sent: dict[str, Any] = {
        "role": "user",
        "content": [{"type": "text", "text": SECRET}, "x"],
        "a/b": {"m~n": SECRET, "": 1},
        "metadata": {"trace": SECRET, "n": 1},
        "id": 7,
    }
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(sent)
        await session.redact(1, pointer)
        [message] = [entry async for entry in _sent(session)]
        assert message == {**sent, **members}
        again = await session.redact(1, pointer)
        assert (again.repeated, again.tag) == (True, (await session.summary()).tag)
        assert (await session.append({**sent, **members})).repeated


async def _sent(session: Session) -> Any:
    import msgspec

    from runtime import sent

    for entry in (await session.messages()).entries:
        yield msgspec.json.decode(sent(entry))


@pytest.mark.parametrize(
    ("seq", "pointer"),
    [
        (0, ""),
        (4, ""),
        (1, "content"),
        (1, "/content/~2"),
        (1, "/content/0"),
        (1, "/nothing"),
        (1, "/role"),
        (1, "/id"),
        (1, "/metadata/usage/input_tokens"),
        (1, "/metadata/usage"),
        (1, "/metadata/model"),
        (1, "/metadata"),
        (2, ""),
        (2, "/n"),
        (3, "/to"),
        (3, "/from"),
    ],
)
async def test_what_cannot_go_is_refused(clock: MockClock, seq: int, pointer: str) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        usage = {"usage": {"input_tokens": 5}, "model": "m"}
        await session.append({"role": "user", "content": "x", "id": "a", "metadata": usage})
        await session.report_usage({"n": 5})
        await session.switch_agent("coder")
        before = await session.summary()
        with pytest.raises(InvalidInput):
            await session.redact(seq, pointer)
        assert (await session.summary()).tag == before.tag


async def _record(session: Session) -> None:
    await session.append_entries(Item(kind="record", key="k", body={"value": {"a": [SECRET]}}))


async def _removed(session: Session) -> None:
    await _record(session)
    await session.append_entries(Item(kind="record", key="k", body={"removed": True}))


async def _switch(session: Session) -> None:
    await session.switch_agent("coder", reason=SECRET)


async def _title(session: Session) -> None:
    await session.update({"title": SECRET, "metadata": {"cwd": "/", "key": {"inner": SECRET}}})
    await session.update({"archived": True})


async def _compaction(session: Session) -> None:
    await session.compact(1, {"role": "user", "content": SECRET})


async def _approval(session: Session) -> None:
    await session.approvals.ask("a", SECRET, detail={"command": SECRET})


async def _decision(session: Session) -> None:
    await session.approvals.ask("a", "?")
    await session.approvals.decide("a", "denied", by=SECRET, note=SECRET)


async def _turn(session: Session) -> None:
    await session.turns.take(SECRET, ttl=60)


@pytest.mark.parametrize(
    ("write", "seq"),
    [
        (_record, 2),
        (_removed, 2),
        (_switch, 2),
        (_title, 2),
        (_compaction, 2),
        (_approval, 2),
        (_decision, 3),
        (_turn, 2),
    ],
)
async def test_every_kind_lets_go_of_what_people_write(
    clock: MockClock, write: Callable[[Session], Any], seq: int
) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user("x"))
        await write(session)
        summary, context = await session.summary(), await session.agent_context()
        await session.redact(seq)
        assert SECRET not in await everything(session)
        assert SECRET not in repr(await runtime.list_sessions())
        assert (await session.redact(seq)).repeated
        after = await session.summary()
        assert (after.version, after.activity) == (summary.version, summary.activity)
        assert (await session.agent_context()).current_agent == context.current_agent


async def test_what_shows_later_settings_stays(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.create(title=SECRET, metadata={"a": SECRET, "b": 1})
        await session.update({"title": "new", "metadata": {"c": 2}})
        await session.redact(1)
        found = await session.summary()
        assert (found.title, dict(found.metadata)) == (
            "new",
            {"a": MARKER, "b": MARKER, "c": 2},
        )


async def test_tags_and_cursors_from_there_on_are_gone(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), user(SECRET), user("c"))
        page = await session.log()
        cursors = [Cursor(entry.seq, entry.chain.hex()) for entry in page.entries]
        old = (await session.summary()).tag
        await session.redact(2)
        with pytest.raises(PreconditionFailed):
            await session.append(user("x"), if_match=old)
        assert len((await session.log(after=cursors[0])).entries) == 2
        for cursor in cursors[1:]:
            with pytest.raises(PreconditionFailed):
                await session.log(after=cursor)


async def test_it_waits_for_the_state_and_the_turn_that_are_asked_for(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user("a"))
        old = (await session.summary()).tag
        await session.append(user("b"))
        with pytest.raises(PreconditionFailed):
            await session.redact(1, if_match=old)
        with pytest.raises(PreconditionFailed):
            await session.redact(1, turn=1)
        held = await session.turns.take("me", ttl=60)
        tag = (await session.summary()).tag
        await session.redact(1, if_match=tag, turn=held.number)
        assert (await session.redact(1, if_match=old, turn=1)).repeated
        turn = (await session.resume()).turn
        assert turn is not None
        assert (turn.number, turn.holder) == (held.number, "me")
        with pytest.raises(SessionNotFound):
            await runtime.session("none").redact(1)


async def test_whoever_follows_is_told_to_begin_anew(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user("a"), user(SECRET))
        async with session.follow() as follower:
            assert [news.entry.seq for news in await follower.next()] == [1, 2]  # type: ignore[union-attr]
            await session.redact(2)
            assert [type(one) for one in await follower.next()] == [Reset]
            told = [one for one in await follower.next() if isinstance(one, Told)]
            assert [one.entry.seq for one in told] == [1, 2]
            assert SECRET not in repr([one.entry for one in told])
        with runtime.changes() as changes:
            await session.redact(1)
            [change] = await changes.next()
            assert (change.change, change.version) == ("changed", 2)  # type: ignore[union-attr]


async def test_who_asks_meanwhile_waits_and_loses_nothing(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(user(SECRET))

        async def append(n: int) -> None:
            await session.append(user(f"m{n}"))

        async with trio.open_nursery() as nursery:
            for n in range(20):
                nursery.start_soon(append, n)
                if n == 10:
                    nursery.start_soon(session.redact, 1)
        history = (await session.history()).messages
        assert history[0]["content"] == MARKER
        assert sorted(one["content"] for one in history[1:]) == sorted(f"m{n}" for n in range(20))


async def test_many_may_redact_at_once(clock: MockClock) -> None:
    async with running(FakeStore(clock.current_time)) as runtime:
        session = runtime.session("s")
        await session.append(*(user(SECRET) for _ in range(5)))
        async with trio.open_nursery() as nursery:
            for seq in range(1, 6):
                nursery.start_soon(session.redact, seq)
        assert SECRET not in await everything(session)


async def test_while_the_store_fails_it_is_unknown(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with running(store) as runtime:
        session = runtime.session("s")
        await session.append(user(SECRET))
        await runtime.flush()
        store.commit_error = StoreUnavailable("the disk is full")
        with pytest.raises(StoreUnavailable):
            await session.redact(1)
        store.commit_error = None
        await session.redact(1)
        assert SECRET not in await everything(session)


async def test_no_search_finds_what_was_redacted(clock: MockClock) -> None:
    store = FakeStore(clock.current_time)
    async with running(store, search=True) as runtime:
        session = runtime.session("s")
        await session.append(user(f"my password is {SECRET}"), user("and that was it"))
        assert len((await runtime.search(SECRET)).hits) == 1
        await session.redact(1)
        assert SECRET not in repr(store.index._taken)
        assert not (await runtime.search(SECRET)).hits
        [hit] = (await runtime.search("it")).hits
        assert hit.seq == 2


async def test_it_says_so_if_the_index_cannot_forget(
    clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FakeStore(clock.current_time)

    def unavailable(*_: object) -> None:
        raise StoreUnavailable("the disk of the index is full")

    async with running(store, search=True) as runtime:
        session = runtime.session("s")
        await session.append(user(SECRET))
        await runtime.search(SECRET)
        with monkeypatch.context() as patched:
            patched.setattr(type(store.index), "take", unavailable)
            with pytest.raises(StoreUnavailable, match="call again"):
                await session.redact(1)
        done = await session.redact(1)
        assert done.repeated
        assert not (await runtime.search(SECRET)).hits
