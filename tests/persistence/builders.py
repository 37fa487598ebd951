"""Values that the tests of the stores are made of."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from persistence.sqlite.tables.schema import OLD_TABLES
from runtime.session.entries.chain import digest, link
from runtime.store.deltas import Delta
from runtime.store.entries import PLAIN, Entry
from runtime.store.steps import Change, Fork, Step
from runtime.store.stored import DraftChunk, Header, Settings, Standing
from tests.warm import Process, start

NOON = "2025-12-31T12:00:00.000Z"

ROOT = b"the root"
"""The chain before the first entry of every log here."""


def at(minute: int) -> str:
    """A moment in the hour after noon."""
    return f"2025-12-31T12:{minute:02}:00.000Z"


class Item(NamedTuple):
    """What an entry says; `log` gives it its number and its chain."""

    kind: str
    key: str | None
    body: object
    at: str = NOON
    metadata: bytes | None = None
    form: int = 0
    call: str | None = None


def message(text: str, key: str | None = None, **members: Any) -> Item:
    """A message of a user."""
    return Item("message", key, {"role": "user", "content": text}, form=PLAIN, **members)


def record(key: str, value: object, moment: str = NOON) -> Item:
    return Item("record", key, {"value": value}, moment)


def switch(to: str, reason: str = "asked") -> Item:
    return Item("switch", None, {"from": "orchestrator", "to": to, "reason": reason})


def log(*items: Item | str, root: bytes = ROOT) -> tuple[Entry, ...]:
    """Entries from number 1 on; a text is a message of a user.

    A longer log of the same beginning continues a shorter one: `log("a", "b")[1:]` follows on
    `log("a")`.
    """
    entries: list[Entry] = []
    for seq, item in enumerate(items, 1):
        kind, key, body, moment, metadata, form, call = (
            message(item) if isinstance(item, str) else item
        )
        json_body = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        content = digest(json_body, metadata, form)
        root = link(root, seq, kind, key, moment, content)
        entries.append(Entry(seq, kind, key, moment, json_body, root, metadata, form, call))
    return tuple(entries)


def header(entries: Sequence[Entry] = (), **members: Any) -> Header:
    """What follows from a log, but for the members that are given."""
    follows_from_them: dict[str, Any] = {
        "created_at": NOON,
        "last_activity": NOON,
        "version": len(entries),
        "message_count": sum(entry.kind == "message" for entry in entries),
        "switch_count": sum(entry.kind == "switch" for entry in entries),
    }
    return Header(**follows_from_them | members)


def begins(
    *items: Item | str,
    settings: Settings | None = None,
    end: Literal["trash", "purge"] | None = None,
    ended_at: str = "",
    standing: Standing | None = None,
    drafts: Sequence[DraftChunk] = (),
    reports: Sequence[tuple[int, str]] = (),
    **members: Any,
) -> Change:
    """A life that begins with these entries."""
    return follows(
        None,
        0,
        *items,
        settings=settings,
        end=end,
        ended_at=ended_at,
        root=ROOT,
        standing=standing,
        drafts=drafts,
        reports=reports,
        **members,
    )


def follows(
    no: int | None,
    after: int,
    *items: Item | str,
    settings: Settings | None = None,
    dropped: Sequence[int] = (),
    end: Literal["trash", "purge"] | None = None,
    ended_at: str = "",
    root: bytes = b"",
    standing: Standing | None = None,
    drafts: Sequence[DraftChunk] = (),
    drafts_gone: Sequence[str] = (),
    reports: Sequence[tuple[int, str]] = (),
    **members: Any,
) -> Change:
    """A life that goes on to have these entries, of which the store has the first `after`."""
    entries = log(*items)
    return Change(
        no=no,
        root=root,
        header=header(entries, **members),
        after=after,
        settings=settings,
        entries=entries[after:],
        dropped=dropped,
        end=end,
        ended_at=ended_at or (at(30) if end else ""),
        standing=standing,
        drafts=drafts,
        drafts_gone=drafts_gone,
        reports=reports,
    )


def fork(
    source: int, point: int, *items: Item | str, settings: Settings | None = None, **members: Any
) -> Fork:
    """A copy of the first `point` of these entries, and the last one of them behind it."""
    entries = log(*items)
    assert len(entries) == point + 1
    return Fork(
        source=source,
        at=point,
        root=ROOT,
        header=header(entries, **members),
        settings=settings or Settings(),
        entry=entries[-1],
    )


def delta(session_id: str, *steps: Step) -> Delta:
    return Delta(session_id=session_id, mark=1, steps=steps)


def born(session_id: str, *items: Item | str, **members: Any) -> Delta:
    """A session that begins with these entries."""
    return delta(session_id, begins(*items, **members))


def query(path: Path, sql: str, *values: object) -> list[Any]:
    """What another program sees in the database."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def change(path: Path, sql: str, *values: object) -> None:
    """What another program does to a database that nobody has open."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def place_each(path: Path) -> None:
    """Gives every entry a row of its own in `look`, as it has in databases of schema version 2."""
    change(path, "DELETE FROM look WHERE k < 1 << 61")
    change(path, "INSERT INTO look SELECT no, seq, id FROM entry")


def dump(path: Path) -> list[str]:
    """All that a database holds, as SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@contextmanager
def other_process(code: str, *arguments: object) -> Iterator[Process]:
    """A Python that runs `code` and has printed a first line; killed (-9) at the end."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
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
