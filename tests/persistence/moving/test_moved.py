"""What is moved is there as it was, goes on as it would have gone on, and is where it was, too."""

import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from persistence import move, moving, open_store, verify
from runtime import Item, Message, Runtime, open_runtime
from runtime.store.steps import Undelete
from tests.persistence.builders import begins, born, delta, dump, follows, query
from tests.persistence.contract.stores import begun, committed, in_trash, loaded
from tests.persistence.moving.kept import CHUNKS, LOG, content, everything, filled, opened
from tests.persistence.versions import make_version_2, make_version_3


def test_everything_is_there_as_it_was(source: str, target: str) -> None:
    before = filled(source)
    moved = move(source, target)
    assert content(target) == before
    report = verify(target)
    assert report.problems == ()
    assert (moved.sessions, moved.trashed, moved.entries) == (
        report.sessions,
        report.trashed,
        report.entries,
    )
    assert (moved.messages, moved.switches) == (report.messages, report.switches)
    assert (moved.sessions, moved.trashed) == (len(before["living"]), 2)


def test_it_is_still_where_it_was(source: str, target: str) -> None:
    before = filled(source)
    move(source, target)
    assert content(source) == before
    assert verify(source).ok


def test_a_database_that_was_moved_is_the_same_to_the_byte(tmp_path: Path, target: str) -> None:
    source = tmp_path / "source.db"
    filled(str(source))
    before = dump(source)
    move(str(source), target)
    assert dump(source) == before


def test_what_was_moved_there_and_back_is_what_it_was(
    source: str, target: str, tmp_path: Path
) -> None:
    before = filled(source)
    back = str(tmp_path / "back.db")
    move(source, target)
    move(target, back)
    assert content(back) == before


def test_drafts_in_the_trash_come_out_of_it(source: str, target: str) -> None:
    filled(source)
    move(source, target)
    with opened(target) as store:
        committed(store, delta("gone", follows(loaded(store, "gone").no, 1, "y", end="purge")))
        [_, no] = [no for no, _ in in_trash(store, "gone")]
        committed(store, delta("gone", Undelete(no)))
        assert tuple(loaded(store, "gone").drafts) == tuple(CHUNKS)


def test_what_goes_for_good_is_not_moved(source: str, target: str, tmp_path: Path) -> None:
    filled(source)
    back = tmp_path / "back.db"
    move(source, target)
    move(target, str(back))
    assert query(back, "SELECT count(*) FROM session WHERE deleted_at = ''") == [(0,)]
    assert query(back, "SELECT count(DISTINCT no) FROM entry") == query(
        back, "SELECT count(*) FROM session WHERE version > 0"
    )


def test_a_new_life_has_a_number_that_no_other_one_has_ever_had(source: str, target: str) -> None:
    with opened(source) as store:
        kept, highest = begun(store, born("kept", "x"), born("highest", "x"))
        committed(store, delta("highest", follows(highest, 1, "x", end="purge")))
    move(source, target)
    with opened(target) as store:
        [new] = begun(store, born("new", "x"))
    assert kept < highest < new


def test_an_empty_store_that_is_there_takes_everything(source: str, target: str) -> None:
    with opened(target) as store:
        [before] = begun(store, born("s", *(str(n) for n in range(3))))
        committed(store, delta("s", follows(before, 3, "0", "1", "2", end="purge")))
    expected = filled(source)
    move(source, target)
    assert content(target) == expected
    with opened(target) as store:
        [new] = begun(store, born("new", "x"))
    assert new > before


def test_a_store_without_sessions_is_moved(source: str, target: str) -> None:
    with opened(source):
        pass
    moved = move(source, target)
    assert (moved.sessions, moved.entries) == (0, 0)
    with opened(target) as store:
        assert store.count() == 0


def test_a_service_goes_on_with_what_was_moved(source: str, target: str) -> None:
    async def begin(runtime: Runtime) -> list[str]:
        session = runtime.session("s")
        await session.append(Message(role="user", content="a", id="m1"))
        await session.append_entries(Item(kind="record", body={"value": 1}, key="r"))
        await session.rewind(0)
        await session.append(Message(role="user", content="b"))
        await session.append_draft("m2", "half an", role="assistant")
        await runtime.session("other").append(Message(role="user", content="x"))
        await runtime.session("other").delete()
        return [(await session.summary()).tag, (await session.history()).tag]

    async def go_on(runtime: Runtime) -> list[str]:
        session = runtime.session("s")
        tags = [(await session.summary()).tag, (await session.history()).tag]
        [draft] = await session.drafts()
        assert draft.parts == {"content": "half an"}
        await session.append(Message(role="assistant", content="half an answer", id="m2"))
        await session.rewind(2)
        [first] = (await session.history()).messages
        assert first["content"] == "a"
        await runtime.session("other").undelete()
        assert len((await runtime.session("other").history()).messages) == 1
        return tags

    async def run(url: str, work: Callable[[Runtime], Awaitable[list[str]]]) -> list[str]:
        async with open_runtime(open_store(url)) as runtime:
            return await work(runtime)

    before = trio.run(run, source, begin)
    move(source, target)
    assert trio.run(run, target, go_on) == before
    assert verify(target).problems == ()


@pytest.mark.parametrize("make", [make_version_2, make_version_3])
def test_a_database_of_before_is_read_as_it_is(
    tmp_path: Path, target: str, make: Callable[[Path], None]
) -> None:
    source = tmp_path / "source.db"
    with opened(str(source)) as store:
        begun(store, born("s", *LOG), delta("gone", begins("x", end="trash")))
        expected = everything(store)
    make(source)
    before = dump(source)
    move(str(source), target)
    assert content(target) == expected
    assert dump(source) == before


def test_a_new_database_is_for_its_owner_only_and_nothing_else_is_left(
    source: str, tmp_path: Path
) -> None:
    filled(source)
    (tmp_path / "new").mkdir()
    target = tmp_path / "new" / "target.db"
    move(source, str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    names = {path.name for path in target.parent.iterdir()}
    assert names <= {"target.db", "target.db.seq", "target.db.lock"}


def test_how_far_it_is_is_told(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "TELL_EVERY", 5)
    told: list[tuple[str, int, int]] = []
    filled(source)
    moved = move(source, target, lambda *step: told.append(step))
    steps = list(range(5, moved.entries + 1, 5))
    assert told == [(what, n, moved.entries) for what in ("copying", "verifying") for n in steps]
