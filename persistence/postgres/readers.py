"""Connections for reading, each for one thread at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from threading import BoundedSemaphore

import psycopg
from attrs import define, field
from psycopg.pq import TransactionStatus

from persistence.postgres.address import Address
from persistence.postgres.connections import Connection, connect
from persistence.postgres.errors import as_store_errors

AT_ONCE = 8
"""Reads that go on at the same time; who comes then waits for one of them. A connection is a
process of the server, which has a hundred by default, for all nodes; and reads are short."""


@define(eq=False)
class Readers:
    """A free list of connections."""

    _address: Address
    _name: str
    _idle: list[Connection] = field(factory=list)
    """Those that no thread uses now. `pop` and `append` are atomic."""
    _turns: BoundedSemaphore = field(factory=lambda: BoundedSemaphore(AT_ONCE))
    _closed: bool = False

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that no other thread has, for a short while. Raises `StoreError`."""
        with self._turns, self.lasting() as connection:
            yield connection

    @contextmanager
    def lasting(self) -> Iterator[Connection]:
        """The same, for as long as somebody may take to whom a list is sent."""
        with as_store_errors():
            connection = self._alive() or connect(self._address, self._name)
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            if connection.info.transaction_status == TransactionStatus.IDLE and (
                len(self._idle) < AT_ONCE
            ):
                self._idle.append(connection)
            else:
                connection.close()
            if self._closed:
                self.close()

    def close(self) -> None:
        """Closes the connections. Harmless when called again."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _alive(self) -> Connection | None:
        """One that nobody uses, and that the server has not closed."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                return None
            if not _has_news(connection):
                return connection
            connection.close()
        return None


def _has_news(connection: Connection) -> bool:
    """Whether the server has sent something unasked: that it is shutting down, or the end."""
    # Not `select`, which knows only the first 1,024 files of a process: a service has more.
    with DefaultSelector() as selector:
        try:
            selector.register(connection.fileno(), EVENT_READ)
            return bool(selector.select(0))
        except (psycopg.Error, OSError, ValueError):
            return True
