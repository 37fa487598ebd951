"""A PostgreSQL server in a folder of its own, reached through a Unix socket in that folder."""

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import quote

import psycopg
from attrs import Factory, define, field

from tests.postgres.account import Account
from tests.postgres.programs import Programs, end, programs

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    # No test pulls a plug: what matters there is opened with `fsync=on`.
    "fsync": "off",
    "full_page_writes": "off",
    # In the folder, where it goes with the folder: in /dev/shm it outlives a killed server.
    "dynamic_shared_memory_type": "mmap",
    # The folder may be in memory.
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
}
"""What a server begins with, beyond PostgreSQL's own defaults."""

ADMIN = "postgres"
"""The superuser, who needs no password, and the database that is always there."""

PATIENCE = 60.0
"""Seconds for a server to start or stop: so many that only what hangs takes them."""

_IPC_RMID = 0


def _with_defaults(given: Mapping[str, str]) -> dict[str, str]:
    return {**SETTINGS, **given}


@define(eq=False)
class Server:
    """A server. `settings` may be changed while it does not run."""

    folder: Path
    settings: dict[str, str] = field(factory=dict, converter=_with_defaults)
    port: int = 5432
    """Part of the socket's name; with `listen_addresses` also a port."""
    is_temporary: bool = False
    """Whether the folder goes too if this process is killed."""
    programs: Programs = Factory(lambda self: programs(self.folder), takes_self=True)
    environment: Mapping[str, str] = field(factory=dict)
    """Of its own, beside what it sees of ours."""
    pid: int = 0
    """The postmaster's, while it runs."""
    _guard: "subprocess.Popen[str] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def url(self, name: str = ADMIN) -> str:
        """Of a database, through the socket."""
        place = quote(str(self.folder))
        return f"postgresql://{ADMIN}@/{quote(name)}?host={place}&port={self.port}"

    def tcp_url(self, name: str = ADMIN) -> str:
        """Of a database, through TCP, for a server that listens there."""
        return f"postgresql://{ADMIN}@127.0.0.1:{self.port}/{quote(name)}"

    def run(self, sql: str, name: str = ADMIN) -> list[tuple[Any, ...]]:
        """Runs a statement outside of transactions; the rows, if it has any."""
        with psycopg.connect(self.url(name), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description is not None else []

    def start(self) -> None:
        """Returns when it answers. Raises `RuntimeError` with its log if it never will."""
        assert self._guard is None, "it runs"
        if not self.data.exists():
            self._initialize()
        settings = [text for item in self.settings.items() for text in ("-c", "=".join(item))]
        self._guard = self.programs.start(
            *("postgres", "-D", str(self.data), "-k", str(self.folder), "-p", str(self.port)),
            *settings,
            log=self.log,
            leavings=self.folder if self.is_temporary else None,
            added=self.environment,
        )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline())
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Ends it in order, and its connections at once. Nothing if it does not run."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Ends it, and each of its processes, as if they had never been told. Or nothing.

        What the disk has by then is what the next start finds.
        """
        if self._guard is None:
            return
        children = self._children()
        memory = self._shared_memory()
        self._end(signal.SIGKILL)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        wait_until(lambda: all(map(is_gone, children)), "its processes do not end")
        # The few bytes by which PostgreSQL knows that no process of a server is left.
        if memory is not None:
            ctypes.CDLL(None).shmctl(memory, _IPC_RMID, None)

    def _initialize(self) -> None:
        self.programs.account.own(self.folder)
        self.programs.run(
            *("initdb", "-D", str(self.data), "-U", ADMIN, "-A", "trust"),
            *("--no-sync", "--locale=C", "-E", "UTF8"),
            log=self.log,
            leavings=self.folder if self.is_temporary else None,
        )

    def _end(self, number: signal.Signals) -> None:
        if self._guard is None:
            return
        if self._guard.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)
        end(self._guard, PATIENCE)
        self._guard, self.pid = None, 0

    def _wait_ready(self) -> None:
        def is_ready() -> bool:
            assert self._guard is not None
            if self._guard.poll() is not None:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            # As pg_ctl does it. What a killed server left has another pid in its first line.
            lines = self._postmaster_lines()
            return lines[:1] == [str(self.pid)] and lines[7:8] in (["ready"], ["standby"])

        wait_until(is_ready, "the server does not start")

    def _postmaster_lines(self) -> list[str]:
        try:
            text = (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return []
        return [line.strip() for line in text.splitlines()]

    def _shared_memory(self) -> int | None:
        words = " ".join(self._postmaster_lines()[6:7]).split()
        return int(words[1]) if len(words) == 2 else None

    def _children(self) -> list[int]:
        """Of the postmaster, where `/proc` tells; elsewhere they see that it is gone, and end."""
        try:
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except OSError:
            return []
        return [int(word) for word in text.split()]


def is_gone(pid: int) -> bool:
    """Also of one that has ended, but that nobody asked for its exit code. Needs `/proc`."""
    try:
        return ") Z" in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    """Asks again and again: what PostgreSQL offers to tell of this is a file."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(otherwise)
        time.sleep(0.005)


@contextmanager
def open_server(*, tcp: bool = False, **settings: str) -> Iterator[Server]:
    """A running server in a new folder, which goes with the block.

    It may be stopped, killed, and started again meanwhile. With `tcp` it listens on a free port of
    loopback as well. Raises `NoServer` where none can be started.

    One that syncs nothing is in memory: a new database is three hundred files, and on a disk the
    file system takes most of the time for them.
    """
    account = Account.ordinary()
    folder = account.new_folder(in_memory=settings.get("fsync", SETTINGS["fsync"]) == "off")
    try:
        server = Server(folder, settings, is_temporary=True)
        if tcp:
            server.settings["listen_addresses"] = "127.0.0.1"
            server.port = _free_port()
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
