"""Copies a database while it is in use: one moment's state, complete or not there at all."""

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from persistence.sqlite.connections import reading
from persistence.sqlite.errors import store_error
from persistence.sqlite.files import sync
from runtime import CannotOpenStore

PAGES_PER_STEP = 1_024
"""Pages (of 4 KiB) between two calls of `progress`: some ten milliseconds."""

Progress = Callable[[int, int], object]
"""Called with the pages copied so far, and the pages to copy in all."""


def backup(path: Path, target: Path, progress: Progress | None = None) -> None:
    """Copies the database at `path` to `target`, readable for this user only.

    The database may be in use, by this process or another. The copy is of the moment at which the
    call began; until it ends SQLite keeps what changes meanwhile in the WAL, which grows. The name
    `target` appears when everything is on disk. Raises `CannotOpenStore` if `target` exists or
    one of the two cannot be opened, `StoreError` if copying fails.
    """
    _refuse_existing(target)
    if not path.is_file():
        raise CannotOpenStore(f"There is no database {path}", "Check the path")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            # mkdtemp makes the folder 0700; the file is 0600 in itself before anything is in it.
            unfinished = Path(folder) / "copy.db"
            unfinished.touch(0o600)
            _copy(path, unfinished, progress)
            sync(unfinished)
            _refuse_existing(target)
            unfinished.rename(target)
        sync(target.parent)
    except OSError as error:
        raise CannotOpenStore(
            f"{target} cannot be written: {error}",
            "Choose a folder that exists, is writable, and has room for the whole database",
        ) from error


def _copy(path: Path, unfinished: Path, progress: Progress | None) -> None:
    def report(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    try:
        with reading(path) as source, closing(sqlite3.connect(unfinished)) as copy:
            # `reading` holds one moment; without it, every commit would start the copying anew.
            source.backup(copy, pages=PAGES_PER_STEP, progress=report)
            # One file, which also opens where nothing can be written beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise store_error(error) from error


def _refuse_existing(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise CannotOpenStore(f"{target} exists already", "Choose another name for the backup")
