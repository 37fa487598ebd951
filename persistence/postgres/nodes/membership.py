"""Membership: what a node owns, among all nodes that share the database.

`beat` is called in a thread, one at a time; `hand_over` in another one; all else by the event
loop's thread, which waits for neither. So nothing here is written by two of them: the view by
`beat` alone, what was let go of by the event loop alone, and `hand_over` leaves a note for the next
beat.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from secrets import token_hex
from threading import Lock

import psycopg
from attrs import define, evolve, field

from persistence.postgres.connections import Connection
from persistence.postgres.errors import said_by
from persistence.postgres.nodes import register, shares
from persistence.postgres.nodes.attempt import OutcomeUnknown
from persistence.postgres.nodes.judge import Judge
from persistence.postgres.nodes.line import Line
from persistence.postgres.nodes.tending import claim_free, end_dead
from persistence.postgres.nodes.view import Reading, View
from persistence.postgres.nodes.writer import GONE, Writer
from runtime import (
    SECONDS,
    CannotOpenStore,
    LostOwnership,
    Node,
    NotHere,
    OwnershipStatistics,
    StoreUnavailable,
    shard_of,
)

log = logging.getLogger("agent_runtime")

PACE = 0.25 * SECONDS
"""Between two beats: eight of them before a node stops serving for want of one."""

LEASE = 2 * SECONDS
"""How long a node serves after the begin of its last beat: a second less than it takes others to
find it dead, which is room for clocks that do not run equally fast."""

BEAT = 2 * SECONDS
"""How long a beat may take: after that it is worth nothing."""

FAREWELL = 2 * SECONDS
"""How long the end may wait for the database. A node that does not say farewell is found dead."""


def steady() -> float:
    """Seconds, of a clock that nobody sets.

    Where there is one that goes on while the machine sleeps, of that.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def new_id() -> str:
    """A node's, new at each start: what an earlier process has left behind is not its."""
    return token_hex(8)


@define(eq=False)
class Membership:
    """Implements `runtime.Ownership`."""

    node: str
    _open: Callable[[], Connection]
    """Raises `psycopg.Error`, `CannotOpenStore`."""
    _writer: Writer
    _clock: Callable[[], float] = steady
    _judge: Judge = field(factory=Judge)
    _line: Line | None = None
    _view: View = field(init=False)
    _beats: int = 0
    """The number of the last beat that was tried."""
    _takeovers: int = 0
    _let_go: Mapping[int, int] = field(factory=dict)
    """Shards, and since which beat this node had owned each when it let go of it."""
    _given: deque[Collection[int]] = field(factory=deque)
    """What `hand_over` tells the next beat."""
    _gone: set[int] = field(factory=set)
    """What was told, until a beat has come through."""
    _is_leaving: bool = False
    _is_closed: bool = False
    _beating: Lock = field(factory=Lock)
    """Who closes waits for a beat."""
    is_shared: bool = field(default=True, init=False)
    pace: float = field(default=PACE, init=False)

    def __attrs_post_init__(self) -> None:
        self._view = View.empty(self.node)

    def join(self, address: str | None) -> None:
        """Makes the node known, and takes its share of what is free. Raises `StoreError`."""
        with self._talking() as line, line.limited(BEAT):
            register.enter(line, self.node, address, os.getpid())
        self.beat()

    # -- whose sessions are ------------------------------------------------------------------

    def check(self, session_id: str) -> None:
        shard = shard_of(session_id)
        view = self._view
        begun = view.mine.get(shard)
        if (
            begun is None
            or self._let_go.get(shard) == begun
            or self._clock() - view.since >= LEASE
            or self._writer.has_lost
        ):
            raise NotHere(session_id, view.address_of(shard))

    # -- beats -------------------------------------------------------------------------------

    def beat(self) -> None:
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

    def _take_in(self, reading: Reading, began: float) -> None:
        before = self._view
        owners = reading.owners
        taken = [
            shard
            for shard, begun in before.mine.items()
            if owners[shard] != self.node
            and shard not in self._gone
            and self._let_go.get(shard) != begun
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
        claimed = () if self._is_leaving else claim_free(line, self.node, reading)
        # What was claimed is committed by now: so it can be served.
        self._view = evolve(
            view.then(reading.owned_by(self.node, claimed), since=view.since, beat=view.beat),
            silent=self._judge.silent(),
        )

    @property
    def tenures(self) -> Mapping[int, int]:
        """The shards that this node owns, and since which of its beats."""
        return self._view.mine

    def own(self) -> Collection[int]:
        """The shards whose sessions are looked after here: those that were not let go of."""
        let_go = self._let_go
        return [one for one, begun in self._view.mine.items() if let_go.get(one) != begun]

    # -- giving up ---------------------------------------------------------------------------

    def surplus(self) -> Collection[int]:
        view = self._view
        if self._clock() - view.since >= LEASE:
            return ()  # who knows
        return [
            shard for shard in self._takers(view) if self._let_go.get(shard) != view.mine[shard]
        ]

    def let_go(self, shards: Collection[int]) -> None:
        mine = self._view.mine
        begun = {shard: mine[shard] for shard in shards if shard in mine}
        self._let_go = {**self._let_go, **begun}

    def take_back(self, shards: Collection[int]) -> None:
        kept = {shard: begun for shard, begun in self._let_go.items() if shard not in shards}
        self._let_go = kept

    def hand_over(self, shards: Collection[int]) -> Collection[int]:
        view = self._view
        wanted = set(shards)
        gone = {shard for shard in wanted if shard not in view.mine}
        takers = {
            shard: taker
            for shard, taker in self._takers(view).items()
            if shard in wanted and self._let_go.get(shard) == view.mine[shard]
        }
        if takers:
            try:
                with self._writer.transaction(takers) as sql:
                    register.give(sql, takers)
            except psycopg.IntegrityError as error:
                raise StoreUnavailable("A node that was to have shards is gone") from error
            self._given.append(frozenset(takers))
        return gone | takers.keys()

    def _takers(self, view: View) -> Mapping[int, str]:
        """Who is to have which of this node's shards."""
        stayers = [
            node for node in view.reading.stayers if not (self._is_leaving and node == self.node)
        ]
        return {
            shard: taker
            for shard, taker in shares.moves(view.reading.owners, stayers).items()
            if shard in view.mine and taker not in view.silent
        }

    def leave(self) -> None:
        self._is_leaving = True

    @property
    def has_left(self) -> bool:
        view = self._view
        is_told = any(one.is_leaving for one in view.reading.members if one.id == self.node)
        return is_told and not (view.mine and view.reading.stayers)

    # -- how things are ----------------------------------------------------------------------

    def nodes(self) -> Sequence[Node]:
        reading = self._view.reading
        return [
            Node(
                id=one.id,
                address=one.address,
                shards=reading.owners.count(one.id),
                is_leaving=one.is_leaving,
                is_self=one.id == self.node,
                seen=one.seen,
            )
            for one in reading.members
        ]

    def statistics(self) -> OwnershipStatistics:
        return OwnershipStatistics(
            shards=len(self._view.mine),
            takeovers=self._takeovers,
            refusals=int(self._writer.has_lost),
        )

    # -- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Says farewell, so that others need not find out; if that cannot be said, they do."""
        self._is_closed = True
        if not self._beating.acquire(timeout=FAREWELL):
            return  # a beat that cannot be said to have ended: the database does not answer
        try:
            self._view = View.empty(self.node)
            with self._talking() as line, line.limited(FAREWELL):
                register.leave(line, self.node)
        except StoreUnavailable as error:
            log.warning("left without a farewell, other nodes will notice: %s", error)
        finally:
            self._hang_up()
            self._beating.release()

    # -- inside ------------------------------------------------------------------------------

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
