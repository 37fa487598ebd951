"""What is large is written ahead, a part with each commit, so that nobody waits for all of it.

Rules:

- A part is nobody's: no read goes beyond the version of a life's row, which only the last commit
  writes. So a call's entries are seen all at once, or never.
- A life that begins has its row from its first part on, but as one that is being purged: nobody
  sees it. The last commit makes it a living one; after a crash it is purged.
- Of a life that is there, `ahead` says that entries are written beyond its version. After a crash
  these are removed before anything else, by who owns the shard then.
- In memory, a part is known by its session's id. If another delta comes under that id, which does
  not go on with it, the part is given up.
"""

from collections.abc import Collection, Sequence

from persistence.parts import Part, goes_on
from persistence.postgres import rows
from persistence.postgres.connections import Connection
from persistence.postgres.writing.transaction import Transaction, expecting
from persistence.sequence import check_change
from runtime import Change, Entry, Header, shard_of

_HIDDEN = """
INSERT INTO agent_runtime.session
       (no, session_id, shard, root, created_at, last_activity, version, message_count,
        current_agent, switch_count, last_switch_at, floor, deleted_at)
SELECT *, '' FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LIVE = expecting(
    """
    UPDATE agent_runtime.session AS s
       SET last_activity = n.last_activity, version = n.version, message_count = n.message_count,
           current_agent = n.current_agent, switch_count = n.switch_count,
           last_switch_at = n.last_switch_at, floor = n.floor, deleted_at = NULL
      FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
           AS n (no, session_id, shard, root, created_at, last_activity, version, message_count,
                 current_agent, switch_count, last_switch_at, floor)
     WHERE s.no = n.no AND s.session_id = n.session_id AND s.root = n.root
       AND s.created_at = n.created_at AND s.deleted_at = '' RETURNING 1
    """
)
_IS_AT = expecting(
    """
    SELECT 1 FROM agent_runtime.session AS s
      JOIN unnest(%s, %s, %s) AS n (no, session_id, version)
        ON s.no = n.no AND s.session_id = n.session_id AND s.version = n.version
     WHERE s.deleted_at IS NULL
    """
)
_MARK = "INSERT INTO agent_runtime.ahead (no, shard) VALUES (%s, %s)"
_UNMARK = expecting("DELETE FROM agent_runtime.ahead WHERE no = %s RETURNING 1")
_BEYOND = """
DELETE FROM agent_runtime.entry AS e USING agent_runtime.session AS s
 WHERE s.no = e.no AND e.no = %s AND e.seq > s.version
"""
_REMOVE = """
WITH left_behind AS (DELETE FROM agent_runtime.ahead WHERE shard = ANY(%s) RETURNING no)
DELETE FROM agent_runtime.entry AS e
 USING left_behind AS l JOIN agent_runtime.session AS s ON s.no = l.no
 WHERE e.no = s.no AND e.seq > s.version
"""


def remove(connection: Connection, shards: Collection[int]) -> None:
    """Removes what was written ahead of living sessions of these shards, in a transaction.

    For who takes the shards over, before it serves them: whoever wrote it is gone. At most what may
    wait for the store goes at once. Nothing is fetched.
    """
    connection.execute(_REMOVE, (list(shards),))


def rest_of(to: Transaction, session_id: str, change: Change) -> Sequence[Entry]:
    """The entries of a change that are not there yet.

    If what was written ahead is not of this one, it is given up.
    """
    part = to.ahead.get(session_id)
    if part is None:
        return change.entries
    if goes_on(part, change):
        return change.entries[part.upto - change.after :]
    give_up(to, session_id)
    return change.entries


def go_on(
    to: Transaction,
    session_id: str,
    change: Change,
    rest: Sequence[Entry],
    *,
    sharers: int,
) -> None:
    """Writes the next part of a change, of which this is the rest.

    `sharers` have the room of this commit together. Raises `OutOfStep`.
    """
    part = to.ahead.get(session_id)
    if part is None:
        part = _begun(to, session_id, change)
    taken = to.room.share(rest, sharers=sharers)
    to.put(part.no, taken)
    to.flush()
    upto = part.upto + len(taken)
    to.ahead[session_id] = Part(part.no, upto, taken[-1].chain, begins=part.begins)


def begin(to: Transaction, session_id: str, root: bytes, header: Header) -> Part:
    """A life that nobody sees yet."""
    no = to.numbers.take()
    to.execute(_HIDDEN, rows.starts([(no, session_id, root, header)]))
    return Part(no, 0, b"", begins=True)


def finish(to: Transaction, session_id: str, root: bytes, header: Header) -> int | None:
    """Makes the life that was written ahead a living one; `None`: there is none that begins."""
    part = to.ahead.pop(session_id, None)
    if part is None:
        return None
    if not part.begins:
        to.execute(_UNMARK, (part.no, 1))
        return None
    to.execute(_LIVE, (*rows.starts([(part.no, session_id, root, header)]), 1))
    to.count(session_id, 1)
    to.written.begun[session_id] = part.no
    return part.no


def give_up(to: Transaction, session_id: str) -> None:
    """Removes what was written ahead under this id, at once or as a purge does."""
    part = to.ahead.pop(session_id)
    if part.begins:
        to.written.purged.append(part.no)
    else:
        to.execute(_BEYOND, (part.no,))
        to.execute(_UNMARK, (part.no, 1))


def _begun(to: Transaction, session_id: str, change: Change) -> Part:
    check_change(change)
    if change.no is None:
        return begin(to, session_id, change.root, change.header)
    life = rows.continuations([(change.no, session_id, change.after, change.header)])
    to.execute(_IS_AT, (*life[:3], 1))
    to.execute(_MARK, (change.no, shard_of(session_id)))
    return Part(change.no, change.after, b"", begins=False)
