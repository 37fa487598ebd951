"""The programs in front of the nodes, and behind them, as the campaign has them."""

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.faults.cluster import balancer
from tests.faults.cluster.storage import bouncer
from tests.faults.cluster.storage.clock import WallClock
from tests.postgres.account import Account
from tests.postgres.databases import Databases
from tests.postgres.server import ADMIN, open_server


@pytest.mark.skipif(not balancer.is_installed(), reason="HAProxy is not installed")
def test_haproxy_takes_the_file_that_is_shown() -> None:
    checked = subprocess.run(
        [balancer.PROGRAM, "-c", "-f", balancer.SHOWN], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


def test_of_that_file_only_the_ports_are_others() -> None:
    shown = balancer.SHOWN.read_text()
    ours = balancer.config(1234, [8001, 8002, 8003])
    changed = [
        pair
        for pair in zip(shown.splitlines(), ours.splitlines(), strict=True)
        if len(set(pair)) > 1
    ]
    assert [words.split()[0] for words, _ in changed] == ["bind", "server", "server", "server"]


@pytest.mark.skipif(bouncer.program() is None, reason="PgBouncer is not installed")
def test_pgbouncer_lends_a_connection_for_a_transaction(databases: Databases) -> None:
    account = Account.ordinary()
    folder = account.new_folder()
    try:
        with open_server(tcp=True) as server:
            place = "127.0.0.1", server.port
            with (
                bouncer.pooling(folder, account, place) as (host, port),
                psycopg.connect(f"postgresql://{ADMIN}@{host}:{port}/{ADMIN}") as one,
                psycopg.connect(f"postgresql://{ADMIN}@{host}:{port}/{ADMIN}") as other,
            ):
                of_one = one.execute("SELECT pg_backend_pid()").fetchone()
                one.commit()
                of_other = other.execute("SELECT pg_backend_pid()").fetchone()
                assert of_one == of_other
    finally:
        shutil.rmtree(folder)


def test_the_clock_of_a_database_jumps(databases: Databases, tmp_path: Path) -> None:
    folder = Account.ordinary().new_folder()
    try:
        clock = WallClock.build(folder)
        if clock is None:
            pytest.skip("gcc is not installed")
        with open_server() as server:
            server.stop()
            server.environment = clock.environment
            server.start()
            now = "SELECT extract(epoch FROM clock_timestamp())::float8"
            [(before,)] = server.run(now)
            clock.jump(3600)
            [(after,)] = server.run(now)
            assert 3600 <= after - before < 7200
            clock.jump(-3600)
            [(then,)] = server.run(now)
            assert after - then > 0
    finally:
        shutil.rmtree(folder)
