"""The one connection that commits. A stand-in: nothing is fenced."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import psycopg
from attrs import define
from psycopg.pq import TransactionStatus

from persistence.postgres.connections import Connection
from persistence.postgres.errors import is_data_fault, store_error

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"


@define(eq=False)
class Writer:
    """Used by one thread at a time."""

    _connect: Callable[[], Connection]
    _connection: Connection | None = None

    @contextmanager
    def transaction(
        self,
        shards: Collection[int],  # noqa: ARG002
        *,
        pipelined: bool,
    ) -> Iterator[Connection]:
        """One transaction, rolled back whatever happens within.

        `pipelined`: all statements leave at once, and nothing may be fetched. Raises data faults as
        they are, and `StoreError`.
        """
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            connection = self._connection
            if pipelined:
                with connection.pipeline():
                    connection.execute(_BEGIN)
                    yield connection
                    connection.execute("COMMIT")
            else:
                connection.execute(_BEGIN)
                yield connection
                connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            if not isinstance(error, psycopg.Error) or is_data_fault(error):
                raise
            raise store_error(error) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _roll_back(self) -> None:
        connection = self._connection
        if connection is None or connection.info.transaction_status == TransactionStatus.IDLE:
            return
        try:
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
