"""The stores: what keeps sessions when the process ends.

::

    sqlite/store.py      SQLiteStore: the store on disk
    reader.py       SQLiteReader: its reading half, also beside a running service
    memory.py       MemoryStore: the same behaviour without a disk
    restore.py      puts a backup in the place of a database
    opening.py      from a path to a store's parts
    examining.py    what a file must pass before a store works on it
    remedy.py       what to tell whoever has a database that cannot be used
    owner.py        one process owns a database file
    guide.py        takes over a database that the guide's own system wrote
    old_rows.py     what a row of that system says, in our terms
    writing.py      puts deltas into the tables
    verify.py       finds out whether a database is whole
    backup.py       copies a database while it is in use
    connections.py  every SQLite connection to an existing database is opened here
    wal.py          whether a WAL belongs to the database file that it lies beside
    schema.py       tables, views and migrations
    witness.py      the number of the last commit, known outside the database file
    faults.py       which error of SQLite means what
    files.py        private files and folders
    sequence.py     a delta must follow on what is stored

A file imports only from files further down this list. Of the runtime they know `store`, `message`
and `errors`. `verify`, `backup` and `restore` are imported from their modules; the
first two open no store, and work beside a process that has one open.
"""

import re
from pathlib import Path

from persistence.memory import MemoryStore
from persistence.sqlite.opening.examining import QuickCheck
from persistence.sqlite.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from runtime.errors import CannotOpenStore

__all__ = [
    "MemoryStore",
    "QuickCheck",
    "SQLiteReader",
    "SQLiteStore",
    "database_path",
    "open_store",
]

_SQLITE_URL = re.compile(r"sqlite:///(?P<path>[^?#]+)", re.DOTALL)


def open_store(url: str, *, quick_check: QuickCheck = "auto") -> SQLiteStore | MemoryStore:
    """Opens the store that `url` names, and creates it if it is not there.

    `sqlite:///data/agent_runtime.db` is a path below the working directory,
    `sqlite:////var/lib/agent_runtime.db` an absolute one (SQLAlchemy's reading of the slashes).
    `memory://` keeps everything in memory only.

    A database of the guide's own system is taken over, after a backup beside it. `quick_check`
    says whether the file is searched for damage first; `"auto"` does so while that is quick.
    Raises `CannotOpenStore`.
    """
    if url == "memory://":
        return MemoryStore()
    return SQLiteStore.open(database_path(url), quick_check=quick_check)


def database_path(url: str) -> Path:
    """The file that a `sqlite:` URL names. Raises `CannotOpenStore`."""
    match = _SQLITE_URL.fullmatch(url)
    if match is None or match["path"].endswith("/") or "\0" in url or ":memory:" in url:
        raise CannotOpenStore(
            f"{url!r} is not the URL of a store",
            "Write sqlite:///relative/path.db, sqlite:////absolute/path.db, or memory://",
        )
    return Path(match["path"])
