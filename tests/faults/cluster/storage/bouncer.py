"""PgBouncer in transaction mode: of one transaction and the next, each may be another's session."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.campaign import comes_true
from tests.faults.cluster.ports import HOST, free_port, listens
from tests.postgres.account import Account
from tests.postgres.server import ADMIN

PROGRAM = "pgbouncer"
SBIN = "/usr/sbin"
"""Where Debian has it, which is not on everybody's path."""


def program() -> str | None:
    """Where it is, if it is installed."""
    return shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:{SBIN}")


def config(port: int, database: tuple[str, int]) -> str:
    """`database`: where PostgreSQL listens."""
    host, its_port = database
    return f"""
[databases]
* = host={host} port={its_port} user={ADMIN}

[pgbouncer]
listen_addr = {HOST}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 300
default_pool_size = 30
query_wait_timeout = 10
server_login_retry = 0
"""


@contextmanager
def pooling(folder: Path, account: Account, database: tuple[str, int]) -> Iterator[tuple[str, int]]:
    """Where it listens while the block runs. `folder` is an empty one, of the account's."""
    path = program()
    assert path is not None, "it is not installed"
    port = free_port()
    file = folder / "pgbouncer.ini"
    file.write_text(config(port, database))
    file.chmod(0o644)
    whom: dict[str, Any] = {}
    if account.uid is not None:
        whom = {"user": account.uid, "group": account.gid, "extra_groups": []}
    with (folder / "pgbouncer.log").open("ab") as log:
        process = subprocess.Popen([path, file], stdout=log, stderr=log, cwd=folder, **whom)
    try:
        assert comes_true(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield HOST, port
    finally:
        process.kill()
        process.wait()
