"""What is not moved: then nothing is written, and the message says what to do."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import trio

from persistence import move, moving, open_store
from persistence.postgres.arriving import Arriving as ArrivingInDatabase
from persistence.sqlite.moving.arriving import Arriving as ArrivingInFile
from persistence.transfer import Batch
from runtime import CannotOpenStore, StoreBroken, StoreInUse, StoreUnavailable, open_runtime
from tests.persistence.builders import (
    HOLD,
    OldDatabase,
    begins,
    born,
    change,
    delta,
    message,
    other_process,
)
from tests.persistence.contract.stores import begun
from tests.persistence.moving.conftest import Name
from tests.persistence.moving.kept import content, filled, opened
from tests.persistence.version1 import Version1


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def is_empty(url: str) -> bool:
    """Whether nothing at all is there."""
    if url.startswith("sqlite"):
        path = path_of(url)
        return not [*path.parent.glob(f"{path.name}.moving*")] and not path.exists()
    with psycopg.connect(url) as connection:
        [(found,)] = connection.execute("SELECT to_regnamespace('agent_runtime')").fetchall()
    return found is None


@pytest.fixture
def small(source: str) -> str:
    """The URL of a store with a session, and one in the trash."""
    with opened(source) as store:
        begun(store, born("s", "a", "b"), delta("gone", begins("x", end="trash")))
    return source


def spoil(url: str, sql: str) -> None:
    """What another program does to a store that nobody has open."""
    if url.startswith("sqlite"):
        change(path_of(url), sql)
        return
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path TO agent_runtime")
        connection.execute(sql.encode())


# -- the target ----------------------------------------------------------------------------------


def test_a_target_with_sessions_stays_as_it_is(small: str, target: str) -> None:
    before = filled(target)
    with pytest.raises(CannotOpenStore, match="has sessions already") as error:
        move(small, target)
    assert "Move to another" in error.value.hint
    assert content(target) == before


def test_a_target_whose_sessions_are_all_in_the_trash_is_not_empty(small: str, target: str) -> None:
    with opened(target) as store:
        begun(store, delta("gone", begins("x", end="trash")))
    with pytest.raises(CannotOpenStore, match="has sessions already"):
        move(small, target)


def test_a_file_of_another_application_stays_as_it_is(small: str, tmp_path: Path) -> None:
    target = tmp_path / "notes.db"
    change(target, "CREATE TABLE notes (text TEXT)")
    before = target.read_bytes()
    with pytest.raises(CannotOpenStore, match="the database of another application"):
        move(small, str(target))
    assert target.read_bytes() == before


@pytest.mark.parametrize("make", [OldDatabase, Version1])
def test_a_database_that_has_to_be_upgraded_is_no_target(
    small: str, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    target = tmp_path / "old.db"
    make(target)
    before = target.read_bytes()
    with pytest.raises(CannotOpenStore, match="has sessions already"):
        move(small, str(target))
    assert target.read_bytes() == before


def test_a_schema_of_somebody_elses_stays_as_it_is(small: str, name: Name) -> None:
    target = name("postgres", "target")
    with psycopg.connect(target) as connection:
        connection.execute("CREATE SCHEMA agent_runtime")
        connection.execute("CREATE TABLE agent_runtime.notes (text text)")
    with pytest.raises(CannotOpenStore, match="is not this program's"):
        move(small, target)
    spoil(target, "SELECT * FROM notes")


def test_a_target_that_is_in_use_is_named(small: str, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    with (
        other_process(HOLD, target) as other,
        pytest.raises(StoreInUse, match=f"in use by process {other.pid}"),
    ):
        move(small, str(target))


def test_a_folder_that_cannot_be_made_is_named(small: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotOpenStore, match="cannot be created"):
        move(small, str(tmp_path / "file" / "target.db"))


def test_a_server_that_is_not_there_is_named_without_a_password(small: str) -> None:
    target = "postgresql://me:secret@127.0.0.1:1/chats"
    with pytest.raises(CannotOpenStore, match="cannot be reached") as error:
        move(small, target)
    assert "secret" not in str(error.value)


def test_a_user_who_may_create_nothing_is_told_what_is_missing(small: str, name: Name) -> None:
    target = name("postgres", "target")
    with pytest.raises(CannotOpenStore, match="may not create the schema"):
        move(small, f"{target}&options=-c%20role%3Dpg_monitor")
    assert is_empty(target)


# -- the source ----------------------------------------------------------------------------------


def test_a_source_that_is_not_there_is_named(source: str, target: str) -> None:
    with pytest.raises(CannotOpenStore, match=r"There (is no database|are no sessions)"):
        move(source, target)
    assert is_empty(target)


def test_a_file_that_is_in_use_is_not_moved(tmp_path: Path, target: str) -> None:
    source = tmp_path / "source.db"
    with (
        other_process(HOLD, source) as other,
        pytest.raises(StoreInUse, match=f"in use by process {other.pid}"),
    ):
        move(str(source), target)
    assert is_empty(target)


@pytest.mark.parametrize("used", ["source", "target"])
def test_a_database_that_a_service_uses_is_neither_moved_from_nor_to(
    tmp_path: Path, name: Name, used: str
) -> None:
    url, other = name("postgres", used), str(tmp_path / "other.db")
    filled(other)
    names = (url, other) if used == "source" else (other, url)

    async def beside_a_service() -> None:
        async with open_runtime(open_store(url)):
            with pytest.raises(StoreInUse, match=f"in use by process {os.getpid()}"):
                await trio.to_thread.run_sync(move, *names)

    trio.run(beside_a_service)


@pytest.mark.parametrize(
    ("make", "hint"),
    [(OldDatabase, "agent-runtime serve --db"), (Version1, "agent-runtime upgrade --db")],
)
def test_a_database_of_before_that_has_other_tables_is_upgraded_first(
    tmp_path: Path, target: str, make: Callable[[Path], object], hint: str
) -> None:
    make(tmp_path / "source.db")
    with pytest.raises(CannotOpenStore) as error:
        move(str(tmp_path / "source.db"), target)
    assert hint in error.value.hint
    assert is_empty(target)


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (
            "UPDATE entry SET body = replace(body, '\"b\"', '\"c\"') WHERE seq = 2",
            "Session 's': entry 2 is not what was written",
        ),
        ("DELETE FROM entry WHERE seq = 2", "Session 's': entry 2 is missing"),
        ("UPDATE session SET message_count = 7 WHERE session_id = 'gone'", "it has 1"),
        ("UPDATE entry SET no = 77 WHERE seq = 2", "Session 's': entry 2 is"),
    ],
)
def test_a_damaged_source_is_not_moved(small: str, target: str, sql: str, problem: str) -> None:
    spoil(small, sql)
    with pytest.raises(CannotOpenStore, match="is damaged") as error:
        move(small, target)
    assert problem in str(error.value)
    assert "agent-runtime verify" in error.value.hint
    assert is_empty(target)


def test_a_text_that_is_no_text_is_not_moved(tmp_path: Path, target: str) -> None:
    source = tmp_path / "source.db"
    filled(str(source))
    change(source, "UPDATE session SET session_id = CAST(x'ff' AS TEXT) WHERE no = 2")
    with pytest.raises(CannotOpenStore, match="is damaged"):
        move(str(source), target)
    assert is_empty(target)


def test_a_file_that_lacks_what_was_committed_is_not_moved(tmp_path: Path, target: str) -> None:
    source = tmp_path / "source.db"
    filled(str(source))
    change(source, "UPDATE meta SET commit_seq = 1")
    with pytest.raises(CannotOpenStore, match="lacks"):
        move(str(source), target)
    assert is_empty(target)


def test_a_store_is_not_moved_onto_itself(small: str) -> None:
    before = content(small)
    with pytest.raises(CannotOpenStore, match="the same store"):
        move(small, small)
    assert content(small) == before


LONG = "".join(map(chr, range(0x4E00, 0x4E00 + 3_000)))
"""Longer than an index of PostgreSQL's takes: databases that were taken over may have such ids."""

# -- on the way ----------------------------------------------------------------------------------


def test_what_did_not_arrive_as_it_was_is_not_kept(
    small: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (ArrivingInFile, ArrivingInDatabase):
        monkeypatch.setattr(kind, "write", altering(kind.write))
    with pytest.raises(StoreBroken, match="is not what was read"):
        move(small, target)
    assert is_empty(target)


def altering(write: Callable[..., None]) -> Callable[..., None]:
    """Writes other titles than there were."""

    def written(arriving: object, batch: Batch) -> None:
        batch.lives[:] = [life._replace(current_agent="other") for life in batch.lives]
        write(arriving, batch)

    return written


def test_a_full_disk_is_named(small: str, tmp_path: Path) -> None:
    target = tmp_path / "target.db"
    with other_process(SMALL_FILES, small, target) as other:
        assert other.stdout is not None
        said = other.stdout.read()
    assert "There is no room for all sessions" in said
    assert "Make room" in said
    assert is_empty(f"sqlite:///{target}")


SMALL_FILES = """
import resource, sys
from persistence import move, moving
from runtime import CannotOpenStore
print("ready", flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    move(*sys.argv[1:])
except CannotOpenStore as error:
    print(error)
"""


def test_a_full_servers_disk_is_named(small: str, name: Name) -> None:
    target = name("postgres", "target")
    with opened(target):
        pass
    spoil(
        target,
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$",
    )
    spoil(target, "CREATE TRIGGER no_room BEFORE INSERT ON entry EXECUTE FUNCTION no_room()")
    with pytest.raises(CannotOpenStore, match="has no room for all sessions"):
        move(small, target)
    spoil(target, "DROP TRIGGER no_room ON entry")
    with opened(target) as store:
        assert store.count() == 0


@pytest.mark.parametrize(
    ("session_id", "key", "what"),
    [
        (LONG, "k", "the session '一丁"),
        ("s", LONG, "entry 2 of the session of number 2"),
    ],
)
def test_what_the_server_does_not_take_is_named(
    tmp_path: Path, name: Name, session_id: str, key: str, what: str
) -> None:
    source, target = str(tmp_path / "source.db"), name("postgres", "target")
    with opened(source) as store:
        begun(store, born("first", "x"), born(session_id, "x", message("y", key)))
    with pytest.raises(CannotOpenStore, match="does not take what is moved") as error:
        move(source, target)
    assert what in str(error.value)
    assert is_empty(target)


@pytest.mark.parametrize("used", ["source", "target"])
def test_no_node_joins_meanwhile(
    tmp_path: Path, name: Name, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, other = name("postgres", used), str(tmp_path / "other.db")
    with opened(url):
        pass
    names = (url, other) if used == "source" else (other, url)
    with opened(names[0]) as store:
        begun(store, born("s", "x"))
    monkeypatch.setattr(moving, "TELL_EVERY", 1)
    tried = []

    def join(what: str, done: int, total: int) -> None:
        with pytest.raises(StoreUnavailable, match="lock timeout"):
            open_store(url)
        tried.append(what)

    move(*names, join)
    assert tried == ["copying", "verifying"]
    with opened(url) as store:
        assert store.count() == 1


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_server_that_goes_in_the_middle_leaves_nothing(
    small: str, target: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {"source": small, "target": target}[end]
    if lost.startswith("sqlite"):
        pytest.skip("a file does not go")
    monkeypatch.setattr(moving, "TELL_EVERY", 1)

    def cut(what: str, done: int, total: int) -> None:
        with psycopg.connect(lost, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises(StoreUnavailable):
        move(small, target, cut)
    assert is_empty(target)


def test_whatever_fails_in_the_middle_leaves_nothing(
    small: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(what: str, done: int, total: int) -> NoReturn:
        raise RuntimeError(what)

    monkeypatch.setattr(moving, "TELL_EVERY", 1)
    with pytest.raises(RuntimeError, match="copying"):
        move(small, target, fail)
    assert is_empty(target)
