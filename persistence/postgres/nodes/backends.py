"""Ends transactions of a node that stay open: it is dead or stopped, or their connection is lost.

Found by the name under which a node's connections run. Behind PgBouncer a server's connection has
the name of whoever has used it last, as PgBouncer passes it on at each transaction. So one that is
in a transaction has its own node's name; and only those are ended.
"""

from persistence.postgres.connections import PROGRAM, Connection

PATIENCE = 300
"""Milliseconds that an end is waited for: it takes one or two, or the server is busy."""

_END = """
SELECT pid, pg_terminate_backend(pid, %s) FROM pg_stat_activity
WHERE starts_with(application_name, %s) AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()
"""
# `backend_xid`: it has written something, or locked a row. `starts_with`: PgBouncer can be told to
# add the address.


def end_transactions(sql: Connection, node: str) -> int:
    """Ends a node's connections that are in a transaction which writes; how many there were.

    Nothing is lost by that: what was committed stays so, and a node that lives asks what became of
    its commit.
    """
    return len(sql.execute(_END, [PATIENCE, f"{PROGRAM} {node}"]).fetchall())
