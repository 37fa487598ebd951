"""The front door: what names a store, and what is refused."""

import os
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
)
from runtime import CannotOpenStore, Listing
from tests.persistence.builders import born


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


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_refused_as_not_supported_yet_and_no_password_is_shown(scheme: str) -> None:
    with pytest.raises(CannotOpenStore) as error:
        open_store(f"{scheme}://me:secret@host/chats")
    assert f"{scheme}:// is not supported yet" in error.value.problem
    assert "secret" not in str(error.value)


def test_a_folder_whose_name_is_not_utf_8_is_explained(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.fsencode(here) + b"/\xff"
    os.mkdir(folder)  # noqa: PTH102 # pathlib takes no bytes
    monkeypatch.chdir(os.fsdecode(folder))
    with pytest.raises(CannotOpenStore, match="or the folder that it is in"):
        open_store("chats.db")


def test_every_scheme_that_is_known_can_be_opened() -> None:
    for scheme in SCHEMES:
        rest = "/chats.db" if scheme == "sqlite" else ""
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
