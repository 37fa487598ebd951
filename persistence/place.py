"""What can be done with a store, wherever it is: each scheme of a URL has a place of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NoReturn, Protocol

from attrs import frozen

from persistence.address import refuse_address
from persistence.auditing.report import Report
from persistence.auditing.telling import Progress as VerifyProgress
from persistence.memory import MemoryStore
from persistence.sqlite.backup import Progress
from persistence.sqlite.opening.examining import QuickCheck
from persistence.sqlite.opening.restore import Restored
from persistence.sqlite.opening.upgrade import Progress as UpgradeProgress
from persistence.sqlite.opening.upgrade import Upgraded
from persistence.sqlite.reading.reader import SQLiteReader
from persistence.sqlite.store import SQLiteStore
from persistence.transfer import Source, Target
from runtime import CannotOpenStore

if TYPE_CHECKING:  # else whoever opens a file would have to have psycopg
    from persistence.postgres.reading.reader import PostgresReader
    from persistence.postgres.store import PostgresStore


class Place(Protocol):
    """Where a store is. Every method raises `CannotOpenStore`, and may raise `StoreError`."""

    can_be_shared: ClassVar[bool]
    """Whether several processes may open it at one time, each owning some of its sessions."""

    def open(
        self, *, create: bool, quick_check: QuickCheck, advertise: str | None
    ) -> "SQLiteStore | MemoryStore | PostgresStore":
        """The store; `advertise` is where the others are to reach this process, if it is shared."""

    def read(self) -> "SQLiteReader | PostgresReader":
        """The store, for looking only, also beside a running service."""

    def backup(self, target: Path, progress: Progress | None) -> None:
        """Copies the store, also beside a running service."""

    def restore(self, source: Path, progress: VerifyProgress | None, *, force: bool) -> Restored:
        """Puts a backup in the store's place; with `force`, in that of anything else, too."""

    def verify(self, progress: VerifyProgress | None) -> Report:
        """Looks whether the store is whole, also beside a running service."""

    def upgrade(self, *, dry_run: bool, progress: UpgradeProgress | None) -> Upgraded:
        """Brings the store to the present schema."""

    def leave(self) -> AbstractContextManager[Source]:
        """The store, to be moved from: for this process alone, which does not change it."""

    def arrive(self) -> AbstractContextManager[Target]:
        """A new store, to be moved to: there must not be one with sessions in it."""

    def restore_hint(self) -> str:
        """Which backup there is, and how it is restored."""


MakePlace = Callable[[str], Place]
"""Takes what stands behind `://`. Raises `CannotOpenStore`."""


@frozen
class InMemory:
    """`memory://`: a store that begins and ends with the process that opens it."""

    can_be_shared: ClassVar[bool] = False

    rest: str

    def open(
        self,
        *,
        create: bool,
        quick_check: QuickCheck,  # noqa: ARG002
        advertise: str | None,
    ) -> MemoryStore:
        refuse_address(advertise)
        if self.rest:
            raise CannotOpenStore(
                f"'memory://{self.rest}' is not the URL of a store", "Write memory://"
            )
        if not create:
            self._refuse()
        return MemoryStore()

    def read(self) -> SQLiteReader:
        self._refuse()

    def backup(self, target: Path, progress: Progress | None) -> None:  # noqa: ARG002
        self._refuse()

    def restore(self, source: Path, progress: VerifyProgress | None, *, force: bool) -> Restored:  # noqa: ARG002
        self._refuse()

    def verify(self, progress: VerifyProgress | None) -> Report:  # noqa: ARG002
        self._refuse()

    def upgrade(self, *, dry_run: bool, progress: UpgradeProgress | None) -> Upgraded:  # noqa: ARG002
        self._refuse()

    def leave(self) -> AbstractContextManager[Source]:
        self._refuse()

    def arrive(self) -> AbstractContextManager[Target]:
        self._refuse()

    def restore_hint(self) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CannotOpenStore(
            "memory:// keeps nothing when its process ends, and no other process sees it",
            "Name a database file with --db",
        )
