"""Finds out whether a database is whole: the file, and what this program promises about it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve

from persistence.auditing import report
from persistence.auditing.report import Problem, Report, Tally, bounded
from persistence.auditing.rows import Sink
from persistence.auditing.telling import Progress, Telling
from persistence.sqlite.checking.auditing import audit
from persistence.sqlite.connections import reading
from persistence.sqlite.errors import store_error
from persistence.sqlite.guards import witness
from persistence.sqlite.guards.witness import Mark
from persistence.sqlite.reading.standing import stand_in
from persistence.sqlite.tables.schema import foreign, mark_of, refuse_foreign
from runtime import CannotOpenStore, StoreBroken

_CHECKS = {
    # Each row of an answer fills in the sentence.
    "SELECT integrity_check FROM pragma_integrity_check": "SQLite: {}",
    """SELECT DISTINCT "table", parent FROM pragma_foreign_key_check""": (
        "Rows of {} belong to no row of {}"
    ),
    """
    SELECT living, (SELECT count(*) FROM session WHERE deleted_at IS NULL) AS found FROM meta
     WHERE living <> found
    """: "The database says it has {} sessions; it has {}",
    """
    SELECT next_no, (SELECT max(no) FROM session) AS last FROM meta WHERE last >= next_no
    """: "The next session is to be number {}, and there is number {} already",
    """
    SELECT session_id, no FROM session WHERE listed <> last_activity AND deleted_at IS NULL
    """: "Session {!r} (number {}) is listed where it does not belong",
}

_ENTRIES = "SELECT total(version) FROM session WHERE deleted_at IS NOT ''"


def verify(path: Path, progress: Progress | None = None) -> Report:
    """Reads all of the database, as it was at one moment, and changes nothing.

    What the witness knows of is missed, too. A service may be using the database. Raises
    `CannotOpenStore` if it is not a database of this program, `StoreError` if it cannot be read at
    the moment.
    """
    # First the witness: beside a running service, the database only gets further in between.
    known = witness.read(path.resolve())
    found = verify_content(path, progress)
    missing = witness.shortfall(path, known, Mark(found.identity, found.commit_seq))
    return found if missing is None else evolve(found, problems=(missing, *found.problems))


def verify_content(path: Path, progress: Progress | None = None) -> Report:
    """As `verify`, but only what is in the database itself. Raises what `verify` does."""
    if not path.is_file():
        raise CannotOpenStore(f"There is no database {path}", "Check the path")
    try:
        with reading(path) as connection:
            refuse_foreign(connection, path)
            mark = mark_of(connection)
            stand_in(connection)
            # From here on a text may be damaged: it is compared then, as far as it can be read.
            connection.text_factory = _readable
            tally = Tally()
            sink = None if progress is None else Telling(progress, entries_in(connection))
            found = bounded(problems(connection, tally, sink))
            return Report.of(tally, found, identity=mark.identity, commit_seq=mark.commit_seq)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
            raise foreign(path) from error
        raise store_error(error) from error
    except UnicodeDecodeError as error:  # SQLite quotes the damaged text in its message
        raise StoreBroken(f"The database is damaged: {error}") from error


def problems(
    connection: sqlite3.Connection, tally: Tally, sink: Sink | None = None
) -> Iterator[Problem]:
    """What is wrong with a database of this program, in the caller's read transaction.

    Counts what there is, and hands it on.
    """
    yield from _checked(connection)
    yield from audit(connection, tally, sink)


def entries_in(connection: sqlite3.Connection) -> int:
    """How many there are, as the rows of the sessions say; 0 where these cannot be read."""
    try:
        [(entries,)] = connection.execute(_ENTRIES).fetchall()
    except sqlite3.DatabaseError:  # what is damaged, the audit names
        return 0
    return int(entries)


def _checked(connection: sqlite3.Connection) -> Iterator[Problem]:
    for query, sentence in _CHECKS.items():
        try:
            rows = connection.execute(f"{query} LIMIT {report.MAX_PROBLEMS}").fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            # A damaged file fails in the middle of a query; the other checks may still tell more.
            yield "damage", f"SQLite: {error}"
            continue
        for row in rows:
            if row != ("ok",):
                yield query, sentence.format(*row)


def _readable(text: bytes) -> str:
    return text.decode(errors="replace")
