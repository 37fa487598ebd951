"""One transaction, tried once on one connection, and what can be said of it afterwards.

It is *committed* if the database says so and warns of nothing. It was *rolled back* if COMMIT was
never sent, or if the transaction is still open behind an error: then COMMIT was not executed. All
else is unknown:

- the connection was lost after COMMIT was sent;
- an error ended the transaction: it may have come just behind the commit, as a cancellation can;
- COMMIT came with a warning. With synchronous replication that is what PostgreSQL says when its
  wait for the standby was cancelled: the transaction is committed here, and a failover may lose it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from attrs import define
from psycopg.pq import TransactionStatus

from persistence.postgres.connections import Connection, in_one_go
from persistence.postgres.errors import said_by
from persistence.postgres.nodes.line import Line

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
"""Said each time, as a database or a role can have other defaults. In this level each statement
sees what was committed before it, and not what was before the first one: fences rely on it."""

OPEN = (TransactionStatus.INTRANS, TransactionStatus.INERROR)


class OutcomeUnknown(Exception):
    """Whether the transaction was committed is not known."""


@define
class _Commit:
    is_sent: bool = False
    answer: psycopg.Cursor[tuple[object, ...]] | None = None

    def send(self, sql: Connection) -> None:
        self.is_sent = True  # from here on it may have left, whatever is raised
        self.answer = sql.execute("COMMIT")


@contextmanager
def attempt(
    line: Line, first: Callable[[Connection], object], *, pipelined: bool
) -> Iterator[Connection]:
    """Does `first` and the block in one transaction, and returns when that is committed.

    `pipelined`: all statements are sent without waiting for answers, which come at the end. So
    nothing is fetched in the block, and its errors are raised behind it.

    Raises `OutcomeUnknown`. Whatever else it raises, the transaction was rolled back.
    """
    line.warnings.clear()
    sql = line.connection
    commit = _Commit()
    way = _in_one_go if pipelined else _step_by_step
    try:
        with way(sql, first, commit):
            yield sql
    except BaseException as error:
        if commit.is_sent and not _is_open(sql):
            raise OutcomeUnknown(
                f"the connection was lost, or an error ended it: {said_by(error)}"
            ) from error
        _roll_back(line)
        raise
    assert commit.answer is not None
    if line.warnings:
        raise OutcomeUnknown(f"COMMIT came with a warning: {'; '.join(line.warnings)}")
    if (tag := commit.answer.statusmessage) != "COMMIT":
        # The block has swallowed an error of the database.
        raise psycopg.InternalError(f"COMMIT was answered with {tag}")


@contextmanager
def _in_one_go(
    sql: Connection, first: Callable[[Connection], object], commit: _Commit
) -> Iterator[None]:
    failures: list[BaseException] = []
    try:
        with in_one_go(sql):
            try:
                sql.execute(BEGIN)
                first(sql)
                yield
                commit.send(sql)
            except BaseException as error:
                # Kept until the pipeline has ended: that would log what it raises beside this.
                failures.append(error)
    except psycopg.Error as error:
        if error.sqlstate is not None:
            raise  # the database's first error is the cause of what came behind it
        failures.append(error)
    if failures:
        raise failures[0]


@contextmanager
def _step_by_step(
    sql: Connection, first: Callable[[Connection], object], commit: _Commit
) -> Iterator[None]:
    with in_one_go(sql):
        sql.execute(BEGIN)
        first(sql)
    yield
    commit.send(sql)


def _is_open(sql: Connection) -> bool:
    return not sql.closed and sql.info.transaction_status in OPEN


def _roll_back(line: Line) -> None:
    try:
        if _is_open(line.connection):
            line.connection.execute("ROLLBACK")
    except psycopg.Error:
        line.close()  # whereupon the database rolls back
