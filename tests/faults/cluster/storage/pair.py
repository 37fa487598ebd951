"""A primary and the standby that its commits wait for: no failover loses anything."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from tests.faults.campaign import comes_true
from tests.faults.cluster.storage.database import STANDBY, Database, children, stopped
from tests.postgres.programs import Programs


@define
class Pair:
    """The two, whichever of all that there were these are by now."""

    folder: Path
    primary: Database
    standby: Database | None = None
    """`None`: the last failover has used it up, and nobody has made another yet."""
    retired: list[Database] = field(factory=list)
    """Those that were primaries, and may still run, with nobody to ask them."""
    _number: int = 0

    @classmethod
    @contextmanager
    def running(
        cls,
        programs: Programs,
        folder: Path,
        environment: Mapping[str, str],
        *,
        alone: bool = False,
    ) -> Iterator["Pair"]:
        """Both of them, in step; if `alone`, the primary, which waits for nobody.

        `folder` is one that the user of `programs` may enter.
        """
        pair = cls(folder, Database.made(programs, folder / "database-0", environment))
        try:
            if not alone:
                pair.renew()
            yield pair
        finally:
            for database in (pair.primary, pair.standby, *pair.retired):
                if database is not None:
                    database.server.kill()

    def renew(self) -> None:
        """Makes the standby that is missing, and lets commits wait for it from then on."""
        assert self.standby is None
        for database in self.retired:
            database.server.kill()
        self.retired.clear()
        self._number += 1
        self.standby = Database.copied(self.primary, self.folder / f"database-{self._number}")
        self.primary.wait_for(STANDBY)
        assert comes_true(self.is_synchronous), "the standby does not come into step"

    def is_synchronous(self) -> bool:
        """Whether commits wait for a standby, and one is there."""
        rows = self.primary.ask("SELECT application_name, sync_state FROM pg_stat_replication")
        return (STANDBY, "sync") in rows

    def fail_over(self, *, kill: bool) -> None:
        """The standby takes over. If not killed, the old primary goes on, cut off from everybody.

        Whoever has a connection to the old one must have been cut off before.
        """
        assert self.standby is not None
        if kill:
            self.primary.server.kill()
        self.retired.append(self.primary)
        self.primary, self.standby = self.standby, None
        self.primary.promote()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the block runs the standby stands still, and so no commit returns."""
        assert self.standby is not None
        pid = self.standby.server.pid
        with stopped([pid, *children(pid)]):
            yield

    def release(self) -> int:
        """Lets commits that wait for the standby return without it; how many there were.

        The database tells each of their clients so: a warning of SQLSTATE 01000.
        """
        return len(
            self.primary.ask(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event = 'SyncRep' AND application_name <> 'campaign'"
            )
        )
