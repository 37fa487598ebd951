"""Values that the tests of the stores are made of."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from persistence.sqlite.schema import OLD_TABLES
from runtime.session.message import Entry
from runtime.store import AgentSwitch, Delta, Header

NOON = "2025-12-31T12:00:00.000Z"


def at(minute: int) -> str:
    """A moment in the hour after noon."""
    return f"2025-12-31T12:{minute:02}:00.000Z"


def entries(*texts: str) -> tuple[Entry, ...]:
    """Messages of a user."""
    return tuple(
        Entry(json.dumps({"role": "user", "content": text}, ensure_ascii=False).encode(), NOON)
        for text in texts
    )


def switch(to: str, reason: str = "asked") -> AgentSwitch:
    return AgentSwitch("orchestrator", to, reason, NOON)


def delta(
    session_id: str,
    *texts: str,
    after: int = 0,
    first_seq: int | None = None,
    last_activity: str = NOON,
    switches: Sequence[AgentSwitch] = (),
    first_switch: int = 1,
    erase: bool = False,
    **header: Any,
) -> Delta:
    """Messages for a session that has `after` of them in the store."""
    return Delta(
        session_id=session_id,
        version=1,
        erase=erase,
        header=Header(
            created_at=NOON,
            last_activity=last_activity,
            version=1,
            message_count=after + len(texts),
            switch_count=first_switch - 1 + len(switches),
            **header,
        ),
        first_seq=after + 1 if first_seq is None else first_seq,
        entries=entries(*texts),
        first_switch=first_switch,
        switches=tuple(switches),
    )


def erasure(session_id: str, before: str | None = None) -> Delta:
    return Delta(session_id=session_id, version=2, erase=True, erase_before=before)


def query(path: Path, sql: str, *values: object) -> list[Any]:
    """What another program sees in the database."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def change(path: Path, sql: str, *values: object) -> None:
    """What another program does to a database that nobody has open."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def dump(path: Path) -> list[str]:
    """All that a database holds, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python that runs `code` and has printed a first line; killed (-9) at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the other process failed"
            yield process
        finally:
            process.kill()


HOLD = """
import sys
from persistence import open_store
store = open_store("sqlite:///" + sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
"""
"""Opens a store and keeps it until it is killed, or its input ends."""


class OldDatabase:
    """A database as the guide's own system writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(
                """
                CREATE TABLE sessions (
                    session_id VARCHAR NOT NULL, messages TEXT NOT NULL,
                    last_activity DATETIME NOT NULL, created_at DATETIME NOT NULL,
                    PRIMARY KEY (session_id));
                CREATE TABLE agent_contexts (
                    session_id VARCHAR NOT NULL, current_agent VARCHAR NOT NULL,
                    agent_history TEXT NOT NULL, context_metadata TEXT NOT NULL,
                    created_at DATETIME NOT NULL, last_switch_at DATETIME,
                    switch_count INTEGER NOT NULL, PRIMARY KEY (session_id));
                """
            )

    def session(self, session_id: str, *messages: object, **columns: object) -> None:
        self._insert(
            "sessions",
            {
                "session_id": session_id,
                "messages": json.dumps(messages),
                "last_activity": "2025-12-31 11:45:00.123456",
                "created_at": "2025-12-31 11:00:00.000000",
            }
            | columns,
        )

    def context(self, session_id: str, *history: object, **columns: object) -> None:
        self._insert(
            "agent_contexts",
            {
                "session_id": session_id,
                "current_agent": "coder",
                "agent_history": json.dumps(history),
                "context_metadata": "{}",
                "created_at": "2025-12-31 11:00:00.000000",
                "last_switch_at": None,
                "switch_count": len(history),
            }
            | columns,
        )

    def _insert(self, table: str, row: dict[str, object]) -> None:
        assert tuple(sorted(row)) == tuple(sorted(OLD_TABLES[table]))
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        change(
            self.path,
            f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
            *row.values(),
        )
