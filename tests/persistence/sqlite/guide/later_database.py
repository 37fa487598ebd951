"""Databases as the later versions of the guide's own system write them: a row for each message."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

Keys = Literal["integer", "uuid"]

SESSIONS = {
    "integer": """
        CREATE TABLE sessions (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, session_id VARCHAR(255) NOT NULL UNIQUE,
            created_at DATETIME NOT NULL, last_activity DATETIME NOT NULL, is_active BOOLEAN,
            deleted_at DATETIME);
    """,
    "uuid": """
        CREATE TABLE sessions (
            id VARCHAR(36) NOT NULL, title VARCHAR(500), description TEXT,
            created_at DATETIME NOT NULL, last_activity DATETIME NOT NULL,
            is_active BOOLEAN NOT NULL, deleted_at DATETIME, PRIMARY KEY (id));
    """,
}
OTHERS = """
    CREATE TABLE messages (
        id {type} NOT NULL PRIMARY KEY, session_db_id {type} NOT NULL, role VARCHAR(50) NOT NULL,
        content TEXT, timestamp DATETIME NOT NULL, name VARCHAR(255), tool_call_id VARCHAR(255),
        tool_calls TEXT, token_count INTEGER, metadata_json TEXT,
        FOREIGN KEY (session_db_id) REFERENCES sessions (id) ON DELETE CASCADE);
    CREATE TABLE agent_contexts (
        id {type} NOT NULL PRIMARY KEY, session_db_id {type} NOT NULL UNIQUE,
        current_agent VARCHAR(100) NOT NULL, created_at DATETIME NOT NULL,
        updated_at DATETIME NOT NULL, switch_count INTEGER NOT NULL, metadata_json TEXT,
        FOREIGN KEY (session_db_id) REFERENCES sessions (id) ON DELETE CASCADE);
    CREATE TABLE agent_switches (
        id {type} NOT NULL PRIMARY KEY, context_db_id {type} NOT NULL, from_agent VARCHAR(100),
        to_agent VARCHAR(100) NOT NULL, switched_at DATETIME NOT NULL, reason TEXT,
        metadata_json TEXT,
        FOREIGN KEY (context_db_id) REFERENCES agent_contexts (id) ON DELETE CASCADE);
"""


def at(minute: int) -> str:
    """A moment as that system writes it."""
    return f"2025-12-31 11:{minute:02}:00.000000"


class LaterDatabase:
    """A database with keys of one of the two kinds."""

    def __init__(self, path: Path, keys: Keys) -> None:
        self.path = path
        self.keys = keys
        self._last = 0
        self._sessions: dict[str, int | str] = {}
        kind = "INTEGER" if keys == "integer" else "VARCHAR(36)"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SESSIONS[keys] + OTHERS.format(type=kind))

    def session(self, name: str, **columns: object) -> None:
        key: int | str = name if self.keys == "uuid" else self._number()
        self._sessions[name] = key
        row = {"id": key, "created_at": at(0), "last_activity": at(45), "is_active": 1} | columns
        self._insert("sessions", row if self.keys == "uuid" else row | {"session_id": name})

    def message(self, session: str, minute: int, role: str, content: Any, **columns: Any) -> None:
        row = {
            "id": self._key(),
            "session_db_id": self._sessions[session],
            "role": role,
            "content": content,
            "timestamp": at(minute),
        }
        self._insert("messages", row | columns)

    def context(self, session: str, agent: str, **columns: object) -> int | str:
        key = self._key()
        row = {
            "id": key,
            "session_db_id": self._sessions[session],
            "current_agent": agent,
            "created_at": at(0),
            "updated_at": at(45),
            "switch_count": 0,
        }
        self._insert("agent_contexts", row | columns)
        return key

    def switch(self, context: int | str, minute: int, to: str, **columns: object) -> None:
        row = {"id": self._key(), "context_db_id": context, "to_agent": to}
        self._insert("agent_switches", row | {"switched_at": at(minute)} | columns)

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _key(self) -> int | str:
        number = self._number()
        # That system's keys are in no order.
        return number if self.keys == "integer" else f"{number * 7919 % 1000:03}-{number}"

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()]
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
                values,
            )
