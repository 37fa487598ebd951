"""Reads databases of schema version 1, the one before this program's.

There a session was a row with columns of its own; its messages, and its agent switches, were rows
of two tables. Nothing here writes, and nothing holds more than a row in memory.
"""

import re
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from attrs import frozen

from persistence.sqlite.guards.witness import Mark
from persistence.sqlite.guide.old_order import lacks_switch
from persistence.sqlite.tables.schema import IDENTITY

VERSION = 1
"""The `user_version` of these databases."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

# In the order in which they came to be, so that the new file has the newest ones at its end.
_SESSIONS = """
SELECT session_id, created_at, last_activity, message_count, current_agent, switch_count,
       last_switch_at, CAST(metadata AS BLOB),
       (SELECT count(*) FROM agent_switch AS a WHERE a.session_id = s.session_id),
       (SELECT to_agent FROM agent_switch AS a WHERE a.session_id = s.session_id
         ORDER BY ordinal DESC LIMIT 1)
  FROM session AS s ORDER BY rowid
"""
# Bodies stay bytes: what was written is what is kept.
_MESSAGES = """
SELECT seq, CAST(body AS BLOB), client_id, CAST(metadata AS BLOB), timestamp
  FROM message WHERE session_id = ? ORDER BY seq
"""
_SWITCHES = """
SELECT ordinal, from_agent, to_agent, reason, timestamp
  FROM agent_switch WHERE session_id = ? ORDER BY ordinal
"""
_COUNTS = """
SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM message),
       (SELECT count(*) FROM agent_switch)
"""


class Counts(NamedTuple):
    """How much there is."""

    sessions: int
    messages: int
    switches: int


@frozen
class OldSession:
    """A row of the table `session`."""

    session_id: str
    created_at: str
    last_activity: str
    message_count: int
    current_agent: str
    switch_count: int
    last_switch_at: str | None
    metadata: dict[str, Any]
    recorded_switches: int
    """Of the `switch_count`, those that have a row: a session that was taken over from the guide's
    own system may have lost some."""
    recorded_agent: str | None
    """The agent that the last of these led to."""

    @property
    def lost_switches(self) -> int:
        """Switches that are known by their number only."""
        return self.switch_count - self.recorded_switches

    @property
    def is_contradictory(self) -> bool:
        """Whether the recorded switches lead to another agent than the current one."""
        return lacks_switch(self.recorded_agent, self.current_agent)


class OldMessage(NamedTuple):
    """A row of the table `message`."""

    seq: int
    body: bytes
    client_id: str | None
    metadata: bytes | None
    timestamp: str


class OldSwitch(NamedTuple):
    """A row of the table `agent_switch`."""

    ordinal: int
    from_agent: str
    to_agent: str
    reason: str
    timestamp: str


def mark_of(connection: sqlite3.Connection) -> Mark:
    """Which database this is and how far it has come. Raises `sqlite3.Error`."""
    for identity, commit_seq in connection.execute("SELECT identity, commit_seq FROM meta"):
        if isinstance(commit_seq, int) and IDENTITY.fullmatch(str(identity)):
            return Mark(identity, commit_seq)
    error = sqlite3.DatabaseError("the table meta does not say what it should")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise error


def counts(connection: sqlite3.Connection) -> Counts:
    """How much there is, whomever it belongs to. Raises `sqlite3.Error`."""
    [row] = connection.execute(_COUNTS).fetchall()
    return Counts(*row)


def sessions(connection: sqlite3.Connection) -> Iterator[OldSession]:
    """All sessions. Raises `ValueError` for one that is not as that program wrote it."""
    for row in connection.execute(_SESSIONS):
        session = OldSession(*(*row[:7], _metadata(row[0], row[7]), *row[8:]))
        _check_time(session.session_id, "its creation", session.created_at)
        _check_time(session.session_id, "its last activity", session.last_activity)
        if session.last_switch_at is not None:
            _check_time(session.session_id, "its last switch", session.last_switch_at)
        if session.lost_switches < 0:
            raise ValueError(
                f"session {session.session_id!r} says it has {session.switch_count} agent "
                f"switches; it has {session.recorded_switches}"
            )
        yield session


def messages(connection: sqlite3.Connection, session: OldSession) -> Iterator[OldMessage]:
    """The messages of a session. Raises `ValueError` as `sessions` does."""
    expected = 1
    for message in map(OldMessage._make, connection.execute(_MESSAGES, (session.session_id,))):
        if message.seq != expected:
            raise ValueError(f"session {session.session_id!r}: message {expected} is missing")
        _check_time(session.session_id, f"message {expected}", message.timestamp)
        yield message
        expected += 1
    if session.message_count != expected - 1:
        raise ValueError(
            f"session {session.session_id!r} says it has {session.message_count} messages; "
            f"it has {expected - 1}"
        )


def switches(connection: sqlite3.Connection, session: OldSession) -> Iterator[OldSwitch]:
    """The agent switches of a session. Raises `ValueError` as `sessions` does."""
    expected = 1
    for switch in map(OldSwitch._make, connection.execute(_SWITCHES, (session.session_id,))):
        if switch.ordinal != expected:
            raise ValueError(f"session {session.session_id!r}: agent switch {expected} is missing")
        _check_time(session.session_id, f"agent switch {expected}", switch.timestamp)
        yield switch
        expected += 1


def _metadata(session_id: str, text: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"session {session_id!r}: the metadata is no JSON object") from error


def _check_time(session_id: str, what: str, time: str) -> None:
    # Sessions keep their times packed, and could not be loaded with another text.
    if not _TIME.fullmatch(time):
        raise ValueError(f"session {session_id!r}: the time of {what}, {time!r}, is none")
