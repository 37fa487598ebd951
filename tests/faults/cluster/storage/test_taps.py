"""The gate and its taps, between a real client and a real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.faults.campaign import comes_true
from tests.faults.cluster.storage.proxy import Gate
from tests.faults.cluster.storage.taps import Cut, Hold, Moment, Warn
from tests.faults.cluster.storage.wire import WARNING
from tests.postgres.databases import Databases
from tests.postgres.server import ADMIN, Server, open_server
from tests.service import PATIENCE

SCHEMA = "CREATE SCHEMA agent_runtime; CREATE TABLE agent_runtime.entry (seq int PRIMARY KEY)"
OTHERS = "SELECT FROM pg_stat_activity WHERE client_port > 0"
INSERT = "INSERT INTO agent_runtime.entry VALUES (%s)"

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def server(databases: Databases) -> Iterator[Server]:
    """One that listens on loopback; `databases` skips the test where there is none."""
    with open_server(tcp=True) as server:
        server.run(SCHEMA)
        yield server


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    server.run("TRUNCATE agent_runtime.entry")
    with Gate.opened(("127.0.0.1", server.port)) as gate:
        yield gate


@contextmanager
def connected(gate: Gate) -> Iterator[Connection]:
    url = f"postgresql://{ADMIN}@127.0.0.1:{gate.port}/{ADMIN}"
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        yield connection


def write(connection: Connection, seq: int, *, pipelined: bool = True) -> None:
    """One transaction, as a node makes it."""
    if not pipelined:
        for statement in ("BEGIN", INSERT, "COMMIT"):
            connection.execute(statement, [seq] if statement is INSERT else None)
        return
    with connection.pipeline():
        for statement in ("BEGIN", INSERT, "COMMIT"):
            connection.execute(statement, [seq] if statement is INSERT else None)


def stored(server: Server) -> list[int]:
    return [seq for (seq,) in server.run("SELECT seq FROM agent_runtime.entry ORDER BY seq")]


def test_a_gate_passes_on_what_is_said_and_notes_the_commits(gate: Gate, server: Server) -> None:
    with connected(gate) as connection:
        write(connection, 1)
        write(connection, 2, pipelined=False)
        connection.execute("SELECT 1")
    assert stored(server) == [1, 2]
    assert len(gate.commits) == 2


@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("moment", Moment)
def test_a_connection_is_lost_at_its_moment(
    gate: Gate, server: Server, moment: Moment, pipelined: bool
) -> None:
    cut = Cut(moment)
    with connected(gate) as connection, gate.tapped(cut):
        with pytest.raises(psycopg.OperationalError):
            write(connection, 1, pipelined=pipelined)
        assert cut.met.wait(PATIENCE)
    assert comes_true(lambda: server.run(OTHERS) == [])
    assert stored(server) == ([] if moment is Moment.BEFORE else [1])


def test_only_one_transaction_meets_a_tap(gate: Gate, server: Server) -> None:
    with gate.tapped(Cut(Moment.BEFORE)):
        with connected(gate) as connection, pytest.raises(psycopg.OperationalError):
            write(connection, 1)
        with connected(gate) as connection:
            write(connection, 2)
    assert stored(server) == [2]


def test_a_commit_comes_with_the_warning(gate: Gate, server: Server) -> None:
    said = []
    with connected(gate) as connection, gate.tapped(Warn()):
        connection.add_notice_handler(lambda notice: said.append(notice.sqlstate))
        write(connection, 1)
        write(connection, 2)
    assert said == [WARNING]
    assert stored(server) == [1, 2]


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_held_arrives_when_its_connection_is_long_lost(
    gate: Gate, server: Server, whole: bool
) -> None:
    hold = Hold(whole)
    with connected(gate) as connection:
        write(connection, 1)
        with gate.tapped(hold):
            with ThreadPoolExecutor(1) as lane:
                writing = lane.submit(write, connection, 2)
                assert hold.met.wait(PATIENCE)
                hold.lose()
            with pytest.raises(psycopg.OperationalError):
                writing.result()
            with connected(gate) as other:
                other.execute(INSERT, [3])
            assert stored(server) == [1, 3]
            hold.pass_on()
            assert hold.was_committed.wait(PATIENCE)
    assert stored(server) == [1, 2, 3]


@pytest.mark.parametrize("pipelined", [True, False])
def test_nobody_waits_for_a_transaction_that_cannot_be_held(
    gate: Gate, server: Server, pipelined: bool
) -> None:
    """It writes no entries, or it goes step by step: then its first step is all there is."""
    with connected(gate) as connection:
        write(connection, 1)
        hold = Hold(whole=True)
        with gate.tapped(hold):
            if pipelined:
                with connection.pipeline():
                    connection.execute("BEGIN")
                    connection.execute("COMMIT")
            else:
                write(connection, 2, pipelined=False)
        assert not hold.met.is_set()
    assert stored(server) == ([1] if pipelined else [1, 2])


def test_a_refusal_by_the_fence_is_noted(gate: Gate) -> None:
    refuse = "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'AR001'; END $$"
    with connected(gate) as connection, pytest.raises(psycopg.DatabaseError):
        connection.execute(refuse)
    assert len(gate.refusals) == 1


def test_connections_that_are_cut_are_lost_and_new_ones_go_elsewhere(
    gate: Gate, server: Server
) -> None:
    with connected(gate) as connection:
        gate.cut()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    gate.is_closed = True
    with pytest.raises(psycopg.OperationalError), connected(gate):
        pass
    gate.is_closed = False
    with connected(gate) as connection:
        connection.execute("SELECT 1")
