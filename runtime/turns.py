"""Turns, as a program takes them: for a block that keeps one, or by single calls.

Whoever has a turn may go on writing under its number only while it holds. So its block renews it
long before its time is over, and is cancelled when it is lost: nothing in it goes on in the belief
that nobody else writes.

If another process comes to own the session, a block can do nothing more here. It is cancelled, and
ends with `NotHere` and not with `TurnLost`: the turn is not over. It holds there, under its number,
until it is renewed no more; its holder may go there and take it up again (`take` with `turn`).
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

import trio
from attrs import define, field, frozen

from runtime.asking import Asking, condition_of
from runtime.causes import sole_cause
from runtime.errors import (
    AgentRuntimeError,
    CallerError,
    NotHere,
    NoTurn,
    PreconditionFailed,
    RuntimeClosed,
    TurnLost,
)
from runtime.feeds.feed import Feed
from runtime.session.kinds.turn import cancel, current, end, take
from runtime.session.replies import HeldTurn, Reply, Stop

RENEWALS = 3
"""In the time that a turn is given: two in a row may fail."""

PAUSE = 0.05
"""Seconds between two looks whether the holder is asked to stop: a session in use changes all the
time, and nobody notices so much."""

RETRY = 0.5
"""Seconds behind a renewal that failed."""

PATIENCE = 2.0
"""Seconds for the end of a turn to be written when its block is left. It is over soon anyway."""


@frozen(eq=False)
class Turns:
    """The turns of one session.

    Taking, renewing and ending one return when that is on disk, in either durability. Each method
    may also raise what every method of a `Session` may.
    """

    _asking: Asking

    async def take(
        self,
        holder: str,
        *,
        ttl: float,
        turn: int | None = None,
        if_match: str | Collection[str] | None = None,
    ) -> HeldTurn:
        """Takes a turn for `ttl` seconds, or renews the one that this holder has.

        With `turn`, it renews that one and takes no other. Raises `SessionNotFound`,
        `InvalidInput`, `TurnHeld` if somebody else has one, `PreconditionFailed`.
        """
        at, condition = self._asking.timestamp(), condition_of(if_match, turn=turn)
        return await self._asking.write(
            lambda state: take(state, holder, ttl, at=at, condition=condition), True
        )

    async def current(self) -> HeldTurn | None:
        """The turn that holds the session, if one does. Raises `SessionNotFound`."""
        with suppress(NoTurn):
            return await self._asking.read(current)
        return None

    async def cancel(
        self,
        *,
        by: str | None = None,
        reason: str | None = None,
        durable: bool | None = None,
        turn: int | None = None,
        if_match: str | Collection[str] | None = None,
    ) -> HeldTurn:
        """Asks the holder of the present turn to stop, which it hears. The turn goes on.

        Raises `SessionNotFound`, `InvalidInput`, `NoTurn` if nobody holds the session,
        `PreconditionFailed`.
        """
        at, condition = self._asking.timestamp(), condition_of(if_match, turn=turn)
        return await self._asking.write(
            lambda state: cancel(state, by=by, reason=reason, at=at, condition=condition), durable
        )

    async def end(
        self,
        number: int,
        *,
        outcome: str | None = None,
        if_match: str | Collection[str] | None = None,
    ) -> Reply:
        """Ends a turn, also one that has expired, unless somebody has taken another one since.

        Raises `SessionNotFound`, `InvalidInput`, `PreconditionFailed`.
        """
        at, condition = self._asking.timestamp(), condition_of(if_match)
        return await self._asking.write(
            lambda state: end(state, number, outcome=outcome, at=at, condition=condition), True
        )


@define(eq=False)
class Turn:
    """The turn that a block has."""

    number: int
    cancelled: trio.Event = field(factory=trio.Event)
    """Set when somebody asks its holder to stop."""
    stop: Stop | None = None
    """Who asks, and why."""
    outcome: str | None = None
    """What came of it: the block may say so, and its end tells it."""

    def _note(self, held: HeldTurn) -> None:
        if held.stop is not None:
            self.stop = held.stop
            self.cancelled.set()


@asynccontextmanager
async def holding(turns: Turns, holder: str, ttl: float) -> AsyncIterator[Turn]:
    """A turn for the block: see `Session.turn`."""
    sent = trio.current_time()
    held = await turns.take(holder, ttl=ttl)
    turn = Turn(held.number)
    turn._note(held)
    keeper = _Keeper(turns, turn, holder, ttl, sent)
    try:
        with turns._asking.feeds.watching(held.session_id) as feed, sole_cause(1):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(keeper.keep, feed, nursery.cancel_scope)
                yield turn
                nursery.cancel_scope.cancel()
    except BaseException:  # which says more than whatever became of the turn
        await keeper.end()
        raise
    await keeper.end()
    if isinstance(keeper.loss, NotHere):  # the turn goes on
        raise keeper.loss
    if keeper.loss is not None:
        raise TurnLost(
            f"Turn {turn.number} of session {held.session_id} is lost: {keeper.loss}", None
        ) from keeper.loss


@define(eq=False)
class _Keeper:
    """Renews the turn of a block, and hears when its holder is asked to stop."""

    _turns: Turns
    _turn: Turn
    _holder: str
    _ttl: float
    _sent: float
    """When the last renewal that was confirmed was asked for, in trio's time: from then on at the
    least the turn has its time."""
    loss: AgentRuntimeError | None = None
    """Why the turn does not hold any more."""

    async def keep(self, feed: Feed, block: trio.CancelScope) -> None:
        """Until the turn is lost, which cancels the block, or the block is left."""
        bell, rung = feed.bell, None
        try:
            while True:
                self._check_here(feed)
                due = self._sent + self._ttl / RENEWALS
                if trio.current_time() >= due:
                    await self._renew()
                elif bell.rung == rung:
                    await bell.wait(due)
                else:
                    rung = bell.rung
                    await self._look()
        except (CallerError, RuntimeClosed, NotHere) as error:
            self.loss = error
            block.cancel()

    def _check_here(self, feed: Feed) -> None:
        if feed.has_moved:
            raise NotHere(self._turns._asking.session_id, None)

    async def end(self) -> None:
        """Ends the turn, if it is not lost; or finds out that it is."""
        if self.loss is not None:
            return
        with trio.move_on_after(PATIENCE, shield=True):
            try:
                await self._turns.end(self._turn.number, outcome=self._turn.outcome)
            except PreconditionFailed as error:
                self.loss = error
            except AgentRuntimeError:  # unknown, or its session is gone: it is over soon
                return

    async def _renew(self) -> None:
        sent = trio.current_time()
        with trio.move_on_at(self._sent + self._ttl):
            try:
                held = await self._turns.take(self._holder, ttl=self._ttl, turn=self._turn.number)
            except (CallerError, RuntimeClosed):
                raise
            except AgentRuntimeError:  # the store fails, or hesitates whose it is: later, perhaps
                await trio.sleep(RETRY)
            else:
                self._turn._note(held)
                self._sent = sent
        if trio.current_time() >= self._sent + self._ttl:
            raise PreconditionFailed("it could not be renewed in time", None)

    async def _look(self) -> None:
        try:
            held = await self._turns.current()
        except (CallerError, RuntimeClosed):
            raise
        except AgentRuntimeError:  # the next renewal tells
            pass
        else:
            if held is None or held.number != self._turn.number:
                raise PreconditionFailed("it is over, or somebody else's", None)
            self._turn._note(held)
        await trio.sleep(PAUSE)
