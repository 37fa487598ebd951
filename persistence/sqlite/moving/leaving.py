"""A database that is moved from: nobody has it meanwhile, and it stays as it is.

One of schema version 2 or 3 is read as it is, as whoever only looks does. Older ones, and those of
the guide's own system, have other tables: they are upgraded first, as a service does, which keeps
the former database.
"""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import Sink
from persistence.sqlite.checking.verify import entries_in, problems
from persistence.sqlite.connections import reading
from persistence.sqlite.errors import store_error
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.owner import Owner
from persistence.sqlite.opening.examining import examine, refuse_remains
from persistence.sqlite.opening.replacing import tidy
from persistence.sqlite.reading.standing import stand_in
from runtime import CannotOpenStore, StoreBroken

_NEXT_NO = "SELECT next_no FROM meta"


@frozen
class Leaving:
    """The `Source` that a database is."""

    _connection: sqlite3.Connection
    entries: int
    next_no: int

    def audit(self, tally: Tally, sink: Sink) -> Generator[Problem, None, None]:
        with _explained():
            yield from problems(self._connection, tally, sink)


@contextmanager
def leaving(path: Path) -> Iterator[Leaving]:
    """The database at `path`, of which this process is the owner within.

    Raises `CannotOpenStore` if it is in use, or none that can be read; `StoreError`.
    """
    path = path.resolve()
    owner = Owner.claim(path)
    try:
        known = witness.read(path)
        refuse_remains(path, known)
        owner.claim_file()
        # Damage is looked for below, and more closely.
        match examine(path, known, "never"):
            case "version 1":
                raise CannotOpenStore(
                    f"{path} is a database of an earlier release",
                    f"Upgrade it first: agent-runtime upgrade --db {path}",
                )
            case "guide":
                raise CannotOpenStore(
                    f"{path} is a database of the guide's own system",
                    f"Have a service take it over first: agent-runtime serve --db {path}",
                )
            case "empty":
                raise CannotOpenStore(f"{path} is empty", "There is nothing to move")
        with _explained(), reading(path) as connection:
            stand_in(connection)
            entries = entries_in(connection)
            [(next_no,)] = connection.execute(_NEXT_NO).fetchall()
            yield Leaving(connection, entries, next_no)
    finally:
        tidy(path)
        owner.release()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise store_error(error) from error
    except UnicodeDecodeError as error:  # SQLite quotes the damaged text in its message
        raise StoreBroken(f"The database is damaged: {error}") from error
