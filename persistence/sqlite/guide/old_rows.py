"""What a row of the guide's own system says, in our terms. Pure: no database.

Rules:

- Nothing that a row holds is lost: what has no place of its own goes into the metadata.
- A history never shows a null, and `content` is always a string, as the guide's client requires.
- That system wrote local times without a zone. They are read in this machine's zone: the service
  is expected to be upgraded where it ran.
"""

# ruff: noqa: TRY004  (a wrong type in somebody's row is a wrong value, not a wrong call)

from datetime import UTC, datetime
from typing import Any

import msgspec
from attrs import frozen

from runtime.session.message import Entry, ToolCall
from runtime.store import DEFAULT_AGENT, AgentSwitch, Delta, Header

_SWITCH_MEMBERS = {"from", "to", "reason", "timestamp"}

_encode = msgspec.json.Encoder().encode


class UnreadableRow(ValueError):
    """A row that says nothing we can be sure of."""

    def __init__(self, table: str, session_id: object, problem: str) -> None:
        super().__init__(f"row {session_id!r} of table {table} cannot be read: {problem}")


@frozen
class OldSession:
    """A row of the table `sessions`, as SQLite gives it."""

    session_id: Any
    messages: Any
    last_activity: Any
    created_at: Any


@frozen
class OldContext:
    """A row of the table `agent_contexts`, as SQLite gives it."""

    session_id: Any
    current_agent: Any
    agent_history: Any
    context_metadata: Any
    created_at: Any
    last_switch_at: Any
    switch_count: Any


def delta_of(session: OldSession | None, context: OldContext | None) -> Delta:
    """The session that the two rows, of which one may be missing, make together.

    Raises `UnreadableRow`.
    """
    entries: list[Entry] = []
    switches: list[AgentSwitch] = []
    agent: dict[str, Any] = {}
    if context is not None:
        try:
            switches, agent = _read_context(context)
            created_at = utc_text(context.created_at)
            last_activity = agent["last_switch_at"] or created_at
        except ValueError as error:
            raise UnreadableRow("agent_contexts", context.session_id, str(error)) from error
    if session is not None:
        try:
            created_at = utc_text(session.created_at)
            last_activity = utc_text(session.last_activity)
            entries = _read_messages(session.messages, last_activity)
        except ValueError as error:
            raise UnreadableRow("sessions", session.session_id, str(error)) from error
    row = session or context
    assert row is not None, "a session has at least one of the two rows"
    if not isinstance(row.session_id, str):
        raise UnreadableRow("sessions", row.session_id, "session_id is not text")
    header = Header(
        created_at=created_at,
        last_activity=last_activity,
        version=1,
        message_count=len(entries),
        **agent,
    )
    return Delta(
        session_id=row.session_id, version=1, header=header, entries=entries, switches=switches
    )


def utc_text(value: object) -> str:
    """A time as that system wrote it, as UTC text. Raises `ValueError`."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a time")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a time") from None
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _read_messages(text: object, default_time: str) -> list[Entry]:
    entries: list[Entry] = []
    ids: set[str] = set()
    for number, message in enumerate(_decode(text, list, "messages"), 1):
        try:
            entry = _read_message(message, default_time, ids)
        except ValueError as error:
            raise ValueError(f"message {number}: {error}") from error
        if entry.id is not None:
            ids.add(entry.id)
        entries.append(entry)
    return entries


def _read_message(message: object, default_time: str, ids: set[str]) -> Entry:
    """One message; `ids` are those that its session has given away already."""
    if not isinstance(message, dict):
        raise ValueError("it is not a JSON object")
    rest = {name: value for name, value in message.items() if value is not None}
    role = rest.pop("role", None)
    if not isinstance(role, str):
        raise ValueError("it has no role")
    content = rest.get("content", "")
    if isinstance(content, str):
        rest.pop("content", None)
    else:
        # A list of parts. Its text form is all that the guide's client can show; the parts
        # themselves stay in the metadata.
        content = _encode(content).decode()
    body: dict[str, Any] = {"role": role, "content": content}
    if isinstance(rest.get("name"), str):
        body["name"] = rest.pop("name")
    if _are_tool_calls(rest.get("tool_calls")):
        body["tool_calls"] = rest.pop("tool_calls")
    if isinstance(rest.get("tool_call_id"), str):
        body["tool_call_id"] = rest.pop("tool_call_id")
    client_id = rest.get("id")
    if _is_client_id(client_id) and client_id not in ids:
        del rest["id"]
    else:
        client_id = None
    try:
        timestamp = utc_text(rest.get("timestamp"))
        del rest["timestamp"]
    except ValueError:
        timestamp = default_time
    metadata: Any = rest
    if rest.keys() == {"metadata"} and isinstance(rest["metadata"], dict):
        metadata = rest["metadata"]
    return Entry(_encode(body), timestamp, client_id, _encode(metadata) if metadata else None)


def _are_tool_calls(value: object) -> bool:
    try:
        msgspec.convert(value, list[ToolCall])
    except msgspec.ValidationError:
        return False
    return True


def _is_client_id(value: object) -> bool:
    return (
        isinstance(value, str) and 0 < len(value) <= 256 and value.isascii() and value.isprintable()
    )


def _read_context(context: OldContext) -> tuple[list[AgentSwitch], dict[str, Any]]:
    """The agent switches, and what the header says of the agent."""
    last_switch_at = None
    if context.last_switch_at is not None:
        last_switch_at = utc_text(context.last_switch_at)
    default_time = last_switch_at or utc_text(context.created_at)
    history = _decode(context.agent_history, list, "agent_history")
    switches = [_read_switch(item, number, default_time) for number, item in enumerate(history, 1)]
    metadata = _decode(context.context_metadata, dict, "context_metadata")
    if any(item.keys() - _SWITCH_MEMBERS for item in history):
        metadata.setdefault("agent_history", history)
    if not isinstance(context.switch_count, int):
        raise ValueError(f"switch_count {context.switch_count!r} is not a number")
    if not isinstance(context.current_agent, str):
        raise ValueError(f"current_agent {context.current_agent!r} is not text")
    return switches, {
        "current_agent": context.current_agent or DEFAULT_AGENT,
        # That system may have kept fewer switches than it counted; never the other way round.
        "switch_count": max(context.switch_count, len(switches)),
        "last_switch_at": last_switch_at,
        "metadata": _encode(metadata),
    }


def _read_switch(item: object, number: int, default_time: str) -> AgentSwitch:
    if not isinstance(item, dict):
        raise ValueError(f"agent_history: item {number} is not a JSON object")
    from_agent, to_agent, reason = (item.get(name) or "" for name in ("from", "to", "reason"))
    if not (isinstance(from_agent, str) and isinstance(to_agent, str) and isinstance(reason, str)):
        raise ValueError(f"agent_history: item {number} has a member that is not text")
    if not to_agent:
        raise ValueError(f"agent_history: item {number} does not say to which agent")
    when = item.get("timestamp")
    timestamp = default_time if when is None else utc_text(when)
    return AgentSwitch(from_agent, to_agent, reason, timestamp)


def _decode(text: object, expected: type[Any], what: str) -> Any:
    """The JSON value of a column; a null is an empty one. Raises `ValueError`."""
    if not isinstance(text, str | bytes):
        raise ValueError(f"{what} is not JSON text")
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ValueError(f"{what} is not JSON: {error}") from error
    if value is None:
        return expected()
    if not isinstance(value, expected):
        raise ValueError(f"{what} is not a JSON {'array' if expected is list else 'object'}")
    return value
