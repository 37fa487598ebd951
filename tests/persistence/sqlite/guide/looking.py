"""What the tests look at when a database of the guide's own system was taken over, or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from persistence import SQLiteStore
from runtime import CannotOpenStore, Entry, Listing, sent
from runtime.store.stored import StoredSession
from runtime.store.trash import TrashedSession
from tests.persistence.builders import OldDatabase, dump
from tests.persistence.sqlite.guide.later_database import LaterDatabase

Old = OldDatabase | LaterDatabase


def taken_over(old: Old, session_id: str = "s") -> StoredSession:
    store = SQLiteStore.open(old.path)
    try:
        session = store.load(session_id)
    finally:
        store.close()
    assert session is not None
    return session


def entries(session: StoredSession, kind: str | None = None) -> list[Entry]:
    found = [Entry(*row) for row in session.entries]
    return [entry for entry in found if kind in (None, entry.kind)]


def messages(session: StoredSession) -> list[Any]:
    """As they come back."""
    return [json.loads(sent(entry)) for entry in entries(session, "message")]


def bodies(session: StoredSession, kind: str) -> list[Any]:
    return [json.loads(entry.body) for entry in entries(session, kind)]


def backups(old: Old) -> list[Path]:
    return sorted(old.path.parent.glob("sessions.before-upgrade-*.db"))


def refused(old: Old) -> CannotOpenStore:
    """Taking over is refused, and the database is as it was."""
    before, modified = dump(old.path), old.path.stat().st_mtime_ns
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(old.path)
    assert dump(old.path) == before
    assert old.path.stat().st_mtime_ns == modified
    return error.value


def listed(old: Old) -> list[str]:
    store = SQLiteStore.open(old.path)
    page = store.list_sessions(Listing(), 100)
    store.close()
    return sorted(info.session_id for info in page.sessions)


def trash(old: Old) -> list[TrashedSession]:
    store = SQLiteStore.open(old.path)
    page = store.trash(10)
    store.close()
    return list(page.sessions)
