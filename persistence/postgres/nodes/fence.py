"""The statements by which a node's commits are fenced. What makes them safe is told in the package.

All of it is about one row, the node's in `fence`: who holds its lock decides about the node. It is
a row of its own, apart from the one of the node's beats, as a commit holds it to its end: however
long that takes, the node beats on meanwhile.
"""

from collections.abc import Collection

import psycopg
from attrs import frozen

from persistence.postgres.connections import Connection

_PASSED = "SELECT agent_runtime.pass_fence(%s, %s, %s, %s::smallint[])"
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
        """Begins a transaction, and ends it with `OWNERSHIP_LOST` if this is not the owner.

        `connection`: the number of the node's connection that this comes by; `commit_seq`: that of
        the commit.
        """
        # As text: of a list psycopg makes an array element by element, which takes longer than all
        # else here.
        wanted = f"{{{','.join(map(str, set(shards)))}}}"
        sql.execute(_PASSED, (self.node, connection, commit_seq, wanted))

    def connect(self, sql: Connection, connection: int) -> psycopg.Cursor[tuple[int]]:
        """From now on only the connection of this number passes; none with a lower one will.

        Waits for a transaction that has passed. Answers with the number of the last commit, or
        with no row: the node is gone.
        """
        return sql.execute(_CONNECTED, (connection, self.node, connection))


def wait_for_locks(sql: Connection, seconds: float) -> None:
    """How long this transaction waits for each lock, before it fails with `LockNotAvailable`."""
    sql.execute("SELECT set_config('lock_timeout', %s, true)", (f"{round(seconds * 1000)}ms",))
