"""A PostgreSQL of a campaign's own: on loopback and on a socket, with fsync on, to be hurt."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from attrs import define

from tests.faults.cluster.ports import HOST, free_port
from tests.postgres.programs import Programs
from tests.postgres.server import ADMIN, Server

SETTINGS = {
    "listen_addresses": HOST,
    "fsync": "on",
    "full_page_writes": "on",
    "max_connections": "200",
    "wal_keep_size": "64MB",
    # A standby is in step within a second, and not within five.
    "wal_retrieve_retry_interval": "200ms",
    "wal_receiver_status_interval": "1s",
}

STANDBY = "standby"
"""What the one is called that commits wait for."""


@define(eq=False)
class Database:
    """A server and what a campaign asks of it, and does to it."""

    server: Server

    @classmethod
    def made(cls, programs: Programs, folder: Path, environment: Mapping[str, str]) -> "Database":
        """An empty one, running. `environment` is the server's: it may have a clock that jumps."""
        database = cls._in(programs, folder, environment)
        database.server.start()
        return database

    @classmethod
    def copied(cls, source: "Database", folder: Path) -> "Database":
        """A standby of another one that runs, running."""
        database = cls._in(source.server.programs, folder, source.server.environment)
        server = database.server
        place = f"host={source.server.folder} port={source.server.port} user={ADMIN}"
        server.programs.run(
            *("pg_basebackup", "-D", str(server.data), "-R", "--checkpoint=fast", "--no-sync"),
            *("-d", f"{place} application_name={STANDBY}"),
            log=server.log,
        )
        server.start()
        return database

    @classmethod
    def _in(cls, programs: Programs, folder: Path, environment: Mapping[str, str]) -> "Database":
        folder.mkdir(mode=0o700)
        programs.account.own(folder)
        port = free_port()
        return cls(Server(folder, SETTINGS, port, programs=programs, environment=environment))

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.server.port

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the campaign's own, past every proxy; each statement is a transaction."""
        with psycopg.connect(
            self.server.url(), autocommit=True, application_name="campaign", connect_timeout=10
        ) as connection:
            yield connection

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that come of a statement."""
        with self.connected() as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """While the block runs, nobody who is connected gets an answer."""
        rows = self.ask(
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND application_name <> 'campaign'"
        )
        with stopped([pid for (pid,) in rows]):
            yield

    def promote(self) -> None:
        """Of a standby makes a primary, which waits for no standby."""
        self.wait_for("")
        self.ask("SELECT pg_promote()")
        assert self.ask("SELECT pg_is_in_recovery()") == [(False,)]

    def wait_for(self, standby: str) -> None:
        """From now on commits wait until it has them; if empty, for nobody."""
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
        self.ask("SELECT pg_reload_conf()")


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """These processes stand still while the block runs."""
    _signal(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(pids, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def children(pid: int) -> list[int]:
    """The processes that it has started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
