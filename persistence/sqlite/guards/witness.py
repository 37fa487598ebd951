"""The number of the last commit, known outside the database file.

SQLite opens several damaged databases without an error and with less in them: one whose WAL is gone
or damaged, one of zero length, an old copy in the place of the newer one. The witness, a small file
`<database>.seq`, tells: a database is opened only if it is at least as far as the witness says.

Rules:

- The witness is written after each commit returned, and before it is acknowledged. It is not synced
  then, which makes it cost microseconds; a killed process leaves it complete all the same.
- A loss of power may leave it behind the database, which only makes it less sharp. It is never
  ahead of the database: with `synchronous=FULL` a commit is on the disk before it returns.
- Each line is the mark of one database that may be found. There is one line, but while a database
  replaces another: then the former's and the new one's, so that either is accepted whenever the
  process ends.
- A line has always the same length and lies in one sector, so it is rewritten in place.
- Who removes the file while no service runs accepts whatever is there. A service that runs writes
  it anew at its next commit, and when it ends: it knows better than the file did, and nobody has
  asked it to forget.
"""

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from zlib import crc32

from attrs import define, field, frozen

from persistence.sqlite.files import PRIVATE_FILE, Companion, companion, sync
from persistence.sqlite.systems import AS_IT_IS, flush, write_at_start
from runtime import CannotOpenStore

log = logging.getLogger("agent_runtime")

_LINE = re.compile(
    rb"(?P<mark>(?P<identity>[0-9a-f]{32}) (?P<seq>[0-9]{20})) (?P<sum>[0-9a-f]{8})\n"
)


@frozen
class Mark:
    """How far a database has come."""

    identity: str
    """The database's own random id, 32 hexadecimal digits; its backups have the same."""
    commit_seq: int
    """Transactions since the database was made."""

    def line(self) -> bytes:
        text = f"{self.identity} {self.commit_seq:020}".encode()
        return text + f" {crc32(text):08x}\n".encode()


Marks = Sequence[Mark]


def place_of(path: Path) -> Path:
    """Where the witness of the database at this real path is."""
    return companion(path, Companion.WITNESS)


def read(path: Path) -> Marks | None:
    """What the witness of this database says; `None` if there is none. Raises `CannotOpenStore`.

    Of an unreadable witness the empty sequence is left, after a warning. The database is not
    refused for it: the witness is a second opinion about a file that has checksums and checks of
    its own, and if losing it could keep a sound database from being opened, it would be one more
    thing to lose.
    """
    place = place_of(path)
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot_use(place, error) from error
    marks: list[Mark] = []
    for line in content.splitlines(keepends=True):
        match = _LINE.fullmatch(line)
        if match is None or int(match["sum"], 16) != crc32(match["mark"]):
            marks = []
            break
        marks.append(Mark(match["identity"].decode(), int(match["seq"])))
    if not marks:
        log.warning(
            "%s cannot be read: whether the database lost commits is not known; "
            "a new one is written when a service opens the database",
            place,
        )
    return marks


def shortfall(path: Path, marks: Marks | None, found: Mark) -> str | None:
    """What the database at `path` lacks of what the witness saw; `None` if nothing."""
    if not marks:
        return None
    of_this = [mark for mark in marks if mark.identity == found.identity]
    if not of_this:
        return (
            f"{path} is not the database that was here: that one held {_most(marks)} "
            f"transactions, and has another identity"
        )
    if found.commit_seq < of_this[0].commit_seq:
        missing = of_this[0].commit_seq - found.commit_seq
        return (
            f"{path} lacks its last {missing} transactions: it holds {found.commit_seq}, "
            f"and {of_this[0].commit_seq} were committed"
        )
    return None


def nothing_left(path: Path, marks: Marks, what: str) -> str:
    """What is to be said when no database is left; `what`: "is missing", "is empty"."""
    held = f"{_most(marks)} transactions" if marks else "an unknown number of transactions"
    return f"{path} {what}, and held {held}"


def accept_nothing(path: Path) -> str:
    """How an operator says that an empty database is meant to be."""
    return f"To begin with an empty database: rm {quote(str(place_of(path)))}"


def _most(marks: Marks) -> int:
    return max(mark.commit_seq for mark in marks)


def accept(path: Path, marks: Marks) -> None:
    """Makes these, durably, the marks that a database here may have. Raises `CannotOpenStore`."""
    place = place_of(path)
    try:
        os.close(_renew(place, marks))
    except OSError as error:
        raise _cannot_use(place, error) from error


def _renew(place: Path, marks: Marks) -> int:
    """Writes a new file; a killed process leaves the old or the new one. Returns its descriptor.

    Raises `OSError`.
    """
    assert marks, "an empty witness would be an unreadable one"
    unfinished = place.with_name(place.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | AS_IT_IS, PRIVATE_FILE)
    try:
        write_at_start(descriptor, b"".join(mark.line() for mark in marks))
        flush(descriptor)
    finally:
        os.close(descriptor)  # Windows renames no file that is open
    unfinished.replace(place)
    sync(place.parent)
    return os.open(place, os.O_WRONLY | AS_IT_IS)


def _cannot_use(place: Path, error: OSError) -> CannotOpenStore:
    return CannotOpenStore(
        f"{place} cannot be used: {error.strerror}",
        "The file and its folder must be writable for the user that runs this, and have room",
    )


@define
class Witness:
    """The witness of an open database."""

    place: Path
    _mark: Mark
    _descriptor: int
    _failing: bool = field(default=False, init=False)

    @classmethod
    def open(cls, path: Path, mark: Mark) -> "Witness":
        """Begins with this mark, whatever was there. Raises `CannotOpenStore`."""
        place = place_of(path)
        try:
            return cls(place, mark, _renew(place, [mark]))
        except OSError as error:
            raise _cannot_use(place, error) from error

    def note(self, commit_seq: int) -> None:
        """Says that this transaction is committed. Never fails: the transaction *is* committed.

        A witness that cannot be written stays behind, which takes nothing away; the log says so.
        """
        self._mark = Mark(self._mark.identity, commit_seq)
        try:
            write_at_start(self._descriptor, self._mark.line())
            self._keep_name()
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("%s cannot be written: %s", self.place, error.strerror)
            self._failing = True

    def close(self, *, is_in_place: bool) -> None:
        """Makes it durable. Not to be called again.

        `is_in_place`: the database still has its name. Else no witness is made anew for it: who
        took both away would find that the next start misses a database that nobody wants.
        """
        try:
            if is_in_place:
                self._keep_name()
            flush(self._descriptor)
        except OSError as error:
            log.warning("%s cannot be written: %s", self.place, error.strerror)
        finally:
            os.close(self._descriptor)

    def _keep_name(self) -> None:
        """Writes the file anew if another, or none, has its name. Raises `OSError`.

        Looking costs two microseconds; a commit that waits for a disk takes a thousand times that,
        so there is no need to look at some commits only.
        """
        if self._has_name():
            return
        lost, self._descriptor = self._descriptor, _renew(self.place, [self._mark])
        os.close(lost)
        log.warning("%s was lost while it was in use, and is written anew", self.place)

    def _has_name(self) -> bool:
        try:
            named = self.place.lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(self._descriptor))
