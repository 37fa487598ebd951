"""Writer: the one connection that commits, and what is known of its commits.

Commits are numbered, and each leaves its number in the database (see `fence`). So where the outcome
of one is unknown, the database can be asked; and the answer is right, as the question first shuts
out whatever the old connection may still bring.
"""

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Lock

import psycopg
from attrs import define, field

from persistence.postgres.connections import Connection
from persistence.postgres.errors import OWNERSHIP_LOST, is_data_fault, said_by, store_error
from persistence.postgres.nodes.attempt import OutcomeUnknown, attempt
from persistence.postgres.nodes.backends import end_transactions
from persistence.postgres.nodes.fence import Fence, wait_for_locks
from persistence.postgres.nodes.line import Line
from runtime import (
    SECONDS,
    CannotOpenStore,
    LostOwnership,
    StoreBroken,
    StoreError,
    StoreUnavailable,
)

log = logging.getLogger("agent_runtime")

PATIENCE = 1 * SECONDS
"""How long a new connection waits for a transaction of the old one before it ends that."""

FIRST_PAUSE = 0.05 * SECONDS
LAST_PAUSE = 1 * SECONDS
"""Between two questions what became of a commit: all callers wait for the answer."""

FAREWELL = 2 * SECONDS
"""How long `close` waits for who was in a transaction, and has just had its connection cut."""

GONE = (
    "Other nodes have found this one dead, and own what it had; or the database was put back to an "
    "earlier state. Start it again"
)


@define(eq=False)
class Writer:
    """Commits for one node. Its callers wait for each other."""

    _fence: Fence
    _open: Callable[[], Connection]
    """Raises `psycopg.Error`, `CannotOpenStore`."""
    _commit_seq: int = 0
    """Of the last commit that is known."""
    _connection: int = 0
    """The number of the last connection: they rise."""
    _line: Line | None = None
    _loss: LostOwnership | None = None
    _using: Lock = field(factory=Lock)
    """Two threads commit: who writes sessions, and who gives up shards, seldom."""
    _closing: Event = field(factory=Event)

    @property
    def has_lost(self) -> bool:
        """Whether the node owns nothing any more."""
        return self._loss is not None

    @contextmanager
    def transaction(
        self, shards: Collection[int], *, pipelined: bool = True
    ) -> Iterator[Connection]:
        """Commits what the block does, for sessions of these shards; on return it is committed.

        `pipelined`: nothing is fetched in the block, nor behind it: an outcome that had to be asked
        for comes without the answers to the statements. Else the block may look, and use
        savepoints.

        Raises the database's error, if that lies in the values, and `StoreUnavailable`: nothing was
        written; `LostOwnership`; `StoreBroken` if it was closed before the outcome was known.
        """
        with self._used():
            line = self._ready()
            following = self._commit_seq + 1
            fence = partial(
                self._fence.pass_with,
                connection=self._connection,
                commit_seq=following,
                shards=shards,
            )
            try:
                with attempt(line, fence, pipelined=pipelined) as connection:
                    yield connection
            except OutcomeUnknown as unknown:
                log.warning("asking what became of a commit: %s", unknown)
                if not self._was_committed(following):
                    log.warning("that commit was not made: it can be tried again")
                    raise StoreUnavailable(f"A commit did not come through: {unknown}") from unknown
                log.warning("that commit was made")
            except psycopg.Error as error:
                if is_data_fault(error):
                    raise
                raise self._meaning(error) from error
            self._commit_seq = following

    def close(self) -> None:
        """Ends it; whoever is in a transaction learns no outcome. Called by any thread."""
        self._closing.set()
        if not self._using.acquire(blocking=False):
            # Read behind `set`: a line that is made later is seen to be too late by who makes it.
            if (line := self._line) is not None:
                line.cut()
            if not self._using.acquire(timeout=FAREWELL):
                return  # it is opening a connection, and gives that up when it has it
        self._drop()
        self._using.release()

    # -- inside, all under the lock ----------------------------------------------------------

    @contextmanager
    def _used(self) -> Iterator[None]:
        with self._using:
            try:
                yield
            finally:
                if self._closing.is_set():  # and who closes it may have given up waiting for this
                    self._drop()

    def _ready(self) -> Line:
        """A connection that passes the fence. Raises `StoreUnavailable`, `LostOwnership`."""
        if self._loss is not None:
            raise self._loss
        if self._line is None or not self._line.is_usable:
            try:
                found = self._connect()
            except (psycopg.Error, OutcomeUnknown, CannotOpenStore) as error:
                problem = f"The database does not answer now: {said_by(error)}"
                raise StoreUnavailable(problem) from error
            self._check(found, self._commit_seq)
        if self._closing.is_set():
            raise StoreUnavailable("The store is closed")
        assert self._line is not None
        return self._line

    def _was_committed(self, number: int) -> bool:
        """Asks until there is an answer. Raises `LostOwnership`, `StoreBroken` if closed."""
        pause = FIRST_PAUSE
        while not self._closing.is_set():
            try:
                found = self._connect()
            except (psycopg.Error, OutcomeUnknown, CannotOpenStore) as error:
                if pause == FIRST_PAUSE:  # and not each second for as long as it is away
                    log.warning("no answer yet, asking again and again: %s", said_by(error))
            else:
                self._check(found, number - 1, number)
                return found == number
            self._closing.wait(pause)
            pause = min(2 * pause, LAST_PAUSE)
        raise StoreBroken("Closed before it was known what became of a commit")

    def _connect(self) -> int:
        """Makes a connection the one that passes the fence; the number of the last commit.

        Once more on the same connection if there is one: it is the number that matters. That is
        itself committed, so what the answer says is as safe as any commit.
        """
        if self._line is None or not self._line.is_usable:
            self._drop()
            self._line = Line.of(self._open())
        line = self._line
        if self._closing.is_set():
            raise psycopg.OperationalError("the store is closed")
        self._connection += 1
        try:
            with attempt(line, _not_long, pipelined=True) as connection:
                answer = self._fence.connect(connection, self._connection)
        except psycopg.errors.LockNotAvailable:
            count = end_transactions(line.connection, self._fence.node)
            log.warning("ended %d open transactions of this node on connections lost", count)
            raise
        row = answer.fetchone()
        if row is None:
            raise self._lose("it is not among the nodes any more")
        return row[0]

    def _check(self, found: int, *expected: int) -> None:
        if found not in expected:
            raise self._lose(f"the database knows of {found} commits, not of {expected[-1]}")

    def _meaning(self, error: psycopg.Error) -> StoreError:
        if error.sqlstate == OWNERSHIP_LOST:
            return self._lose("the database refused its commit")
        return store_error(error)

    def _lose(self, why: str) -> LostOwnership:
        self._loss = LostOwnership(f"This node has lost what it owned: {why}. {GONE}")
        return self._loss

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _not_long(connection: Connection) -> None:
    wait_for_locks(connection, PATIENCE)
