"""The statements on the nodes' register: who is there, who owns what.

Each function is one transaction, which waits for no answer, so that a node is hardly ever stopped
in the middle of one. What they return was committed without a warning: a failover to a synchronous
standby takes none of it, nor what they have read.

A beat locks nothing but its own node, and who ends a node locks that last. So beats wait for
nobody, however long others wait for a commit.
"""

from collections.abc import Collection, Mapping
from functools import partial

from attrs import frozen

from persistence.postgres.connections import Connection
from persistence.postgres.nodes.attempt import attempt
from persistence.postgres.nodes.fence import wait_for_locks
from persistence.postgres.nodes.line import Line
from persistence.postgres.nodes.view import Member, Reading
from runtime import SECONDS, SHARDS

PATIENCE = 0.5 * SECONDS
"""For a lock. Who waits for one here does not beat meanwhile."""

_ENTER = """
INSERT INTO agent_runtime.node (id, address, pid, beats, seen, is_leaving)
VALUES (%s, %s, %s, 0, clock_timestamp(), false)
"""
_ENTER_FENCE = "INSERT INTO agent_runtime.fence (node, connection, commit_seq) VALUES (%s, 0, 0)"

_BEAT = """
UPDATE agent_runtime.node SET beats = %s, seen = clock_timestamp(), is_leaving = %s
WHERE id = %s AND beats < %s
"""
# The number is the node's own, and not one more than what is there: a failover that brings back an
# older row brings back no number that others have seen. And a late beat changes nothing.

_MEMBERS = """
SELECT id, address, beats, is_leaving,
    to_char(seen AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
FROM agent_runtime.node ORDER BY id
"""
_OWNERS = "SELECT shard, owner FROM agent_runtime.shard"

_HOLD = "SELECT FROM agent_runtime.fence WHERE node = %s FOR UPDATE"
_END = "DELETE FROM agent_runtime.node WHERE id = %s AND beats = %s"
_LEAVE = "DELETE FROM agent_runtime.node WHERE id = %s"

_CLAIM = """
UPDATE agent_runtime.shard SET owner = %(node)s
WHERE owner IS NULL AND shard IN (
    SELECT shard FROM agent_runtime.shard
    WHERE owner IS NULL AND shard = ANY(%(shards)s::smallint[])
    ORDER BY shard FOR UPDATE SKIP LOCKED)
RETURNING shard
"""
# That the node is there still is seen to by the reference to it. Whoever has locked a shard is
# claiming it, so it is passed over.

_GIVE = """
UPDATE agent_runtime.shard SET owner = given.taker
FROM unnest(%s::smallint[], %s::text[]) AS given (shard, taker)
WHERE shard.shard = given.shard
"""


def enter(line: Line, node: str, address: str | None, pid: int) -> None:
    """Makes a node known."""
    with attempt(line, _not_long, pipelined=True) as sql:
        sql.execute(_ENTER, [node, address, pid])
        sql.execute(_ENTER_FENCE, [node])


@frozen
class Beat:
    """What a beat has come to."""

    is_there: bool
    """Whether the node is in the register still."""
    reading: Reading


def beat(line: Line, node: str, number: int, *, is_leaving: bool) -> Beat:
    """Says that the node is there, and reads how things are."""
    with attempt(line, _not_long, pipelined=True) as sql:
        told = sql.execute(_BEAT, [number, is_leaving, node, number])
        members = sql.execute(_MEMBERS)
        shards = sql.execute(_OWNERS)
    owners: list[str | None] = [None] * SHARDS
    for shard, owner in shards:
        owners[shard] = owner
    return Beat(
        told.rowcount == 1,
        Reading(
            members=[
                Member(id=id_, address=address, beats=beats, is_leaving=is_leaving_, seen=seen)
                for id_, address, beats, is_leaving_, seen in members
            ],
            owners=owners,
        ),
    )


def end(line: Line, node: str, beats: int, *, patience: float = PATIENCE) -> bool:
    """Ends a node whose last beat had this number; its shards are free then.

    Waits for its commit in flight, and raises `LockNotAvailable` if that takes too long. `False`:
    it has beaten since, or somebody else has ended it.
    """
    with attempt(line, partial(wait_for_locks, seconds=patience), pipelined=True) as sql:
        # Before the node itself: while this waits, the node may beat.
        sql.execute(_HOLD, [node])
        ended = sql.execute(_END, [node, beats])
    return ended.rowcount == 1


def leave(line: Line, node: str) -> None:
    """Takes a node out; its shards are free then. Raises `LockNotAvailable`."""
    with attempt(line, _not_long, pipelined=True) as sql:
        sql.execute(_HOLD, [node])
        sql.execute(_LEAVE, [node])


def claim(line: Line, node: str, shards: Collection[int]) -> Collection[int]:
    """Makes free shards the node's, and returns those that were."""
    with attempt(line, _not_long, pipelined=True) as sql:
        claimed = sql.execute(_CLAIM, {"node": node, "shards": list(shards)})
    return frozenset(shard for (shard,) in claimed)


def give(sql: Connection, takers: Mapping[int, str]) -> None:
    """Gives shards to other nodes, within a transaction of the `Writer`'s.

    So it has passed the fence, and none of its packets comes late. Ends the transaction with
    `ForeignKeyViolation` if one of the nodes is gone.
    """
    sql.execute(_GIVE, [list(takers), list(takers.values())])


def _not_long(sql: Connection) -> None:
    wait_for_locks(sql, PATIENCE)
