"""What a node does for all: it ends the dead, and claims its share of what is free."""

import logging
from collections.abc import Callable, Collection

import psycopg

from persistence.postgres.nodes import register, shares
from persistence.postgres.nodes.backends import end_transactions
from persistence.postgres.nodes.line import Line
from persistence.postgres.nodes.view import Member, Reading
from runtime import SECONDS

log = logging.getLogger("agent_runtime")

ENDINGS = 1 * SECONDS
"""Of a beat, for ending the dead: whom it does not come to is ended with the next one."""

BRIEFLY = 0.1 * SECONDS
"""For a commit of a node that has been silent for so long: it hardly comes to an end by itself."""


def end_dead(line: Line, dead: Collection[Member], clock: Callable[[], float]) -> Collection[str]:
    """Ends nodes; the ids of those who were."""
    by = clock() + ENDINGS
    ended = []
    for member in dead:
        if clock() > by:
            break
        if _end(line, member):
            log.warning("ended node %s (%s): it was silent", member.id, member.address)
            ended.append(member.id)
    return ended


def claim_free(
    line: Line, node: str, reading: Reading, silent: Collection[str] = ()
) -> Collection[int]:
    """Claims what is free and this node's share; the shards that it got.

    `silent`: nodes that have no share in it. What was meant for one that is dying would be nobody's
    until that is dead.
    """
    owners, takers = reading.owners, set(reading.stayers).difference(silent)
    share = [
        shard
        for shard, taker in shares.moves(owners, takers).items()
        if taker == node and owners[shard] is None
    ]
    return register.claim(line, node, share) if share else ()


def _end(line: Line, member: Member) -> bool:
    try:
        is_ended = register.end(line, member.id, member.beats, patience=BRIEFLY)
    except psycopg.errors.LockNotAvailable:
        is_ended = None
    # It may have been stopped in a transaction, or have lost its connection there: one that holds
    # a row of its own, for which this has waited, or one of others, whom it was about to end.
    if is_ended is not False and (count := end_transactions(line.connection, member.id)):
        log.warning("ended %d open transactions of node %s, which is silent", count, member.id)
    try:
        return register.end(line, member.id, member.beats) if is_ended is None else is_ended
    except psycopg.errors.LockNotAvailable:
        return False
