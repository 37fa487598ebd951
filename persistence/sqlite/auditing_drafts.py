"""Whether the chunks of drafts follow on each other, and belong to a session.

What does not follow is left out when the session is loaded: nobody could say where it belongs. So
it is named here, or nobody would hear of it.
"""

import sqlite3
from collections.abc import Iterator

import msgspec

from persistence.sqlite.auditing import Problem

_CHUNKS = """
SELECT no, session_id, key, start, CAST(body AS BLOB)
  FROM draft LEFT JOIN session USING (no)
 WHERE deleted_at IS NOT '' ORDER BY no, draft.id
"""

_added_of = msgspec.json.Decoder(list[tuple[str, str]]).decode


def drafts(connection: sqlite3.Connection) -> Iterator[Problem]:
    """What is wrong with the drafts, in the caller's read transaction."""
    try:
        yield from _drafts(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        yield "damage", f"SQLite: {error}"


def _drafts(connection: sqlite3.Connection) -> Iterator[Problem]:
    # One session after the other: so only the drafts of one are in memory, and no text of them.
    present: int | None = None
    lengths: dict[str, int] = {}
    for no, session_id, key, start, body in connection.execute(_CHUNKS):
        is_new = no != present
        if is_new:
            present, lengths = no, {}
        if session_id is None:
            if is_new:
                yield "stray", f"Drafts of number {no} belong to no session"
            continue
        who = f"Session {session_id!r}: draft {key!r}"
        length = lengths.get(key, 0)
        if start != length:
            yield "draft", f"{who} goes on behind character {start}, and has {length}"
            continue
        try:
            lengths[key] = length + sum(len(text) for _, text in _added_of(body))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            yield "draft", f"{who}: what was added behind character {start} cannot be read"
