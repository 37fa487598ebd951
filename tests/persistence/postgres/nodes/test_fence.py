"""Who has lost what it owned commits nothing, whatever it takes itself for."""

from collections.abc import Collection

import pytest
from attrs import frozen

from persistence.postgres.connections import Connection
from persistence.postgres.nodes.fence import Fence
from persistence.postgres.nodes.register import give
from runtime import LostOwnership, StoreUnavailable
from tests.persistence.postgres.nodes.place import Node, Place, beside, insert


@frozen
class NoFence(Fence):
    """Lets everything pass. The control: with it, the tests of the fence have to fail."""

    def pass_with(
        self, sql: Connection, *, connection: int, commit_seq: int, shards: Collection[int]
    ) -> None:
        sql.execute(
            "UPDATE agent_runtime.fence SET commit_seq = %s WHERE node = %s",
            (commit_seq, self.node),
        )


def is_refused(node: Node, *, pipelined: bool = True) -> bool:
    while True:
        try:
            node.write("stale", pipelined=pipelined)
        except LostOwnership:
            return True
        except StoreUnavailable:
            continue  # a connection that was lost
        return False


@pytest.mark.parametrize("pipelined", [True, False])
def test_who_was_ended_commits_nothing(place: Place, pipelined: bool) -> None:
    node = place.node()
    node.write("mine")
    place.end(node)
    assert is_refused(node, pipelined=pipelined)
    assert place.written() == ["mine"]


@pytest.mark.parametrize("pipelined", [True, False])
def test_with_the_fence_off_it_would(place: Place, pipelined: bool) -> None:
    node = place.node(fence=NoFence)
    node.write("mine")
    place.end(node)
    assert not is_refused(node, pipelined=pipelined)
    assert place.written() == ["mine", "stale"]


def test_who_was_ended_before_its_first_commit_does_not_either(place: Place) -> None:
    node = place.node()
    place.end(node)
    assert is_refused(node)
    assert place.written() == []


def test_nor_over_a_new_connection(place: Place) -> None:
    node = place.node()
    node.write("mine")
    place.end(node)
    place.end_connections()
    assert is_refused(node)
    assert place.written() == ["mine"]


def test_who_has_lost_once_does_not_ask_again(place: Place) -> None:
    node = place.node()
    place.end(node)
    assert is_refused(node)
    assert is_refused(node)
    assert node.membership.statistics().refusals == 1


def test_what_another_node_owns_is_not_written_to(place: Place) -> None:
    node, other = place.node(), place.node()
    node.membership.beat()
    node.give_up()
    other.membership.beat()
    with pytest.raises(LostOwnership):
        node.write("stale", shards=other.owned()[:1])
    assert place.written() == []


def test_one_shard_of_many_is_enough(place: Place) -> None:
    node = place.node()
    place.run("UPDATE agent_runtime.shard SET owner = NULL WHERE shard = 9")
    with pytest.raises(LostOwnership):
        node.write("stale", shards=range(256))
    assert place.written() == []


def test_who_owns_nothing_may_commit_what_is_of_no_shard(place: Place) -> None:
    place.node()
    other = place.node()
    other.write("of anybody's", shards=())
    assert place.written() == ["of anybody's"]


def test_a_commit_waits_for_shards_that_are_just_given_away_and_sees_it(place: Place) -> None:
    node, other = place.node(), place.node()
    node.write("mine")
    sql = place.connection()
    sql.execute("BEGIN")
    sql.execute("SELECT FROM agent_runtime.fence WHERE node = %s FOR UPDATE", (node.id,))
    give(sql, {0: other.id})
    with beside(lambda: is_refused(node)) as refused:
        place.wait_until_somebody_waits()
        sql.execute("COMMIT")
    assert refused == [True]
    assert place.written() == ["mine"]


def test_who_is_ended_while_it_commits_is_ended_behind_that(place: Place) -> None:
    """Its commit is whole, and seen by whoever owns the shard next."""
    node = place.node()
    with node.writer.transaction([0], pipelined=False) as sql:
        insert(sql, node.id, "mine")
        ending = beside(lambda: place.end(node))
        ending.__enter__()
        place.wait_until_somebody_waits(sql)
    ending.__exit__(None, None, None)
    assert place.written() == ["mine"]
    assert is_refused(node)


def test_a_database_that_was_put_back_is_noticed(place: Place) -> None:
    """As a failover to a standby that is behind does: what was acknowledged is not there."""
    node = place.node()
    node.write("one")
    place.run("UPDATE agent_runtime.fence SET commit_seq = 0")
    assert is_refused(node)


def test_so_it_is_over_a_new_connection(place: Place) -> None:
    node = place.node()
    node.write("one")
    place.run("UPDATE agent_runtime.fence SET commit_seq = 0")
    place.end_connections()
    assert is_refused(node)
