"""A synchronous standby that does not answer, and somebody who ends the wait for it.

PostgreSQL then says that it has committed, with a warning: the commit is there, and a failover may
lose it. So it is not known to have been made, until a later commit has come to the standby.
"""

from collections.abc import Iterator
from functools import partial

import pytest

from persistence.postgres.connections import Connection
from runtime import StoreBroken, StoreUnavailable
from tests.persistence.postgres.nodes.place import Node, Place, beside
from tests.postgres.databases import Databases
from tests.postgres.server import Server, open_server, wait_until

WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def server(databases: object) -> Iterator[Server]:
    """One of our own, as its settings change; skipped where none can be started."""
    with open_server(autovacuum="off") as server:  # which would wait for the standby as well
        yield server


@pytest.fixture
def place(server: Server) -> Iterator[Place]:
    with Databases(server.url()).fresh() as url, Place.opened(url) as place:
        yield place
        bring_back(place)  # else nothing comes to its end


@pytest.fixture
def node(place: Place) -> Node:
    node = place.node()
    node.write("zero")
    return node


def take_away(place: Place) -> None:
    """From now on commits wait for a standby that is not there."""
    _set(place, "nobody")
    # A process of its own says so to all others, some time after they have the setting.
    with place.connection() as sql:
        wait_until(partial(_waits, place, sql), "no commit waits for the standby")


def _waits(place: Place, sql: Connection) -> bool:
    """Whether a commit does, which then is told not to."""
    with beside(lambda: sql.execute("SELECT pg_logical_emit_message(true, '', '')")) as done:
        wait_until(lambda: bool(done or waiting(place)), "it neither waits nor ends")
        found = waiting(place)
        for pid in found:
            place.rows("SELECT pg_cancel_backend(%s)", pid)
    return bool(found)


def bring_back(place: Place) -> None:
    _set(place, "")


def _set(place: Place, names: str) -> None:
    place.run(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    place.rows("SELECT pg_reload_conf()")
    wait_until(
        lambda: place.rows("SHOW synchronous_standby_names") == [(names,)], "it is not reloaded"
    )


def waiting(place: Place) -> list[int]:
    """The servers that wait for a standby now."""
    return [pid for (pid,) in place.rows(f"SELECT pid {WAITING}")]


def when_it_waits(place: Place, act: str) -> None:
    """Does something to whoever waits, as soon as somebody does."""
    wait_until(lambda: bool(waiting(place)), "nobody waits")
    [pid] = waiting(place)
    place.rows(f"SELECT {act}(%s)", pid)


def fence(place: Place, node: Node) -> tuple[int, int]:
    """The numbers of the connection that passes and of the last commit, as far as they are seen.

    Of who waits for the standby nothing is, before the wait has ended.
    """
    [row] = place.rows(
        "SELECT connection, commit_seq FROM agent_runtime.fence WHERE node = %s", node.id
    )
    return row[0], row[1]


def when_it_is_asked(place: Place, node: Node) -> None:
    """Returns when the second commit's wait was ended, and the question about it waits."""
    wait_until(lambda: fence(place, node) == (1, 2) and bool(waiting(place)), "nobody asks")


@pytest.mark.parametrize("pipelined", [True, False])
@pytest.mark.parametrize("act", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_commit_whose_wait_was_ended_is_known_when_a_later_one_came_through(
    place: Place, node: Node, act: str, pipelined: bool
) -> None:
    take_away(place)
    with beside(lambda: node.write("one", pipelined=pipelined)) as written:
        when_it_waits(place, act)
        when_it_is_asked(place, node)
        assert written == []
        bring_back(place)
    assert written == [None]
    assert place.written() == ["zero", "one"]


def test_a_question_whose_wait_was_ended_is_asked_again(place: Place, node: Node) -> None:
    take_away(place)
    with beside(lambda: node.write("one")) as written:
        when_it_waits(place, "pg_cancel_backend")
        when_it_is_asked(place, node)
        for question in (2, 3, 4):
            when_it_waits(place, "pg_cancel_backend")
            wait_until(partial(has_ended, place, node, question), "its wait goes on")
        assert written == []
        bring_back(place)
    assert written == [None]
    assert place.written() == ["zero", "one"]


def has_ended(place: Place, node: Node, question: int) -> bool:
    return fence(place, node)[0] == question


def test_who_is_closed_meanwhile_is_told_that_it_is_not_known(place: Place, node: Node) -> None:
    def write() -> str:
        try:
            node.write("one")
        except StoreBroken as error:
            return str(error)
        return "committed"

    take_away(place)
    with beside(write) as said:
        when_it_waits(place, "pg_cancel_backend")
        when_it_is_asked(place, node)
        node.writer.close()
    assert said == ["Closed before it was known what became of a commit"]


def test_a_beat_whose_wait_was_ended_is_none(place: Place, node: Node) -> None:
    """The node may not serve because of it: a failover may lose it, and others end the node."""

    def beat() -> bool:
        try:
            node.membership.beat()
        except StoreUnavailable:
            return False
        return True

    take_away(place)
    with beside(beat) as is_good:
        when_it_waits(place, "pg_cancel_backend")
    assert is_good == [False]
