"""Finds out whether a database is whole: the file, and what this program promises about it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve, field, frozen

from persistence.sqlite.connections import reading
from persistence.sqlite.errors import store_error
from persistence.sqlite.opening import witness
from persistence.sqlite.opening.witness import Mark
from persistence.sqlite.schema import foreign, mark_of, refuse_foreign
from runtime.errors import CannotOpenStore, StoreBroken

MAX_PROBLEMS = 100
"""Problems of one kind that are listed. Who has more of them restores a backup."""

_CHECKS = {
    # Each row of an answer fills in the sentence.
    "SELECT integrity_check FROM pragma_integrity_check": "SQLite: {}",
    """SELECT DISTINCT "table", parent FROM pragma_foreign_key_check""": (
        "Rows of {} belong to no row of {}"
    ),
    """
    SELECT s.session_id, s.message_count, count(m.seq), coalesce(min(m.seq), 1),
           coalesce(max(m.seq), 0)
      FROM session AS s LEFT JOIN message AS m USING (session_id) GROUP BY s.session_id
    HAVING count(m.seq) <> s.message_count OR coalesce(min(m.seq), 1) <> 1
        OR coalesce(max(m.seq), 0) <> count(m.seq)
    """: "Session {!r} says it has {} messages; it has {}, numbered {} to {}",
    """
    SELECT s.session_id, s.switch_count, count(a.ordinal), coalesce(min(a.ordinal), 1),
           coalesce(max(a.ordinal), 0)
      FROM session AS s LEFT JOIN agent_switch AS a USING (session_id) GROUP BY s.session_id
    HAVING count(a.ordinal) > s.switch_count OR coalesce(min(a.ordinal), 1) <> 1
        OR coalesce(max(a.ordinal), 0) <> count(a.ordinal)
    """: "Session {!r} says it has {} agent switches; it has {}, numbered {} to {}",
    """
    SELECT session_id, client_id, count(*) FROM message
     WHERE client_id IS NOT NULL GROUP BY session_id, client_id HAVING count(*) > 1
    """: "Session {!r} has the message id {!r} {} times",
    # json_type() would fail on what is not JSON; iif() does not call it then.
    """
    SELECT session_id, seq FROM message
     WHERE NOT iif(json_valid(body), json_type(body) = 'object', FALSE)
    """: "Session {!r}: message {} is not a JSON object",
    """
    SELECT session_id, seq FROM message
     WHERE NOT iif(json_valid(metadata), json_type(metadata) = 'object', metadata IS NULL)
    """: "Session {!r}: the metadata of message {} is not a JSON object",
    """
    SELECT session_id FROM session
     WHERE NOT iif(json_valid(metadata), json_type(metadata) = 'object', FALSE)
    """: "Session {!r}: the metadata is not a JSON object",
}


@frozen
class Report:
    """What `verify` found."""

    sessions: int
    messages: int
    switches: int
    commit_seq: int
    """Transactions since the database was made."""
    identity: str = field(default="", eq=False)
    """The database's own random id."""
    problems: tuple[str, ...] = field(default=())
    """Sentences. Empty if the database is whole."""

    @property
    def ok(self) -> bool:
        """Whether the database is whole."""
        return not self.problems


def verify(path: Path) -> Report:
    """Reads all of the database, as it was at one moment, and changes nothing.

    What the witness knows of is missed, too. A service may be using the database. Raises
    `CannotOpenStore` if it is not a database of this program, `StoreError` if it cannot be read at
    the moment.
    """
    # First the witness: beside a running service, the database only gets further in between.
    known = witness.read(path.resolve())
    report = verify_content(path)
    missing = witness.shortfall(path, known, Mark(report.identity, report.commit_seq))
    return report if missing is None else evolve(report, problems=(missing, *report.problems))


def verify_content(path: Path) -> Report:
    """As `verify`, but only what is in the database itself. Raises what `verify` does."""
    if not path.is_file():
        raise CannotOpenStore(f"There is no database {path}", "Check the path")
    try:
        with reading(path) as connection:
            refuse_foreign(connection, path)
            mark = mark_of(connection)
            return Report(
                sessions=_number(connection, "SELECT count(*) FROM session"),
                messages=_number(connection, "SELECT count(*) FROM message"),
                switches=_number(connection, "SELECT count(*) FROM agent_switch"),
                commit_seq=mark.commit_seq,
                identity=mark.identity,
                problems=tuple(_problems(connection)),
            )
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_NOTADB:
            raise foreign(path) from error
        raise store_error(error) from error
    except UnicodeDecodeError as error:  # SQLite quotes the damaged text in its message
        raise StoreBroken(f"The database is damaged: {error}") from error


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    for query, sentence in _CHECKS.items():
        try:
            rows = connection.execute(f"{query} LIMIT {MAX_PROBLEMS}").fetchall()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            # A damaged file fails in the middle of a query; the other checks may still tell more.
            yield f"SQLite: {error}"
            continue
        for row in rows:
            if row != ("ok",):
                yield sentence.format(*row)


def _number(connection: sqlite3.Connection, query: str) -> int:
    (number,) = connection.execute(query).fetchone()
    return int(number)
