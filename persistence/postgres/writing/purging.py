"""A life that goes for good goes bit by bit, so that no commit waits for a long session's end.

It is marked first, and invisible from then on; each commit takes some of what is left. Two nodes
may come upon the same life: one locks its row, and the other one passes it over.
"""

from collections.abc import Collection, Sequence

from persistence.postgres.connections import Connection
from persistence.postgres.writing.used import let_go

PURGE_CHUNK = 1_000
"""Entries that one commit removes: some ten milliseconds."""

_LIFE = 10
"""What removing a session's own row costs, in entries: it stands in other pages than its
neighbours' do, and in those of its indexes."""

_PURGING = """
SELECT no FROM agent_runtime.session
 WHERE deleted_at = '' AND shard IN (
    SELECT shard FROM agent_runtime.shard WHERE owner = %s AND shard = ANY(%s))
 ORDER BY no
"""
_LOCK = """
SELECT no FROM agent_runtime.session WHERE no = ANY(%s) AND deleted_at = '' ORDER BY no
   FOR UPDATE SKIP LOCKED
"""
# From the last number down: what is left is still a log without gaps.
_ENTRIES = """
DELETE FROM agent_runtime.entry AS e USING (
    SELECT o.no, o.seq
      FROM unnest(%s::bigint[]) AS l (no)
           CROSS JOIN LATERAL (SELECT i.no, i.seq FROM agent_runtime.entry AS i
                                WHERE i.no = l.no ORDER BY i.seq DESC LIMIT %s) AS o
     LIMIT %s) AS doomed
 WHERE e.no = doomed.no AND e.seq = doomed.seq
"""
# Its settings go along.
_SESSIONS = """
DELETE FROM agent_runtime.session AS s
 WHERE s.no = ANY(%s) AND s.deleted_at = ''
   AND NOT EXISTS (SELECT 1 FROM agent_runtime.entry AS e WHERE e.no = s.no)
   AND NOT EXISTS (SELECT 1 FROM agent_runtime.used AS u WHERE u.no = s.no)
RETURNING s.no
"""


def unfinished(connection: Connection, node: str, shards: Collection[int]) -> list[int]:
    """The lives of these shards that are marked and not gone yet, those written ahead included.

    For who has passed the fence, and has written nothing ahead there yet. Of shards that are not
    the node's any more it says nothing: their owner may be writing ahead.
    """
    return [no for (no,) in connection.execute(_PURGING, (node, list(shards)))]


def purge(connection: Connection, lives: Sequence[int]) -> list[int]:
    """Removes a chunk of these lives, in the caller's transaction; returns those that are left.

    Those that another node is at are left to it.
    """
    now, later = lives[: max(PURGE_CHUNK // _LIFE, 1)], lives[max(PURGE_CHUNK // _LIFE, 1) :]
    locked = [no for (no,) in connection.execute(_LOCK, (list(now),))]
    if not locked:
        return list(later)
    connection.execute(_ENTRIES, (locked, PURGE_CHUNK, PURGE_CHUNK))
    let_go(connection, locked, PURGE_CHUNK)
    gone = {no for (no,) in connection.execute(_SESSIONS, (locked,))}
    return [*(no for no in locked if no not in gone), *later]
