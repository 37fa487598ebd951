"""A PostgreSQL database as the front door knows it: all that can be done with it.

psycopg is imported when it is needed: who keeps sessions in a file does not have to have it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn

from attrs import field, frozen

from runtime import CannotOpenStore

if TYPE_CHECKING:
    from persistence.auditing.report import Report
    from persistence.auditing.telling import Progress as VerifyProgress
    from persistence.postgres.reading.reader import PostgresReader
    from persistence.postgres.store import PostgresStore
    from persistence.sqlite.backup import Progress
    from persistence.sqlite.opening.examining import QuickCheck
    from persistence.sqlite.opening.restore import Restored
    from persistence.sqlite.opening.upgrade import Progress as UpgradeProgress
    from persistence.sqlite.opening.upgrade import Upgraded
    from persistence.transfer import Source, Target

_DUMP = "pg_dump --schema=agent_runtime --format=custom --file=FILE DATABASE"
_RESTORE = "pg_restore --dbname=DATABASE FILE"


@frozen
class InDatabase:
    """The database that is named behind `postgresql://`."""

    can_be_shared: ClassVar[bool] = True

    _rest: str = field(repr=False)
    """It may hold a password."""

    def open(
        self,
        *,
        create: bool,
        quick_check: "QuickCheck",  # noqa: ARG002 # the server's own business
        advertise: str | None,
    ) -> "PostgresStore":
        with _psycopg():
            from persistence.postgres.store import PostgresStore
        return PostgresStore.open(self._url, create=create, address=advertise)

    def read(self) -> "PostgresReader":
        with _psycopg():
            from persistence.postgres.reading.reader import PostgresReader
        return PostgresReader.looking_at(self._url)

    def backup(self, target: Path, progress: "Progress | None") -> None:  # noqa: ARG002
        _refuse("is backed up with PostgreSQL's own programs", f"Run: {_DUMP}")

    def restore(
        self,
        source: Path,  # noqa: ARG002
        progress: "VerifyProgress | None",  # noqa: ARG002
        *,
        force: bool,  # noqa: ARG002
    ) -> "Restored":
        _refuse(
            "is restored with PostgreSQL's own programs",
            f"Stop all services, drop the schema agent_runtime, and run: {_RESTORE}",
        )

    def verify(self, progress: "VerifyProgress | None") -> "Report":
        with _psycopg():
            from persistence.postgres.verify import verify
        return verify(self._url, progress)

    def upgrade(self, *, dry_run: bool, progress: "UpgradeProgress | None") -> "Upgraded":  # noqa: ARG002
        _refuse(
            "is upgraded by the first service of a newer release that opens it",
            "Stop the services of the older release before",
        )

    @contextmanager
    def leave(self) -> Iterator["Source"]:
        with _psycopg():
            from persistence.postgres.leaving import leaving
        with leaving(self._url) as source:
            yield source

    @contextmanager
    def arrive(self) -> Iterator["Target"]:
        with _psycopg():
            from persistence.postgres.arriving import arriving
        with arriving(self._url) as target:
            yield target

    def restore_hint(self) -> str:
        return f"Backups are PostgreSQL's own; one that pg_dump made is restored with: {_RESTORE}"

    @property
    def _url(self) -> str:
        return f"postgresql://{self._rest}"


@contextmanager
def _psycopg() -> Iterator[None]:
    """Explains what is missing where psycopg, or the library that it uses, cannot be imported."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise CannotOpenStore(
            f"Sessions in PostgreSQL need psycopg, and it cannot be imported: {error}",
            "Run: pip install 'agent-runtime[postgres]'",
        ) from error
    yield


def _refuse(what: str, hint: str) -> NoReturn:
    raise CannotOpenStore(f"A PostgreSQL database {what}", hint)
