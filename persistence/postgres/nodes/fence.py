"""The statements by which a node's commits are fenced. What makes them safe is told in the package.

All of it is about one row, the node's in `fence`: who holds its lock decides about the node. It is
a row of its own, apart from the one of the node's beats, as a commit holds it to its end: however
long that takes, the node beats on meanwhile.
"""

from collections.abc import Collection

import psycopg
from attrs import frozen

from persistence.postgres.connections import Connection
from persistence.postgres.errors import OWNERSHIP_LOST

_NEXT = """
WITH mine AS (
    UPDATE agent_runtime.fence SET commit_seq = %s
     WHERE node = %s AND commit_seq = %s AND connection = %s
    RETURNING node)
SELECT agent_runtime.expect(%s, (SELECT count(*) FROM mine), 1)
"""
_OWNED = """
SELECT agent_runtime.expect(%s, count(*), %s)
  FROM agent_runtime.shard WHERE owner = %s AND shard = ANY(%s::smallint[])
"""
_CONNECTED = """
UPDATE agent_runtime.fence SET connection = %s WHERE node = %s AND connection < %s
RETURNING commit_seq
"""


@frozen
class Fence:
    """Stands before all that a node commits."""

    node: str

    def pass_with(
        self, sql: Connection, *, connection: int, commit_seq: int, shards: Collection[int]
    ) -> None:
        """The first statements of a transaction: with `OWNERSHIP_LOST` they end it, or it goes on.

        `connection`: the number of the node's connection that this comes by; `commit_seq`: that of
        the commit.
        """
        sql.execute(_NEXT, (commit_seq, self.node, commit_seq - 1, connection, OWNERSHIP_LOST))
        # A statement of its own: only one that begins behind the lock sees all that was done to
        # the shards by those who had it before.
        if shards:
            wanted = sorted(set(shards))
            sql.execute(_OWNED, (OWNERSHIP_LOST, len(wanted), self.node, wanted))

    def connect(self, sql: Connection, connection: int) -> psycopg.Cursor[tuple[int]]:
        """From now on only the connection of this number passes; none with a lower one will.

        Waits for a transaction that has passed. Answers with the number of the last commit, or
        with no row: the node is gone.
        """
        return sql.execute(_CONNECTED, (connection, self.node, connection))


def wait_for_locks(sql: Connection, seconds: float) -> None:
    """How long this transaction waits for each lock, before it fails with `LockNotAvailable`."""
    sql.execute("SELECT set_config('lock_timeout', %s, true)", (f"{round(seconds * 1000)}ms",))
