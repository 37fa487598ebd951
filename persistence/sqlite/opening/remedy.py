"""What to tell whoever has a database that cannot be used: the backup, and the command."""

import sqlite3
from pathlib import Path
from shlex import quote

from sqlite_utils import Database

from persistence.sqlite.connections import reading
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.schema import APPLICATION_ID

_CANDIDATES = 20
"""Files that are looked at, the newest first: it is only a hint."""

KEPT_ASIDE = ".before-restore-"
"""In the names of databases that a backup has replaced: they are the last to be restored."""


def restore_hint(path: Path) -> str:
    """Which backup there is for the database at this real path, and the command to restore it."""
    backup = newest_backup(path)
    to = f"--db {quote(str(path))}"
    if backup is None:
        return f"Restore a backup: agent-runtime restore FILE {to}"
    return (
        f"The newest backup beside it is {backup.name}. "
        f"Restore it: agent-runtime restore {quote(str(backup))} {to}"
    )


def accept_hint(path: Path) -> str:
    """How to go on with what is there."""
    place = quote(str(path))
    return f"Or go on with what is there: agent-runtime restore {place} --db {place}"


def newest_backup(path: Path) -> Path | None:
    """The newest database beside `path` that could take its place, and that no service works on."""
    found: list[tuple[float, Path]] = []
    try:
        for candidate in path.parent.glob("*.db"):
            in_service = candidate.with_name(candidate.name + ".lock").exists()
            if candidate != path and KEPT_ASIDE not in candidate.name and not in_service:
                found.append((candidate.stat().st_mtime, candidate))
    except OSError:
        return None
    newest_first = [candidate for _, candidate in sorted(found, reverse=True)]
    return next(filter(_could_be_restored, newest_first[:_CANDIDATES]), None)


def _could_be_restored(candidate: Path) -> bool:
    try:
        with reading(candidate) as connection:
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
            return application_id == APPLICATION_ID or guide.wrote(Database(connection))
    except (sqlite3.Error, UnicodeDecodeError):
        return False
