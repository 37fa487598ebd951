"""Reads that system's first schema: a session is a row, and its messages are one JSON text.

Its agents are in a table of their own, whose row may be missing, or be there alone.
"""

# ruff: noqa: TRY004  (a wrong type in somebody's row is a wrong value, not a wrong call)

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from persistence.sqlite.guide.old_session import (
    OldMessage,
    OldSchema,
    OldSession,
    OldSwitch,
    UnreadableRow,
)
from persistence.sqlite.guide.values import OldText, Values, rows, utc_text
from persistence.sqlite.tables.schema import OLD_TABLES
from runtime import DEFAULT_AGENT

_SWITCH_MEMBERS = {"from", "to", "reason", "timestamp"}

_SESSIONS = """
SELECT s.session_id, s.messages, s.last_activity, s.created_at,
       c.session_id, c.current_agent, c.agent_history, c.context_metadata,
       c.created_at, c.last_switch_at, c.switch_count
  FROM sessions AS s LEFT JOIN agent_contexts AS c ON c.session_id = s.session_id
"""
_LONE_CONTEXTS = """
SELECT session_id, current_agent, agent_history, context_metadata,
       created_at, last_switch_at, switch_count
  FROM agent_contexts AS c
 WHERE NOT EXISTS (SELECT 1 FROM sessions AS s WHERE s.session_id = c.session_id)
"""
_IDS = "SELECT session_id FROM sessions UNION SELECT session_id FROM agent_contexts"


@frozen
class _Row:
    session_id: Any
    messages: Any
    last_activity: Any
    created_at: Any


@frozen
class _Context:
    session_id: Any
    current_agent: Any
    agent_history: Any
    context_metadata: Any
    created_at: Any
    last_switch_at: Any
    switch_count: Any


def _length(text: bytes | None) -> int:
    """The length of a JSON array that SQLite cannot read: NaN is none of its numbers."""
    found = json.loads((text or b"[]").decode("utf-8", "replace"))
    return len(found) if isinstance(found, list) else 0


def _sum_of_lengths(column: str, table: str) -> str:
    text = f"CAST({column} AS TEXT)"  # SQLite reads no JSON in a BLOB
    return (
        f"SELECT coalesce(sum(iif(json_valid({text}), json_array_length({text}),"  # noqa: S608
        f" old_length(CAST({column} AS BLOB)))), 0) FROM {table}"
    )


def _sessions(connection: sqlite3.Connection) -> Iterator[OldSession]:
    for row in rows(connection, _SESSIONS):
        context = None if row[4] is None else _Context(*row[4:])
        yield _session(_Row(*row[:4]), context)
    for row in rows(connection, _LONE_CONTEXTS):
        yield _session(None, _Context(*row))


def _session(row: _Row | None, context: _Context | None) -> OldSession:
    values = Values()
    either = row or context
    assert either is not None, "a session has at least one of the two rows"
    if not isinstance(either.session_id, OldText):
        raise UnreadableRow("sessions", either.session_id, "session_id is not text")
    session_id = values.text(either.session_id, "session_id")
    found: dict[str, Any] = {"session_id": session_id, "is_mended": values.replaced > 0}
    if context is not None:
        try:
            found |= _read_context(context, values)
        except ValueError as error:
            raise UnreadableRow("agent_contexts", session_id, str(error)) from error
    if row is not None:
        try:
            found |= _read_row(row, values)
        except ValueError as error:
            raise UnreadableRow("sessions", session_id, str(error)) from error
    return OldSession(**found, replaced=values.replaced)


def _read_row(row: _Row, values: Values) -> dict[str, Any]:
    last_activity = values.time(row.last_activity)
    return {
        "created_at": values.time(row.created_at),
        "last_activity": last_activity,
        "messages": [
            _read_message(message, number, last_activity)
            for number, message in enumerate(values.json(row.messages, list, "messages"), 1)
        ],
    }


def _read_message(message: object, number: int, default_time: str) -> OldMessage:
    if not isinstance(message, dict):
        raise ValueError(f"message {number}: it is not a JSON object")
    if not isinstance(message.get("role"), str):
        raise ValueError(f"message {number}: it has no role")
    try:
        at = utc_text(message.get("timestamp"))
    except ValueError:
        at = default_time
    return OldMessage(message, at)


def _read_context(context: _Context, values: Values) -> dict[str, Any]:
    created_at = values.time(context.created_at)
    last_switch_at = None
    if context.last_switch_at is not None:
        last_switch_at = values.time(context.last_switch_at)
    history = values.json(context.agent_history, list, "agent_history")
    switches = [
        _read_switch(item, number, last_switch_at or created_at)
        for number, item in enumerate(history, 1)
    ]
    metadata = values.json(context.context_metadata, dict, "context_metadata")
    if any(item.keys() - _SWITCH_MEMBERS for item in history):
        # A switch of ours has no more members than these.
        metadata.setdefault("agent_history", history)
    if not isinstance(context.switch_count, int):
        raise ValueError(f"switch_count {_shown(context.switch_count)!r} is not a number")
    return {
        "created_at": created_at,
        "last_activity": last_switch_at or created_at,
        "switches": switches,
        "agent": values.text(context.current_agent, "current_agent") or DEFAULT_AGENT,
        "switch_count": context.switch_count,
        "last_switch_at": last_switch_at,
        "metadata": metadata,
    }


def _read_switch(item: object, number: int, default_time: str) -> OldSwitch:
    if not isinstance(item, dict):
        raise ValueError(f"agent_history: item {number} is not a JSON object")
    from_agent, to_agent, reason = (item.get(name) or "" for name in ("from", "to", "reason"))
    if not (isinstance(from_agent, str) and isinstance(to_agent, str) and isinstance(reason, str)):
        raise ValueError(f"agent_history: item {number} has a member that is not text")
    if not to_agent:
        raise ValueError(f"agent_history: item {number} does not say to which agent")
    when = item.get("timestamp")
    return OldSwitch(from_agent, to_agent, reason, default_time if when is None else utc_text(when))


def _shown(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, OldText) else value


FIRST_SCHEMA = OldSchema(
    tables=("agent_contexts", "sessions"),
    columns={name: frozenset(columns) for name, columns in OLD_TABLES.items()},
    sessions=_sessions,
    counts={
        "living": f"SELECT count(*) FROM ({_IDS})",  # noqa: S608
        "trashed": "SELECT 0",
        "messages": _sum_of_lengths("messages", "sessions"),
        "switches": _sum_of_lengths("agent_history", "agent_contexts"),
    },
    functions={"old_length": _length},
    ids=_IDS,
)
