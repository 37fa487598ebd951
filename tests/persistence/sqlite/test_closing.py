"""The end of a store on a disk that fails: what is committed is in the WAL, and stays there."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from persistence.sqlite.store import SQLiteStore
from tests.persistence.builders import born


class Failing:
    """A connection whose checkpoints fail."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if "wal_checkpoint" in sql:
            raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_closing_without_room_for_a_checkpoint_is_no_failure_and_loses_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.db"
    store = SQLiteStore.open(path)
    store.commit([born("s", "hello")])
    store._db.conn = Failing(store._db.conn)  # type: ignore[assignment] # a fault for the test
    store.close()
    assert "closed without a WAL checkpoint" in caplog.text
    again = SQLiteStore.open(path)
    assert again.load("s") is not None
    again.close()
