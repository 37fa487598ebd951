"""PgBouncer in transaction mode, in front of a server, where it is installed."""

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.postgres.account import Account
from tests.postgres.programs import Programs, end
from tests.postgres.server import PATIENCE, wait_until

SBIN = "/usr/sbin"
"""Where Debian has it, which is not on everybody's path."""


def pgbouncer() -> Path | None:
    """Where it is, if it is installed."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:{SBIN}")
    return Path(found) if found else None


@contextmanager
def pooled(url: str, size: int) -> Iterator[str]:
    """The URL of the same database behind a pooler that has so many connections to it."""
    program = pgbouncer()
    assert program is not None
    options = conninfo_to_dict(url)
    account = Account.ordinary()
    folder = account.new_folder()
    try:
        settings = folder / "pgbouncer.ini"
        settings.write_text(f"""
[databases]
* = host={options["host"]} port={options.get("port", 5432)} user={options["user"]}

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = {size}
""")
        settings.chmod(0o644)
        programs = Programs(program.parent, account)
        process = programs.start(program.name, str(settings), log=folder / "log")
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        try:
            wait_until(partial(_answers, folder / ".s.PGSQL.6432"), "PgBouncer does not answer")
            yield make_conninfo("", **{**options, "host": str(folder), "port": 6432})
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):  # it ended just now
                    os.kill(pid, signal.SIGTERM)
            end(process, PATIENCE)
    finally:
        shutil.rmtree(folder)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        return asking.connect_ex(str(path)) == 0
