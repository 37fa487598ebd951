"""Databases with many sessions, or long ones, made straight in the tables: in seconds."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks.baselines import encoded
from benchmarks.embedded import opened
from benchmarks.workload import SHORT, Message

_NUMBERS = """
WITH RECURSIVE
    numbers (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers LIMIT :sessions),
    seqs (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM seqs LIMIT :length)
"""
_MOMENT = "strftime('%Y-%m-%dT%H:%M:%fZ', 1735689600 + number * 7919 % :sessions, 'unixepoch')"
"""In 2025, a second from another session's, in an order that is not that of the ids: 7919 is a
prime that divides no number of sessions here."""

_SESSIONS = f"""
{_NUMBERS}
INSERT INTO session (session_id, created_at, last_activity, version, message_count, current_agent,
                     switch_count, last_switch_at, metadata)
SELECT :prefix || number, {_MOMENT}, {_MOMENT}, max(1, :length), :length, 'orchestrator', 0, NULL,
       '{{}}'
  FROM numbers
"""  # noqa: S608 -- nothing in it comes from outside
_SHORT_MESSAGES = f"""
{_NUMBERS}
INSERT INTO message (session_id, seq, body, client_id, metadata, timestamp)
SELECT :prefix || number, seq,
       '{{"role":"user","content":"' || substr(seq || :filling, 1, :size) || '"}}',
       NULL, NULL, {_MOMENT}
  FROM numbers CROSS JOIN seqs
"""  # noqa: S608 -- nothing in it comes from outside
_MESSAGE = """
INSERT INTO message (session_id, seq, body, client_id, metadata, timestamp)
VALUES (?, ?, ?, ?, NULL, '2025-01-01T00:00:00.000Z')
"""
_JSON_BYTES = """
SELECT sum(length(CAST(body AS BLOB)) + coalesce(length('"id":"",') + length(client_id), 0))
  FROM message
 WHERE session_id GLOB ? || '*'
"""


def fill(path: Path, prefix: str, sessions: int, length: int) -> None:
    """Adds sessions of `length` short messages each; their ids are `prefix` and a number from 0 on.

    Makes the database if it is not there; otherwise nobody may have it open.
    """
    values = {"prefix": prefix, "sessions": sessions, "length": length}
    with _filling(path) as connection:
        if sessions:
            connection.execute(_SESSIONS, values)
        if sessions and length:
            filling = {"filling": " ".ljust(SHORT, "z"), "size": SHORT}
            connection.execute(_SHORT_MESSAGES, values | filling)


def fill_with(
    path: Path, prefix: str, conversations: Sequence[Sequence[Message]], *, ids: bool
) -> None:
    """The same with conversations, all of one length; `ids`: whether messages have client ids."""
    length = len(conversations[0])
    values = {"prefix": prefix, "sessions": len(conversations), "length": length}
    with _filling(path) as connection:
        connection.execute(_SESSIONS, values)
        connection.executemany(
            _MESSAGE,
            (
                (
                    f"{prefix}{number}",
                    seq,
                    encoded(message),
                    f"message-{number:08x}-{seq:08x}" if ids else None,
                )
                for number, conversation in enumerate(conversations)
                for seq, message in enumerate(conversation, start=1)
            ),
        )


def json_bytes(path: Path, prefix: str) -> int:
    """Bytes of JSON of all messages of the sessions whose ids begin so, with their client ids."""
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute(_JSON_BYTES, (prefix,)).fetchone()
    return int(size or 0)


@contextmanager
def _filling(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction, the fastest way; it is on the disk when the block has ended."""
    opened(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -200000")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
    # Otherwise the system would write it while something is measured.
    with path.open("rb") as file:
        os.fsync(file.fileno())
