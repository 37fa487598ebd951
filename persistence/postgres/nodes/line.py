"""A connection to the database that another thread can cut.

Who waits for the database's answer may wait for as long as the database likes. Cutting the
connection is the one thing that ends such a wait at once, whatever the database and the network do:
a cancellation would have to reach a server that does not answer.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Self

import psycopg
from attrs import define, field
from psycopg.pq import PipelineStatus, TransactionStatus

from persistence.postgres.connections import Connection

WARNING = "WARNING"


@define(eq=False)
class Line:
    """A connection, and what the database has warned of. One thread uses it at a time."""

    connection: Connection
    # Shown it would be an address read as one of another family.
    _socket: socket.socket = field(repr=False)
    """The same one as the connection's, under a number of its own: the connection's may be that of
    another file by the time that somebody cuts it."""
    warnings: list[str] = field(factory=list)

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """`connection` is in autocommit mode, and belongs to the line from now on.

        Raises `psycopg.Error`; then it is closed.
        """
        try:
            # The family is said as something must be said: nothing here depends on it.
            own = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        except OSError as error:  # too many files are open
            connection.close()
            raise psycopg.OperationalError(f"a connection cannot be kept: {error}") from error
        line = cls(connection, own)
        connection.add_notice_handler(line._note)
        return line

    @property
    def is_usable(self) -> bool:
        """Whether a transaction can begin on it."""
        info = self.connection.info
        return (
            not self.connection.closed
            and info.transaction_status is TransactionStatus.IDLE
            and info.pipeline_status is PipelineStatus.OFF
            and not self._has_news()
        )

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """Cuts it if the block takes longer."""
        timer = Timer(seconds, self.cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def cut(self) -> None:
        """Who waits in it gets an error at once. Called by any thread."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Called by the thread that uses it."""
        self.connection.close()
        self._socket.close()

    def _has_news(self) -> bool:
        """Whether the server has said something unasked: that it is shutting down, or the end.

        So a connection that was cut while nobody used it costs nobody a commit.
        """
        try:
            # It does not wait: libpq has set that for the file that both are numbers of.
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == WARNING:
            self.warnings.append(f"{notice.message_primary} ({notice.sqlstate})")
