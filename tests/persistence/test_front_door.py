"""The front door: what names a store, and what is refused."""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from persistence import (
    SCHEMES,
    MemoryStore,
    SQLiteStore,
    back_up,
    open_reader,
    open_store,
    restore,
    restore_hint,
    upgrade,
    verify,
    without_password,
)
from runtime import CannotOpenStore, Listing
from tests.persistence.builders import born
from tests.persistence.databases import Grounds


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, and a home, where nothing is yet."""
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def opened(url: str) -> SQLiteStore:
    store = open_store(url)
    store.close()
    assert isinstance(store, SQLiteStore)
    return store


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("chats.db", "chats.db"),
        ("data/chats.db", "data/chats.db"),
        ("~/chats.db", "home/chats.db"),
        ("sqlite:///chats.db", "chats.db"),
        ("sqlite:///data/chats.db", "data/chats.db"),
        ("sqlite:///~/chats.db", "home/chats.db"),
        ("SQLite:///chats.db", "chats.db"),
        ("C# 100%20?.db", "C# 100%20?.db"),
        ("12:30.db", "12:30.db"),
    ],
)
def test_a_store_is_named_by_a_path_or_a_url(here: Path, url: str, file: str) -> None:
    assert opened(url).path == here / file


@pytest.mark.parametrize("before", ["", "sqlite:///"])
def test_an_absolute_path_is_one_in_a_url_too(here: Path, before: str) -> None:
    assert opened(f"{before}{here}/chats.db").path == here / "chats.db"


def test_memory_is_a_store_that_leaves_nothing(here: Path) -> None:
    with closing(open_store("memory://")) as store:
        assert isinstance(store, MemoryStore)
    assert [place.name for place in here.iterdir()] == ["home"]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "'' is not a file"),
        (":memory:", "':memory:' is not a file"),
        ("sqlite:///:memory:", "':memory:' is not a file"),
        ("data/", "'data/' is not a file"),
        ("sqlite:///", "'' is not a file"),
        ("a\0b.db", "is not a file"),
        ("sqlite:chats.db", "is not the URL of a store"),
        ("sqlite:/chats.db", "is not the URL of a store"),
        ("sqlite://chats.db", "is not the URL of a store"),
        ("sqlite://host/chats.db", "is not the URL of a store"),
        ("sqlite:///chats.db?mode=ro", "is not the URL of a store"),
        ("sqlite:///chats.db#1", "is not the URL of a store"),
        ("file:chats.db", "is not the URL of a store"),
        ("sqlite+aiosqlite:///chats.db", "sqlite+aiosqlite:// is not the scheme of a store"),
        ("mysql://host/chats", "mysql:// is not the scheme of a store"),
        ("memory://chats", "is not the URL of a store"),
        ("~nobody-of-this-name/chats.db", "names no file"),
        (os.fsdecode(b"\xff.db"), "has a name that is not UTF-8"),
        ("sqlite:///" + os.fsdecode(b"\xff.db"), "has a name that is not UTF-8"),
    ],
)
def test_what_names_no_store_is_refused_and_nothing_is_made(
    here: Path, url: str, said: str
) -> None:
    with pytest.raises(CannotOpenStore) as error:
        open_store(url)
    assert said in error.value.problem
    assert error.value.hint
    assert [place.name for place in here.iterdir()] == ["home"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "PostgreSQL"])
def test_postgresql_is_a_store_that_services_share(grounds: Grounds, scheme: str) -> None:
    rest = grounds.database.partition("://")[2]
    with closing(open_store(f"{scheme}://{rest}")) as store:
        store.commit([born("s", "hi")])
        assert store.count() == 1
    with closing(open_reader(f"{scheme}://{rest}")) as reader:
        assert reader.load("s") is not None


@pytest.mark.parametrize(
    "url",
    [
        # Where nobody listens.
        "postgresql://me:secret@127.0.0.1:1/chats",
        "postgresql://127.0.0.1:1/chats?password=secret",
        "postgresql://me@127.0.0.1:1/chats?password=a@secret",
        # With a password that was to be percent-encoded.
        "postgresql://me:a@secret@127.0.0.1:1/chats",
        "postgresql://me:a/secret@127.0.0.1:1/chats",
        "postgresql://me:a%secret@127.0.0.1:1/chats",
        "postgresql://me:a:secret@127.0.0.1:1/chats",
        "postgresql://me:a?secret@127.0.0.1:1/chats",
        "postgresql://me:a#secret@127.0.0.1:1/chats",
        "postgresql://me:secret/",
        # With a slip of the pen.
        "postgresql://me:secret@127.0.0.1:none/chats",
        "postgresql://me:secret@127.0.0.1:1/chats?unheard=of",
        "postgresql:me:secret@127.0.0.1/chats",
        "postgres:/me:secret@127.0.0.1/chats",
        "mysql://me:secret@127.0.0.1/chats",
    ],
)
def test_no_message_has_a_password(url: str) -> None:
    for look in (open_store, open_reader):
        with pytest.raises(CannotOpenStore) as error:
            look(url)
        assert "secret" not in "".join(traceback.format_exception(error.value))
    assert "secret" not in without_password(url) or not url.startswith("postgresql://")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://me:secret@host:5433/chats?sslmode=require",
            "postgresql://me@host:5433/chats",
        ),
        ("postgresql://[::1]:1,b:2,c/chats", "postgresql://[::1]:1,b:2,c/chats"),
        ("postgresql://host/chats?password=secret", "postgresql://host/chats"),
        ("postgres://", "postgres://"),
        ("data/chats.db", "data/chats.db"),
        ("sqlite:///data/chats.db", "sqlite:///data/chats.db"),
    ],
)
def test_a_log_says_which_store_it_is(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize("url", ["chats.db", "memory://"])
def test_a_store_that_nobody_shares_has_no_address_to_tell(url: str) -> None:
    with pytest.raises(CannotOpenStore, match="one process's alone"):
        open_store(url, advertise="127.0.0.1:8000")


def test_what_postgresqls_own_programs_do_is_left_to_them() -> None:
    url = "postgresql://host/chats"
    for refused in (
        lambda: back_up(url, "copy.db"),
        lambda: restore("copy.db", url),
        lambda: upgrade(url),
    ):
        with pytest.raises(CannotOpenStore) as error:
            refused()
        assert error.value.hint
    assert "pg_restore" in restore_hint(url)


def test_who_keeps_sessions_in_a_file_does_not_import_psycopg(here: Path) -> None:
    code = "import sys, persistence; persistence.open_store('chats.db').close()"
    code += "; sys.exit('psycopg' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("look", [open_store, open_reader])
def test_without_psycopg_one_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[str], object]
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CannotOpenStore) as error:
        look("postgresql://host/chats")
    assert "pip install 'agent-runtime[postgres]'" in error.value.hint


def test_a_folder_whose_name_is_not_utf_8_is_explained(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.fsencode(here) + b"/\xff"
    os.mkdir(folder)  # noqa: PTH102 # pathlib takes no bytes
    monkeypatch.chdir(os.fsdecode(folder))
    with pytest.raises(CannotOpenStore, match="or the folder that it is in"):
        open_store("chats.db")


def test_every_scheme_that_is_known_can_be_opened(grounds: Grounds) -> None:
    server = grounds.database.partition("://")[2]
    rests = {"sqlite": "/chats.db", "memory": "", "postgresql": server, "postgres": server}
    assert rests.keys() == SCHEMES.keys()
    for scheme, rest in rests.items():
        open_store(f"{scheme}://{rest}").close()


@pytest.mark.parametrize("url", ["none.db", "sqlite:///none.db", "none/none.db"])
def test_a_store_that_has_to_be_there_is_not_made(here: Path, url: str) -> None:
    with pytest.raises(CannotOpenStore, match="There is no database"):
        open_store(url, create=False)
    for look in (open_reader, verify, upgrade):
        with pytest.raises(CannotOpenStore, match="There is no database"):
            look(url)
    assert [place.name for place in here.iterdir()] == ["home"]


def test_a_folder_is_no_database(here: Path) -> None:
    for look in (open_store, open_reader, verify, upgrade):
        with pytest.raises(CannotOpenStore, match="is not a file"):
            look("home")


def test_what_is_done_to_a_store_takes_the_same_names(here: Path) -> None:
    url = "sqlite:///data/chats.db"
    with closing(open_store(url)) as store:
        store.commit([born("s", "hi")])
        with closing(open_reader(url)) as reader:
            assert reader.list_sessions(Listing(), 10).total == 1
        back_up(url, "~/copy.db")
    assert verify("~/copy.db").messages == 1
    assert "agent-runtime restore" in restore_hint(url)
    restored = restore("~/copy.db", url)
    assert (restored.report.messages, restored.kept is not None) == (1, True)


def test_memory_cannot_be_looked_at_from_outside() -> None:
    for look in (open_reader, verify, upgrade, restore_hint):
        with pytest.raises(CannotOpenStore, match="no other process sees it"):
            look("memory://")
    with pytest.raises(CannotOpenStore, match="no other process sees it"):
        back_up("memory://", "copy.db")
    with pytest.raises(CannotOpenStore, match="no other process sees it"):
        restore("copy.db", "memory://")
