"""A SQLite database as the front door knows it: all that can be done with the file at a path."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from attrs import frozen

from persistence.address import path_of, refuse_address
from persistence.auditing.report import Report
from persistence.auditing.telling import Progress as VerifyProgress
from persistence.sqlite import backup as backing_up
from persistence.sqlite.backup import Progress
from persistence.sqlite.checking import verify as verifying
from persistence.sqlite.connections import reading
from persistence.sqlite.files import Companion, companion
from persistence.sqlite.moving.arriving import arriving
from persistence.sqlite.moving.leaving import leaving
from persistence.sqlite.opening import remedy
from persistence.sqlite.opening import restore as restoring
from persistence.sqlite.opening import upgrade as upgrading
from persistence.sqlite.opening.examining import QuickCheck
from persistence.sqlite.opening.restore import Restored
from persistence.sqlite.opening.upgrade import Progress as UpgradeProgress
from persistence.sqlite.opening.upgrade import Upgraded
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from persistence.transfer import Source, Target
from runtime import CannotOpenStore

_NO_ACCESS = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)


@frozen
class InFile:
    """The database at a path, which need not be there."""

    can_be_shared: ClassVar[bool] = False

    path: Path

    @classmethod
    def named(cls, rest: str) -> "InFile":
        """The place behind `sqlite://`. Raises `CannotOpenStore`."""
        return cls(path_of(rest))

    def open(self, *, create: bool, quick_check: QuickCheck, advertise: str | None) -> SQLiteStore:
        refuse_address(advertise)
        if not create:
            self._find()
        return SQLiteStore.open(self.path, quick_check=quick_check)

    def read(self) -> SQLiteReader:
        self._check_readable()
        return SQLiteReader.looking_at(self.path)

    def backup(self, target: Path, progress: Progress | None) -> None:
        self._check_readable()
        backing_up.backup(self.path, target, progress)

    def restore(self, source: Path, progress: VerifyProgress | None, *, force: bool) -> Restored:
        InFile(source)._check_readable()
        return restoring.restore(source, self.path, progress, force=force)

    def verify(self, progress: VerifyProgress | None) -> Report:
        self._check_readable()
        return verifying.verify(self.path, progress)

    def upgrade(self, *, dry_run: bool, progress: UpgradeProgress | None) -> Upgraded:
        self._find()
        return upgrading.upgrade(self.path, dry_run=dry_run, progress=progress)

    @contextmanager
    def leave(self) -> Iterator[Source]:
        self._check_readable()
        with leaving(self.path) as source:
            yield source

    @contextmanager
    def arrive(self) -> Iterator[Target]:
        with arriving(self.path) as target:
            yield target

    def restore_hint(self) -> str:
        return remedy.restore_hint(self.path.resolve())

    def _find(self) -> None:
        """Raises `CannotOpenStore` if there is no file: opening would create it."""
        try:
            if not self.path.exists():
                raise CannotOpenStore(f"There is no database {self.path}", "Name it with --db")
            if not self.path.is_file():
                raise CannotOpenStore(
                    f"{self.path} is not a file", "Give the path of a database file"
                )
        except OSError as error:
            raise CannotOpenStore(
                f"{self.path} cannot be looked at: {error.strerror}",
                "Run this as a user who may read the folder that it is in",
            ) from error

    def _check_readable(self) -> None:
        """Explains why SQLite cannot read the database where it lies. Raises `CannotOpenStore`.

        Any other fault is left to whoever reads on: he knows what it means to him.
        """
        self._find()
        try:
            with reading(self.path):
                pass
        except (sqlite3.Error, UnicodeDecodeError) as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
            if code in _NO_ACCESS:
                raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> CannotOpenStore:
        if not os.access(self.path, os.R_OK):
            return CannotOpenStore(
                f"{self.path} cannot be read by this user",
                "Run this as the user that the service runs as",
            )
        folder = self.path.absolute().parent
        if os.access(folder, os.W_OK):
            return CannotOpenStore(
                f"{self.path} cannot be read: {error}",
                "The files beside it must be readable and writable for this user, too",
            )
        held = companion(self.path, Companion.WAL)
        also = f", and what {held.name} holds has to be read with it" if held.exists() else ""
        return CannotOpenStore(
            f"{self.path} cannot be read where it is: the folder {folder} cannot be written, and "
            f"SQLite keeps files beside a database{also}",
            "Run this as the user that the service runs as, or copy the database, with all files "
            f"whose names begin with {self.path.name}, into a folder that can be written",
        )
