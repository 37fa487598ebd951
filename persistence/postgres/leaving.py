"""A database that is moved from: no node has it meanwhile, and it stays as it is."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from attrs import frozen

from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import Sink
from persistence.postgres.address import Address
from persistence.postgres.alone import Alone
from persistence.postgres.auditing import audit, entries_in, next_no_of
from persistence.postgres.connections import Connection, begin_snapshot, first_connection, opening
from persistence.postgres.errors import as_store_errors
from persistence.postgres.schema import prepare


@frozen
class Leaving:
    """The `Source` that a database is."""

    _connection: Connection
    entries: int
    next_no: int

    def audit(self, tally: Tally, sink: Sink) -> Generator[Problem, None, None]:
        with as_store_errors():
            yield from audit(self._connection, tally, sink)


@contextmanager
def leaving(url: str) -> Iterator[Leaving]:
    """The database, which no node uses within, and none can.

    Raises `CannotOpenStore` if one does, or there is none; `StoreError`.
    """
    address = Address.of(url)
    with first_connection(address) as connection:
        prepare(connection, address, create=False)
        alone = Alone(connection, address)
        with opening(address):
            dead = alone.wait()
            begin_snapshot(connection)
            # Before the first query: what that sees, nobody changes any more.
            alone.shut(dead)
            entries = entries_in(connection)
            next_no = next_no_of(connection)
        yield Leaving(connection, entries, next_no)
