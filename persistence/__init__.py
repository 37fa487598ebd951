"""The stores: what keeps sessions when the process ends.

This is the only front door: who opens a store, or does something to one, names it with a URL or a
path, and the functions here find out which kind of store that is. A map, in the order in which one
file or folder may import from another, the lower ones first:

- `address`    what may be written to name a store
- `sequence`   a delta must follow on what is stored
- `intervals`  which entries count, as it is stored
- `used`       what was used, as rows of a table
- `auditing`   the checks that all stores have in common
- `transfer`   what the two sides of a move do
- `parts`      what is large is written ahead, in parts: what, and how much at a time
- `loaded`     a session of the columns that a database has for it
- `filters`    which sessions a filter lets pass
- `hits`       which entries that have the words are hits
- `rechained`  the entries of a log in which one says something else
- `lives`      the memory store's sessions
- `remembered` the memory store's index
- `memory`     MemoryStore: the same behaviour without a disk
- `sqlite`     SQLiteStore: the store on disk, and all that belongs to its files
- `postgres`   PostgresStore: the store on a server, which many processes may share
- `moving`     moves all sessions from one store to another
- `place`      what can be done with a store, wherever it is
"""

from collections.abc import Mapping
from os import PathLike, fspath
from types import MappingProxyType
from typing import TYPE_CHECKING

from persistence import moving
from persistence.address import FORMS, file_called, scheme_of, without_password
from persistence.auditing.report import Report
from persistence.auditing.telling import Progress as VerifyProgress
from persistence.memory import MemoryStore
from persistence.moving import Moved
from persistence.place import InMemory, MakePlace, Place
from persistence.postgres.place import InDatabase
from persistence.sqlite.backup import Progress
from persistence.sqlite.opening.examining import QuickCheck
from persistence.sqlite.opening.restore import Restored
from persistence.sqlite.opening.upgrade import Progress as UpgradeProgress
from persistence.sqlite.opening.upgrade import Upgraded
from persistence.sqlite.place import InFile
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from persistence.transfer import Progress as MoveProgress
from runtime import CannotOpenStore

if TYPE_CHECKING:  # else whoever opens a file would have to have psycopg
    from persistence.postgres.reading.reader import PostgresReader
    from persistence.postgres.store import PostgresStore

__all__ = [
    "SCHEMES",
    "MemoryStore",
    "MoveProgress",
    "Moved",
    "Progress",
    "QuickCheck",
    "Report",
    "Restored",
    "SQLiteReader",
    "SQLiteStore",
    "UpgradeProgress",
    "Upgraded",
    "VerifyProgress",
    "back_up",
    "can_be_shared",
    "move",
    "open_reader",
    "open_store",
    "restore",
    "restore_hint",
    "upgrade",
    "verify",
    "without_password",
]

SCHEMES: Mapping[str, MakePlace] = MappingProxyType(
    {
        "sqlite": InFile.named,
        "postgresql": InDatabase,
        "postgres": InDatabase,
        "memory": InMemory,
    }
)
"""What may stand before `://`, and what is there then. A new kind of store is a new row."""


def open_store(
    url: str,
    *,
    create: bool = True,
    quick_check: QuickCheck = "auto",
    advertise: str | None = None,
) -> "SQLiteStore | MemoryStore | PostgresStore":
    """Opens the store that `url` names, and creates it if it is not there, unless told not to.

    `sqlite:///data/agent_runtime.db`, or just the path, is below the working directory,
    `sqlite:////var/lib/agent_runtime.db` an absolute path (SQLAlchemy's reading of the slashes).
    `postgresql://user@host:port/database` is a database that many processes may share, each of
    which owns some of its sessions; libpq reads the URL, and a password from PGPASSWORD, PGPASSFILE
    or a service file. It needs the extra `postgres`. `memory://` keeps everything in memory only.

    A SQLite database of the guide's own system is taken over, after a backup beside it.
    `quick_check` says whether a file is searched for damage first; `"auto"` does so while that is
    quick. `advertise` is the `host:port` at which the others that share the store reach this
    process. Raises `CannotOpenStore`, `StoreError`.
    """
    return _place(url).open(create=create, quick_check=quick_check, advertise=advertise)


def open_reader(url: str) -> "SQLiteReader | PostgresReader":
    """Opens a store for looking only, also beside a running service.

    Raises `CannotOpenStore`, `StoreError`.
    """
    return _place(url).read()


def back_up(url: str, target: str | PathLike[str], progress: Progress | None = None) -> None:
    """Copies a store to the file `target`, which must not exist; also beside a running service.

    Raises `CannotOpenStore`, `StoreError`.
    """
    _place(url).backup(file_called(fspath(target)), progress)


def restore(
    source: str | PathLike[str],
    url: str,
    progress: VerifyProgress | None = None,
    *,
    force: bool = False,
) -> Restored:
    """Puts the backup `source` in a store's place; what was there is kept aside.

    With `force`, also in the place of what is no store. Raises `CannotOpenStore`, `StoreError`.
    """
    return _place(url).restore(file_called(fspath(source)), progress, force=force)


def verify(url: str, progress: VerifyProgress | None = None) -> Report:
    """Reads all of a store, and says whether it is whole; also beside a running service.

    Raises `CannotOpenStore`, `StoreError`.
    """
    return _place(url).verify(progress)


def upgrade(
    url: str, *, dry_run: bool = False, progress: UpgradeProgress | None = None
) -> Upgraded:
    """Brings a store of an earlier release to the present schema; `dry_run` only says what that is.

    Raises `CannotOpenStore`, `StoreError`.
    """
    return _place(url).upgrade(dry_run=dry_run, progress=progress)


def move(source: str, target: str, progress: MoveProgress | None = None) -> Moved:
    """Copies all sessions of a store to another one, which must be new or empty.

    Those in the trash too, with all their numbers, so that whoever has an ETag, a cursor or a trash
    id goes on with it. Both are for this process alone meanwhile; the source stays as it is, and
    the target is there as a whole, or not at all. Raises `CannotOpenStore`, `StoreError`.
    """
    begin, end = _place(source), _place(target)
    if begin == end:
        raise CannotOpenStore("Both names are of the same store", "Name a new one to move to")
    with begin.leave() as leaving, end.arrive() as arriving:
        return moving.move(leaving, arriving, without_password(source), progress)


def can_be_shared(url: str) -> bool:
    """Whether several processes may open a store at one time, each owning some of its sessions.

    Raises `CannotOpenStore`.
    """
    return _place(url).can_be_shared


def restore_hint(url: str) -> str:
    """What to tell whoever has a store that is damaged: the backup, and the command."""
    return _place(url).restore_hint()


def _place(url: str) -> Place:
    found = scheme_of(url)
    if found is None:
        return InFile(file_called(url))
    scheme, rest = found
    if (make := SCHEMES.get(scheme)) is not None:
        return make(rest)
    # Not the URL itself: it may hold a password.
    raise CannotOpenStore(f"{scheme}:// is not the scheme of a store", f"Write {FORMS}")
