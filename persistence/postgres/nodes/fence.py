"""The statements by which a node's commits are fenced. What makes them safe is told in the package.

All of it is about one row, the node's in `fence`: who holds its lock decides about the node. It is
a row of its own, apart from the one of the node's beats, as a commit holds it to its end: however
long that takes, the node beats on meanwhile.
"""

from collections.abc import Collection

import psycopg
from attrs import frozen

from persistence.postgres.nodes.line import Connection

LOST = "AR001"
"""The SQLSTATE of an error of our own: the node does not own what it writes to."""

_NEXT = """
WITH mine AS (
    UPDATE agent_runtime.fence SET commit_seq = %(commit_seq)s
    WHERE node = %(node)s AND commit_seq = %(commit_seq)s - 1 AND connection = %(connection)s
    RETURNING node)
SELECT agent_runtime.expect('AR001', (SELECT count(*) FROM mine), 1)
"""

_OWNED = """
SELECT agent_runtime.expect('AR001', count(*), %(wanted)s)
FROM agent_runtime.shard WHERE owner = %(node)s AND shard = ANY(%(shards)s::smallint[])
"""

_CONNECTED = """
UPDATE agent_runtime.fence SET connection = %(connection)s
WHERE node = %(node)s AND connection < %(connection)s
RETURNING commit_seq
"""

_PATIENCE = "SELECT set_config('lock_timeout', %s, true)"


@frozen
class Fence:
    """Stands before all that a node commits."""

    node: str

    def pass_with(
        self, sql: Connection, *, connection: int, commit_seq: int, shards: Collection[int]
    ) -> None:
        """The first statements of a transaction: they end it with `LOST` if the node may not.

        `connection`: the number of the node's connection that this comes by; `commit_seq`: that of
        the commit.
        """
        sql.execute(_NEXT, {"node": self.node, "connection": connection, "commit_seq": commit_seq})
        # A statement of its own: only one that begins behind the lock sees all that was done to
        # the shards by those who had it before.
        if shards:
            wanted = list(shards)
            sql.execute(_OWNED, {"node": self.node, "shards": wanted, "wanted": len(set(wanted))})

    def connect(self, sql: Connection, connection: int) -> psycopg.Cursor[tuple[int]]:
        """From now on only the connection of this number passes; none with a lower one will.

        Waits for a transaction that has passed. Answers with the number of the last commit, or
        with no row: the node is gone.
        """
        return sql.execute(_CONNECTED, {"node": self.node, "connection": connection})


def wait_for_locks(sql: Connection, seconds: float) -> None:
    """How long this transaction waits for each lock, before it fails with `LockNotAvailable`."""
    sql.execute(_PATIENCE, [f"{round(seconds * 1000)}ms"])
