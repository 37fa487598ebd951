"""The file, its tables, and which database it is of.

- `about` has one row: the form of these tables, and the identity of the database.
- `taken` says which entries the index has: of a life all up to `upto`, whose chain is `chain`.
- `found` has a row for each text. Its `id` is the entry's moment in milliseconds, and 20 bits more
  for those of one moment: so the order of rows is that of time, which is the order of hits, and a
  search ends when its page is full, however many hits there are.
- `words` is the index itself (FTS5). The texts are in `found`: what is to be taken out of such an
  index has to be known word by word, and the entry may be gone by then.

None of them is called as one of the database's, to which a connection has both (as `log`).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from persistence.sqlite.connections import connect, snapshot
from persistence.sqlite.errors import store_error
from persistence.sqlite.files import Companion, companion, create_private_file
from persistence.sqlite.systems import uri_of
from persistence.sqlite.tables.schema import mark_of
from runtime import StoreBroken

FORM = 1
"""Of what is in the file, the words included: an index of another one is made anew."""

_TABLES = (
    "CREATE TABLE about (form INTEGER NOT NULL, identity TEXT NOT NULL) STRICT",
    """
    CREATE TABLE taken (
        no INTEGER PRIMARY KEY,
        upto INTEGER NOT NULL,
        chain BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE found (
        id INTEGER PRIMARY KEY,
        no INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        at TEXT NOT NULL,
        role TEXT,
        text TEXT NOT NULL
    ) STRICT
    """,
    "CREATE UNIQUE INDEX found_by_entry ON found (no, seq)",
    "CREATE INDEX found_title ON found (no) WHERE role IS NULL",
    # The words come in their normal form, with spaces between them: this tokenizer splits there,
    # and takes all that is not ASCII for letters. No sizes of rows: nothing is ranked by them. The
    # beginnings of words are a third of the file. Without them, what a short beginning finds in a
    # million texts would be put together of thousands of words each time: a second, and not 1 ms.
    """
    CREATE VIRTUAL TABLE words USING fts5(
        text, content = 'found', content_rowid = 'id', tokenize = 'ascii', columnsize = 0,
        prefix = '2 3')
    """,
)

_BESIDE = (Companion.WAL, Companion.SHM, Companion.JOURNAL)


def place_of(path: Path) -> Path:
    """Where the index of the database at `path` is."""
    return companion(path, Companion.INDEX)


def remove(path: Path) -> None:
    """Removes the index of this database. Raises `OSError`."""
    place = place_of(path)
    for gone in (place, *(companion(place, what) for what in _BESIDE)):
        gone.unlink(missing_ok=True)


def open_to_fill(path: Path) -> tuple[sqlite3.Connection, bool]:
    """The one connection that writes to the index, and whether that is a new one.

    Raises `sqlite3.Error`, `OSError`.
    """
    place = place_of(path)
    for is_last in (False, True):
        if not place.exists():
            create_private_file(place)
        try:
            connection = connect(place, "rw")
            try:
                is_new = _opened(connection, path)
            except BaseException:
                connection.close()
                raise
        except sqlite3.Error as error:
            if is_last or not isinstance(store_error(error), StoreBroken):
                raise
        else:
            if is_new is not None:
                return connection, is_new
            connection.close()
        remove(path)
    raise AssertionError("an empty index is of the database beside it")


def _opened(connection: sqlite3.Connection, path: Path) -> bool | None:
    """Whether the index is a new one; `None`: it is of another database, or of another form."""
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    # In a WAL nothing is damaged by a loss of power, and nothing waits for the disk but the
    # checkpoints. What is lost is taken again. OFF would save those, and take a damaged index for a
    # whole one.
    connection.execute("PRAGMA synchronous = NORMAL")
    attach(connection, path)
    identity = mark_of(connection).identity
    tables = connection.execute("SELECT count(*) FROM main.sqlite_schema").fetchone()[0]
    if not tables:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES (?, ?)", (FORM, identity))
        connection.execute("COMMIT")
        return True
    return False if _is_of(connection, identity) else None


@contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that reads the index and its database, both as they are at one moment.

    `None`: there is no index of this database yet. Raises `sqlite3.Error`. A connection for each
    search: one that is kept would go on with a file that was removed.
    """
    place = place_of(path)
    if not place.exists() or not place.stat().st_size:
        yield None
        return
    with closing(connect(place, "ro")) as connection:
        attach(connection, path)
        with snapshot(connection):
            tables = connection.execute("SELECT count(*) FROM main.sqlite_schema").fetchone()[0]
            is_there = tables and _is_of(connection, mark_of(connection).identity)
            yield connection if is_there else None


def attach(connection: sqlite3.Connection, path: Path) -> None:
    """Has the connection read the database, too."""
    connection.execute("ATTACH ? AS log", (f"{uri_of(path.absolute())}?mode=ro",))


def _is_of(connection: sqlite3.Connection, identity: str) -> bool:
    return connection.execute("SELECT form, identity FROM about").fetchall() == [(FORM, identity)]
