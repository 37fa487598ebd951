"""Membership: a node among all nodes that share the database.

`beat` is called in a thread, one at a time, and `hand_over` in another one; all else by the event
loop's thread, which waits for neither. So nothing here is written by two of them: the view by
`beat` alone, what was let go of by the event loop alone; and `hand_over` leaves a note for the next
beat.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from secrets import token_hex
from threading import Lock

import psycopg
from attrs import define, evolve, field

from persistence.postgres.connections import Connection
from persistence.postgres.errors import said_by
from persistence.postgres.nodes import register
from persistence.postgres.nodes.attempt import OutcomeUnknown
from persistence.postgres.nodes.holding import Holding
from persistence.postgres.nodes.judge import Judge
from persistence.postgres.nodes.line import Line
from persistence.postgres.nodes.tending import claim_free, end_dead
from persistence.postgres.nodes.view import Reading, View
from persistence.postgres.nodes.writer import GONE, Writer
from runtime import (
    SECONDS,
    CannotOpenStore,
    LostOwnership,
    NotHere,
    OwnershipStatistics,
    StoreUnavailable,
    shard_of,
)

log = logging.getLogger("agent_runtime")

PACE = 0.25 * SECONDS
"""Between two beats: eight of them before a node stops serving for want of one."""

BEAT = 2 * SECONDS
"""How long a beat may take: after that it is worth nothing. What it does for all may take as long
once more."""

FAREWELL = 2 * SECONDS
"""How long the end may wait for the database. A node that does not say farewell is found dead."""


def new_id() -> str:
    """A node's, new at each start: what an earlier process has left behind is not its."""
    return token_hex(8)


@define(eq=False)
class Membership(Holding):
    """Implements `runtime.Ownership`."""

    _open: Callable[[], Connection]
    """Raises `psycopg.Error`, `CannotOpenStore`."""
    _writer: Writer
    _judge: Judge = field(factory=Judge, init=False)
    _line: Line | None = field(default=None, init=False)
    _beats: int = field(default=0, init=False)
    """The number of the last beat that was tried."""
    _takeovers: int = field(default=0, init=False)
    _given: deque[Collection[int]] = field(factory=deque, init=False)
    """What `hand_over` tells the next beat."""
    _gone: set[int] = field(factory=set, init=False)
    """What it has told, until a beat has come through."""
    _is_closed: bool = field(default=False, init=False)
    _beating: Lock = field(factory=Lock, init=False)
    """Who closes waits for a beat."""
    is_shared: bool = field(default=True, init=False)
    pace: float = field(default=PACE, init=False)

    def join(self, address: str | None) -> None:
        """Makes the node known, and takes its share of what is free. Raises `StoreError`."""
        with self._talking() as line, line.limited(BEAT):
            register.enter(line, self.node, address, os.getpid())
        self.beat()

    def check(self, session_id: str) -> None:
        super().check(session_id)
        if self._writer.has_lost:
            raise NotHere(session_id, self._view.address_of(shard_of(session_id)))

    def statistics(self) -> OwnershipStatistics:
        """How this node stands."""
        return OwnershipStatistics(
            shards=len(self._view.mine),
            takeovers=self._takeovers,
            # There is no second one.
            refusals=int(self._writer.has_lost),
        )

    # -- in threads --------------------------------------------------------------------------

    def beat(self) -> None:
        """Says that this node is there, learns how things are, and does what is to be done."""
        with self._beating:
            if self._is_closed:
                raise StoreUnavailable("The store is closed")
            while self._given:
                self._gone.update(self._given.popleft())
            self._beats += 1
            with self._talking() as line:
                began = self._clock()  # before anything is sent: others count from when it is there
                with line.limited(BEAT):
                    found = register.beat(line, self.node, self._beats, is_leaving=self._is_leaving)
                if not found.is_there:
                    raise self._lost("it is not among the nodes any more")
                self._take_in(found.reading, began)
                with line.limited(BEAT):
                    self._tend(line)

    def hand_over(self, shards: Collection[int]) -> Collection[int]:
        """Gives shards away, those of them that others are to have; returns those that have gone.

        Raises `StoreError`: then none has gone by this, whatever it is, unless the store is closed.
        """
        view, wanted = self._view, frozenset(shards)
        gone = frozenset(shard for shard in wanted if shard not in view.mine)
        takers = {
            shard: taker
            for shard, taker in self._takers(view).items()
            if shard in wanted and not self._is_kept(view, shard)
        }
        if takers:
            try:
                with self._writer.transaction(takers) as sql:
                    register.give(sql, takers)
            except psycopg.IntegrityError as error:
                raise StoreUnavailable("A node that was to have shards is gone") from error
            self._given.append(frozenset(takers))
        return gone | takers.keys()

    def close(self) -> None:
        """Says farewell, so that others need not find out; if that cannot be said, they do."""
        self._is_closed = True
        if not self._beating.acquire(timeout=FAREWELL):
            if (line := self._line) is not None:
                line.cut()
            return
        try:
            self._view = View.empty(self.node)
            with self._talking() as line, line.limited(FAREWELL):
                register.leave(line, self.node)
        except StoreUnavailable as error:
            log.warning("left without a farewell, other nodes will notice: %s", error)
        finally:
            self._hang_up()
            self._beating.release()

    # -- inside, all of it a beat's ----------------------------------------------------------

    def _take_in(self, reading: Reading, began: float) -> None:
        before = self._view
        taken = [
            shard
            for shard in before.mine
            if reading.owners[shard] != self.node
            and shard not in self._gone
            and self._is_kept(before, shard)
        ]
        if taken:
            # Only a database that was put back to an earlier state says so.
            raise self._lost(f"{len(taken)} shards are not its any more")
        self._view = before.then(reading, since=began, beat=self._beats, given=self._gone)
        self._gone = set()

    def _tend(self, line: Line) -> None:
        view = self._view
        others = {one.id: one for one in view.reading.members if one.id != self.node}
        dead = self._judge.look(self._clock(), {one.id: one.beats for one in others.values()})
        ended = end_dead(line, [others[node] for node in dead], self._clock)
        self._takeovers += len(ended)
        reading = view.reading.without(ended)
        silent = self._judge.silent()
        claimed = () if self._is_leaving else claim_free(line, self.node, reading, silent)
        # What was claimed is committed by now: so it can be served.
        self._view = evolve(
            view.then(reading.owned_by(self.node, claimed), since=view.since, beat=view.beat),
            silent=silent,
        )

    @contextmanager
    def _talking(self) -> Iterator[Line]:
        try:
            if self._line is None or not self._line.is_usable:
                self._hang_up()
                self._line = Line.of(self._open())
            yield self._line
        except (psycopg.Error, OutcomeUnknown, CannotOpenStore) as error:
            # Of a beat it does not matter what became of it: the next one finds out.
            problem = f"The database does not answer now: {said_by(error)}"
            raise StoreUnavailable(problem) from error

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _lost(self, why: str) -> LostOwnership:
        self._view = View.empty(self.node)
        return LostOwnership(f"This node has lost what it owned: {why}. {GONE}")
