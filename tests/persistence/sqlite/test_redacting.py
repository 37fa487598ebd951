"""Redaction in a file: no byte of the value is left in the folder, whatever ends in the middle."""

import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trio
from attrs import evolve

from persistence.parts import Room
from persistence.sqlite.backup import backup
from persistence.sqlite.checking.verify import verify
from persistence.sqlite.connections import reading
from persistence.sqlite.files import Kept, kept_as
from persistence.sqlite.opening.restore import restore
from persistence.sqlite.store import SQLiteStore
from runtime import (
    Delta,
    Redact,
    Redacted,
    Runtime,
    RuntimeConfig,
    Scrub,
    Session,
    Settings,
    open_runtime,
)
from runtime.clock import utc_now
from tests.persistence.builders import (
    ROOT,
    born,
    delta,
    follows,
    header,
    log,
    other_process,
    query,
)
from tests.persistence.contract.stores import begun, committed, finish_purges, rows, said

SECRET = "correct horse battery staple"  # noqa: S105 # nobody's
LITTLE = Room(long=1, long_size=1, entries=1, size=1, least=1, copies=1)
ITEMS = ["a", SECRET, "c", "d"]


def holding(folder: Path) -> list[str]:
    """The files in which the value is."""
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and SECRET.encode() in path.read_bytes()
    )


def redacts(no: int) -> Redact:
    entry = evolve(log(*ITEMS)[1], body=b'{"role":"user","content":"gone"}')
    return Redact(no=no, root=ROOT, header=header(log(*ITEMS)), settings=Settings(), entry=entry)


# -- as a user does it -------------------------------------------------------------------------


async def fill(runtime: Runtime, secret: str) -> None:
    """A session that has it in a message that was a draft, and in its title; and many others."""
    session = runtime.session("s")
    await session.append({"role": "user", "content": "x", "id": "first"}, durable=True)
    await session.append_draft("m", secret[: len(secret) // 2], role="assistant")
    await runtime.flush()
    await session.append_draft("m", secret[len(secret) // 2 :])
    await runtime.flush()
    await session.append({"role": "assistant", "content": secret, "id": "m"}, durable=True)
    await session.update({"title": SECRET, "metadata": {"key": SECRET}}, durable=True)
    for n in range(20):
        await runtime.session(f"other {n}").append({"role": "user", "content": "y" * 3_000})
        await session.append({"role": "user", "content": f"more {n}"}, durable=True)
    await session.put_records({"k": {"password": SECRET}}, durable=True)


async def redact(runtime: Runtime) -> list[Redacted]:
    session = runtime.session("s")
    return [await session.redact(seq) for seq in (2, 3, 24)]


@pytest.mark.parametrize("size", [1, 200, 15_000])
def test_no_byte_of_it_is_left(path: Path, size: int) -> None:
    async def use() -> None:
        async with open_runtime(SQLiteStore.open(path), RuntimeConfig()) as runtime:
            await fill(runtime, f"{SECRET} " * size)
            assert holding(path.parent)
            done = await redact(runtime)
            assert [list(one.traces) for one in done] == [[], [], []]
            assert holding(path.parent) == []
            assert verify(path).problems == ()

    trio.run(use)
    assert holding(path.parent) == []
    assert verify(path).problems == ()
    assert query(path, "SELECT title, metadata FROM settings") == [
        ("[redacted]", '{"key":"[redacted]"}')
    ]


def test_older_copies_are_named_and_so_is_the_wal_while_somebody_reads_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.redacting.TRIES", 2)
    monkeypatch.setattr("runtime.redacting.PAUSE", 0.0)
    kept = kept_as(path, Kept.BEFORE_UPGRADE, utc_now())

    async def use() -> None:
        async with open_runtime(SQLiteStore.open(path), RuntimeConfig()) as runtime:
            session = runtime.session("s")
            await session.append({"role": "user", "content": SECRET}, durable=True)
            kept.write_bytes(SECRET.encode())
            kept_as(path.with_name("another.db"), Kept.BEFORE_RESTORE, utc_now()).touch()
            with reading(path):
                done = await session.redact(1)
                assert sorted(done.traces) == sorted([kept.name, "sessions.db-wal"])
                assert "sessions.db-wal" in holding(path.parent)
            done = await session.redact(1)
            assert (done.repeated, list(done.traces)) == (True, [kept.name])
            assert holding(path.parent) == [kept.name]

    trio.run(use)


def test_backups_are_named_whatever_they_are_called_as_long_as_they_have_it(path: Path) -> None:
    folder = path.parent

    async def use(at: Callable[[Session], Awaitable[object]]) -> None:
        async with open_runtime(SQLiteStore.open(path), RuntimeConfig()) as runtime:
            await at(runtime.session("s"))

    async def begin(session: Session) -> None:
        await session.append({"role": "user", "content": "x"}, durable=True)
        backup(path, folder / "too early.db")
        await session.append({"role": "user", "content": SECRET}, durable=True)
        backup(path, folder / "monday")
        (folder / "no database").write_bytes(bytes(4096))

    async def redact(session: Session) -> None:
        [before] = [place for place in folder.iterdir() if ".before-restore-" in place.name]
        expected = sorted(["monday", before.name])
        assert list((await session.redact(2)).traces) == expected
        backup(path, folder / "too late.db")
        assert list((await session.redact(2)).traces) == expected

    trio.run(use, begin)
    restore(folder / "monday", path)
    files = sorted(folder.iterdir())
    trio.run(use, redact)
    assert sorted({*folder.iterdir()} - {*files}) == [folder / "too late.db"]


# -- a part with each commit ---------------------------------------------------------------------


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    store = SQLiteStore.open(path)
    store._room = LITTLE
    yield store
    store.close()


def test_others_go_on_and_nobody_sees_half_of_it(store: SQLiteStore) -> None:
    [no] = begun(store, born("s", *ITEMS))
    step = delta("s", redacts(no))
    for n in range(10):
        outcome = store.commit([step, born(f"other {n}", "x")])
        assert f"other {n}" in outcome.begun
        if not outcome.unfinished:
            break
        assert said(store, "s") == rows(log(*ITEMS))
        assert [one.info.session_id for one in store.trash(9).sessions] == []
    assert n == 2
    assert [row[4] for row in said(store, "s")][1] == b'{"role":"user","content":"gone"}'
    assert store.count() == 2 + n
    finish_purges(store, outcome)
    assert verify(store.path).problems == ()


def test_what_is_begun_and_does_not_go_on_is_given_up(store: SQLiteStore) -> None:
    [no] = begun(store, born("s", *ITEMS))
    assert store.commit([delta("s", redacts(no))]).unfinished
    outcome = committed(store, delta("s", follows(no, 4, *ITEMS, "more")))
    finish_purges(store, outcome)
    assert said(store, "s") == rows(log(*ITEMS, "more"))
    assert query(store.path, "SELECT DISTINCT no FROM entry") == [(no,)]
    assert verify(store.path).problems == ()


# -- whatever ends in the middle -----------------------------------------------------------------

_UNTIL = """
import sys
from pathlib import Path
from persistence.sqlite.store import SQLiteStore
from runtime import Scrub
from tests.persistence.builders import delta
from tests.persistence.sqlite.test_redacting import LITTLE, redacts

store = SQLiteStore.open(Path(sys.argv[1]))
store._room = LITTLE
step = delta("s", redacts(1))
for _ in range(int(sys.argv[2])):
    step = step if store.commit([step]).unfinished else delta("scrub", Scrub())
print("here", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("commits", range(7))
def test_a_killed_service_leaves_the_old_one_or_the_new_one(path: Path, commits: int) -> None:
    with closing(SQLiteStore.open(path)) as store:
        begun(store, born("s", *ITEMS))
    with other_process(_UNTIL, path, commits) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with closing(SQLiteStore.open(path)) as store:
        texts = [row[4] for row in said(store, "s")]
        assert len(texts) == 4
        assert (SECRET.encode() in texts[1]) == (commits < 3)
        outcome = committed(store)
        finish_purges(store, outcome)
        assert verify(path).problems == ()
        found = store.load("s")
        assert found is not None
        if commits < 3:  # done again, it is done
            finish_purges(store, committed(store, delta("s", redacts(found.no))))
        outcome = store.commit([Delta(session_id="a scrub", mark=1, steps=(Scrub(),))])
        assert (outcome.unfinished, list(outcome.traces)) == (frozenset(), [])
        assert holding(path.parent) == []
        assert verify(path).problems == ()
