"""Reads that system's later schema, in which messages and switches are rows of their own.

It had integer keys first, and UUIDs later, which are the sessions' ids then. Deleted sessions stay,
marked. Messages and switches come in the order in which that system read them: by time, and where
that is the same, as they arrived. The keys of their rows are not kept: no client ever saw them.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from attrs import define, frozen

from persistence.sqlite.guide.old_session import (
    OldMessage,
    OldSchema,
    OldSession,
    OldSwitch,
    UnreadableRow,
)
from persistence.sqlite.guide.values import OldText, Values, rows
from runtime import DEFAULT_AGENT

_SESSION = frozenset({"id", "created_at", "last_activity", "is_active", "deleted_at"})
_OTHERS = {
    "messages": frozenset(
        {
            "id",
            "session_db_id",
            "role",
            "content",
            "timestamp",
            "name",
            "tool_call_id",
            "tool_calls",
            "token_count",
            "metadata_json",
        }
    ),
    "agent_contexts": frozenset(
        {
            "id",
            "session_db_id",
            "current_agent",
            "created_at",
            "updated_at",
            "switch_count",
            "metadata_json",
        }
    ),
    "agent_switches": frozenset(
        {
            "id",
            "context_db_id",
            "from_agent",
            "to_agent",
            "switched_at",
            "reason",
            "metadata_json",
        }
    ),
}

# The three go on side by side, in the order of the sessions' keys.
_MESSAGES = """
SELECT s.id, m.role, m.content, m.timestamp, m.name, m.tool_call_id, m.tool_calls, m.token_count,
       m.metadata_json
  FROM messages AS m JOIN sessions AS s ON s.id = m.session_db_id
 ORDER BY s.id, m.timestamp, m.rowid
"""
_SWITCHES = """
SELECT s.id, w.from_agent, w.to_agent, w.switched_at, w.reason, w.metadata_json
  FROM agent_switches AS w JOIN agent_contexts AS c ON c.id = w.context_db_id
       JOIN sessions AS s ON s.id = c.session_db_id
 ORDER BY s.id, w.switched_at, w.rowid
"""
_LEFT_OUT = """
SELECT (SELECT count(*) FROM messages
         WHERE session_db_id NOT IN (SELECT id FROM sessions))
     + (SELECT count(*) FROM agent_contexts
         WHERE session_db_id NOT IN (SELECT id FROM sessions))
     + (SELECT count(*) FROM agent_switches
         WHERE context_db_id NOT IN
               (SELECT c.id FROM agent_contexts AS c JOIN sessions AS s ON s.id = c.session_db_id))
"""


def _sessions_query(*, key: str, title: str, description: str) -> str:
    return f"""
    SELECT s.id, s.{key}, s.created_at, s.last_activity, s.is_active, s.deleted_at,
           {title}, {description},
           c.current_agent, c.switch_count, c.metadata_json
      FROM sessions AS s LEFT JOIN agent_contexts AS c ON c.session_db_id = s.id
     ORDER BY s.id
    """  # noqa: S608


@frozen
class _Row:
    key: Any
    session_id: Any
    created_at: Any
    last_activity: Any
    is_active: Any
    deleted_at: Any
    title: Any
    description: Any
    current_agent: Any
    switch_count: Any
    context_metadata: Any


@define
class _Beside:
    """Rows that come in the order of the sessions' keys, some for each session, or none."""

    _groups: Iterator[tuple[Any, list[tuple[Any, ...]]]]
    _next: tuple[Any, list[tuple[Any, ...]]] | None = None

    @classmethod
    def of(cls, found: Iterator[tuple[Any, ...]]) -> "_Beside":
        beside = cls((key, list(group)) for key, group in groupby(found, itemgetter(0)))
        beside._next = next(beside._groups, None)
        return beside

    def take(self, key: Any) -> list[tuple[Any, ...]]:
        """The rows of this session; to be asked for each session, in their order."""
        if self._next is None or self._next[0] != key:
            return []
        group = self._next[1]
        self._next = next(self._groups, None)
        return group


def _reader(query: str, connection: sqlite3.Connection) -> Iterator[OldSession]:
    messages = _Beside.of(rows(connection, _MESSAGES))
    switches = _Beside.of(rows(connection, _SWITCHES))
    for columns in rows(connection, query):
        row = _Row(*columns)
        yield _session(row, messages.take(row.key), switches.take(row.key))


def _session(
    row: _Row, messages: list[tuple[Any, ...]], switches: list[tuple[Any, ...]]
) -> OldSession:
    if not isinstance(row.session_id, OldText):
        raise UnreadableRow("sessions", row.session_id, "its id is not text")
    values = Values()
    session_id = values.text(row.session_id, "id")
    is_mended = values.replaced > 0
    try:
        metadata = _metadata(row.context_metadata, values)
        description = _optional(row.description, "description", values)
        if description:
            metadata.setdefault("description", description)
        read = [_switch(columns[1:], values) for columns in switches]
        if any(more for _, more in read):
            # A switch of ours has no metadata.
            metadata.setdefault("agent_history", [_shown(*switch) for switch in read])
        deleted_at = None if row.deleted_at is None else values.time(row.deleted_at)
        return OldSession(
            session_id=session_id,
            is_mended=is_mended,
            created_at=values.time(row.created_at),
            last_activity=values.time(row.last_activity),
            messages=[
                _message(columns[1:], number, values) for number, columns in enumerate(messages, 1)
            ],
            switches=[switch for switch, _ in read],
            agent=_optional(row.current_agent, "current_agent", values) or DEFAULT_AGENT,
            switch_count=row.switch_count if isinstance(row.switch_count, int) else 0,
            title=_optional(row.title, "title", values),
            # One that is not active, and was not deleted, was put away.
            is_archived=row.is_active == 0 and deleted_at is None,
            metadata=metadata,
            deleted_at=deleted_at,
            replaced=values.replaced,
        )
    except ValueError as error:
        raise UnreadableRow("sessions", session_id, str(error)) from error


def _message(columns: tuple[Any, ...], number: int, values: Values) -> OldMessage:
    role, content, timestamp, name, tool_call_id, tool_calls, token_count, metadata = columns
    try:
        said: dict[str, Any] = {
            "role": values.text(role, "role"),
            "content": _optional(content, "content", values),
        }
        for member, value in (("name", name), ("tool_call_id", tool_call_id)):
            if value is not None:
                said[member] = values.text(value, member)
        if tool_calls is not None:
            said["tool_calls"] = values.json(tool_calls, list, "tool_calls")
        more = _metadata(metadata, values)
        if isinstance(token_count, int):
            more.setdefault("token_count", token_count)
        if more:
            said["metadata"] = more
        return OldMessage(said, values.time(timestamp))
    except ValueError as error:
        raise ValueError(f"message {number}: {error}") from error


def _switch(columns: tuple[Any, ...], values: Values) -> tuple[OldSwitch, dict[str, Any]]:
    from_agent, to_agent, switched_at, reason, metadata = columns
    switch = OldSwitch(
        _optional(from_agent, "from_agent", values) or "",
        values.text(to_agent, "to_agent"),
        _optional(reason, "reason", values) or "",
        values.time(switched_at),
    )
    return switch, _metadata(metadata, values)


def _shown(switch: OldSwitch, more: dict[str, Any]) -> dict[str, Any]:
    said = {
        "from": switch.from_agent,
        "to": switch.to_agent,
        "reason": switch.reason,
        "timestamp": switch.at,
    }
    return {**said, "metadata": more} if more else said


def _metadata(value: Any, values: Values) -> dict[str, Any]:
    return {} if value is None else values.json(value, dict, "metadata_json")


def _optional(value: Any, what: str, values: Values) -> str | None:
    return None if value is None else values.text(value, what)


def _schema(session: frozenset[str], **names: str) -> OldSchema:
    query = _sessions_query(**names)
    return OldSchema(
        tables=("agent_switches", "agent_contexts", "messages", "sessions"),
        columns={"sessions": session, **_OTHERS},
        sessions=lambda connection: _reader(query, connection),
        counts={
            "living": "SELECT count(*) FROM sessions WHERE deleted_at IS NULL",
            "trashed": "SELECT count(*) FROM sessions WHERE deleted_at IS NOT NULL",
            "messages": "SELECT count(*) FROM messages"
            " WHERE session_db_id IN (SELECT id FROM sessions)",
            "switches": "SELECT count(*) FROM agent_switches WHERE context_db_id IN"
            " (SELECT c.id FROM agent_contexts AS c JOIN sessions AS s ON s.id = c.session_db_id)",
        },
        ids=f"SELECT {names['key']} AS session_id FROM sessions",  # noqa: S608
        left_out=_LEFT_OUT,
    )


WITH_INTEGERS = _schema(
    _SESSION | {"session_id"}, key="session_id", title="NULL", description="NULL"
)
WITH_UUIDS = _schema(
    _SESSION | {"title", "description"}, key="id", title="s.title", description="s.description"
)
