"""What to tell whoever has a database that cannot be used: the backup, and the command.

Only a backup of this very database is named. Two databases may lie in one folder, and to restore
the one over the other would lose both. A backup of ours has its database's identity; a database of
the guide's own system has none, so only the copy that was made of it here, under its name, counts.
"""

import sqlite3
from pathlib import Path
from shlex import quote

from sqlite_utils import Database

from persistence.sqlite.connections import reading
from persistence.sqlite.files import Companion, Kept, companion, is_kept
from persistence.sqlite.guards import witness
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.tables.schema import APPLICATION_ID
from runtime import CannotOpenStore

_CANDIDATES = 20
"""Files that are looked at, the newest first: it is only a hint."""


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
    """The newest database beside `path` that is a backup of it, and that no service works on."""
    found: list[tuple[float, Path]] = []
    try:
        for candidate in path.parent.glob("*.db"):
            in_service = companion(candidate, Companion.LOCK).exists()
            # What a backup has replaced is the last to be restored.
            replaced = is_kept(candidate, Kept.BEFORE_RESTORE)
            if candidate != path and not replaced and not in_service:
                found.append((candidate.stat().st_mtime, candidate))
        identities = _identities_of(path)
    except OSError:
        return None
    newest_first = [candidate for _, candidate in sorted(found, reverse=True)]
    return next(
        (file for file in newest_first[:_CANDIDATES] if _is_backup(file, path, identities)), None
    )


def _identities_of(path: Path) -> set[str]:
    """What the database was when it was used last; without a witness, what it says that it is."""
    try:
        known = {mark.identity for mark in witness.read(path) or ()}
    except CannotOpenStore:
        known = set()
    # Not an empty file: SQLite would delete the WAL beside it.
    if known or not path.is_file() or not path.stat().st_size:
        return known
    own = _identity_of(path)
    return set() if own is None else {own}


def _is_backup(candidate: Path, path: Path, identities: set[str]) -> bool:
    identity = _identity_of(candidate)
    if identity is not None:
        return identity in identities or is_kept(candidate, Kept.BEFORE_UPGRADE, path)
    return is_kept(candidate, Kept.BEFORE_UPGRADE, path) and _is_guides(candidate)


def _identity_of(path: Path) -> str | None:
    """The identity of a database of ours, in whatever version; `None` if it is none."""
    try:
        with reading(path) as connection:
            [(application_id,)] = connection.execute("PRAGMA application_id").fetchall()
            if application_id != APPLICATION_ID:
                return None
            [(identity,)] = connection.execute("SELECT identity FROM meta").fetchall()
            return str(identity)
    except (sqlite3.Error, UnicodeDecodeError, ValueError):
        return None


def _is_guides(candidate: Path) -> bool:
    try:
        with reading(candidate) as connection:
            return guide.wrote(Database(connection))
    except (sqlite3.Error, UnicodeDecodeError, CannotOpenStore):
        return False
