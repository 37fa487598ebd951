"""Every connection to a database is opened here, and what a server must be is checked here.

Between a node and its database there may be PgBouncer, which gives a server's connection to
whoever begins a transaction. So nothing is left in a connection for the next transaction to find:
no `SET`, no prepared statement, no `LISTEN`, no lock of a session. What has to hold is said within
a transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
from psycopg import IsolationLevel

from persistence.postgres import arrays
from persistence.postgres.address import Address
from persistence.postgres.errors import said_by
from runtime import CannotOpenStore

PROGRAM = "agent-runtime"
"""Begins the name that the server's `pg_stat_activity` shows of a connection."""

OLDEST = 150_000
"""The server's version: 15. Older ones were not tried."""

_STATE = """
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
       current_setting('server_encoding'), current_setting('synchronous_commit'),
       pg_is_in_recovery(), current_setting('default_transaction_read_only')
"""


# Not every server has all of them.
_NO_TIMEOUTS = """
SELECT set_config(name, '0', true) FROM pg_catalog.pg_settings
 WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
"""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection of psycopg's, and what is known of the way to the server."""

    is_pooled: bool = False
    """Whether each transaction may be in another session of the server's."""


def connect(address: Address, node: str = "") -> Connection:
    """A connection, for one thread at a time. Raises `psycopg.Error`.

    It begins no transaction on its own: `BEGIN` and `COMMIT` stand in the code.
    """
    connection = Connection.connect(
        **address.parameters,  # type: ignore[arg-type] # psycopg says Any of no single one
        application_name=f"{PROGRAM} {node}".rstrip(),
        autocommit=True,
        prepare_threshold=None,
    )
    # Whatever is the default there: who waits for a lock goes on with what it finds then.
    connection.isolation_level = IsolationLevel.READ_COMMITTED
    arrays.register(connection)
    try:
        [(process,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
    except BaseException:
        connection.close()
        raise
    # A pooler cannot tell at the start which session it will give, and names a number of its own.
    connection.is_pooled = process != connection.info.backend_pid
    return connection


def first_connection(address: Address, node: str = "", *, to_write: bool = True) -> Connection:
    """The same, to a server that is found fit: to be read, or to be written to as well.

    A standby may be looked at. Raises `CannotOpenStore`.
    """
    try:
        connection = connect(address, node)
    except psycopg.Error as error:
        raise CannotOpenStore(
            f"The database {address} cannot be reached: {said_by(error)}",
            "Check that the server runs, that the address is right, and that this user may connect",
        ) from error
    try:
        _check_server(connection, address, to_write=to_write)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_server(connection: Connection, address: Address, *, to_write: bool) -> None:
    """Raises `CannotOpenStore` unless the server can say all texts, and keeps what it confirms."""
    with opening(address):
        [(number, version, encoding, synchronous, is_standby, read_only)] = connection.execute(
            _STATE
        ).fetchall()
    if number < OLDEST:
        raise CannotOpenStore(
            f"The server of {address} is PostgreSQL {version}; 15 is the oldest that is supported",
            "Upgrade the server, with pg_upgrade or through pg_dump",
        )
    if encoding != "UTF8":
        raise CannotOpenStore(
            f"The database {address} has the encoding {encoding}, which cannot say all texts",
            "Create one with: CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0",
        )
    if not to_write:
        return
    if is_standby:
        raise CannotOpenStore(
            f"The server of {address} is a standby, which cannot be written to",
            "Name the primary, or all hosts and target_session_attrs=read-write in the URL",
        )
    if read_only == "on":
        raise CannotOpenStore(
            f"The database {address} is read-only for this user",
            "Set default_transaction_read_only to off for the database and this user",
        )
    if synchronous == "off":
        raise CannotOpenStore(
            f"The server of {address} confirms commits that are not on its disk "
            "(synchronous_commit is off): a crash would take what was acknowledged",
            "Set synchronous_commit to on for the database and this user",
        )


@contextmanager
def opening(address: Address) -> Iterator[None]:
    """Raises psycopg's errors from within as `CannotOpenStore`."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise CannotOpenStore(
            f"This user may not use the sessions in {address}: {said_by(error)}",
            "Connect as the user who created them, or have that one grant what is missing",
        ) from error
    except psycopg.Error as error:
        raise CannotOpenStore(
            f"The database {address} does not answer as it should: {said_by(error)}",
            "The server's log says more",
        ) from error


def begin_snapshot(connection: Connection) -> None:
    """Begins a transaction that sees one moment's state of the database, that of its first query.

    It ends with the connection: for who streams a whole database, which no pipeline can do. Raises
    `psycopg.Error`.
    """
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


def take_time(connection: Connection) -> None:
    """Lets the transaction take as long as a large database does. Raises `psycopg.Error`."""
    connection.execute(_NO_TIMEOUTS)


@contextmanager
def in_one_go(connection: Connection) -> Iterator[None]:
    """Statements in the block leave without waiting for answers. Raises `psycopg.Error`.

    Through a pooler each one waits for its answer. psycopg ends a pipeline with the message Flush
    behind Sync; if that arrives when the transaction has ended, PgBouncer takes it for the begin of
    the next one, and keeps a session of the server's for it that others may be waiting for.
    """
    with nullcontext() if connection.is_pooled else connection.pipeline():
        yield


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """What is read within is one moment's state of the database. Raises `psycopg.Error`.

    Statements wait for nobody but whoever fetches what they have found: so the first one leaves
    together with the transaction's begin, and several may leave before anything is fetched.
    """
    with in_one_go(connection), lasting_snapshot(connection):
        yield


@contextmanager
def lasting_snapshot(connection: Connection) -> Iterator[None]:
    """The same, to be read from now and then, for as long as it takes to send what was read.

    Each statement is one of its own to the server: none seems to run for as long, and a
    `statement_timeout` ends none.
    """
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    yield
    connection.execute("COMMIT")
