"""Finds out whether a database is whole: what this program promises about it.

Whether the server's pages and indexes are, PostgreSQL's own `pg_amcheck` tells.
"""

import psycopg

from persistence.auditing.report import Report, Tally, bounded
from persistence.auditing.telling import Progress, Telling
from persistence.postgres.address import Address
from persistence.postgres.auditing import audit, entries_in
from persistence.postgres.connections import begin_snapshot, first_connection, take_time
from persistence.postgres.errors import store_error
from persistence.postgres.schema import prepare

_IDENTITY = "SELECT identity FROM agent_runtime.meta"


def verify(url: str, progress: Progress | None = None) -> Report:
    """Reads all of the database, as it was at one moment, and changes nothing.

    Nodes may be using it; as long as this reads, the server keeps what they replace. Raises
    `CannotOpenStore` if there is no database of this program, `StoreError` if it cannot be read at
    the moment.
    """
    address = Address.of(url)
    with first_connection(address, to_write=False) as connection:
        prepare(connection, address, create=False)
        try:
            begin_snapshot(connection)
            take_time(connection)
            [(identity,)] = connection.execute(_IDENTITY).fetchall()
            tally = Tally()
            sink = None if progress is None else Telling(progress, entries_in(connection))
            return Report.of(tally, bounded(audit(connection, tally, sink)), identity=identity)
        except psycopg.Error as error:
            raise store_error(error) from error
