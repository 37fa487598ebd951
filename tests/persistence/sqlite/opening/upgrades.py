"""What the tests of the upgrade look at."""

from contextlib import closing
from pathlib import Path

import pytest

from persistence.sqlite.store import SQLiteStore
from runtime.errors import CannotOpenStore
from runtime.store.entries import Entry
from runtime.store.stored import StoredSession
from tests.persistence.builders import query


def upgraded(path: Path) -> dict[str, StoredSession]:
    """What a service finds, session by session."""
    with closing(SQLiteStore.open(path)) as store:
        ids = [name for (name,) in query(path, "SELECT session_id FROM session")]
        found = {name: store.load(name) for name in ids}
    assert all(found.values())
    return {name: stored for name, stored in found.items() if stored is not None}


def entries(stored: StoredSession) -> list[Entry]:
    return [Entry(*row) for row in stored.entries]


def history(stored: StoredSession) -> bytes:
    shown = [entry.body for entry in entries(stored) if entry.kind == "message"]
    return b"[" + b",".join(shown) + b"]"


def said(stored: StoredSession) -> list[tuple[str, str]]:
    """Kind and time of each entry."""
    return [(entry.kind, entry.at) for entry in entries(stored)]


def files(path: Path) -> dict[str, bytes]:
    """Every file in the database's folder, but for who owns it."""
    return {
        place.name: place.read_bytes()
        for place in path.parent.iterdir()
        if place.is_file() and place.suffix != ".lock"
    }


def refused(path: Path) -> CannotOpenStore:
    """A start is refused, with a hint; all files stay as they are."""
    before = files(path)
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(path)
    after = files(path)  # reading may have left an empty WAL
    assert {name: after[name] for name in before} == before
    assert error.value.hint
    return error.value


def kept(path: Path) -> Path:
    """The database as it was before."""
    [found] = path.parent.glob("*.before-upgrade-*.db")
    return found
