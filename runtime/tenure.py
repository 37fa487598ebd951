"""Keeps what this process owns of a shared store, and gives up what others are to have.

- It beats at a steady pace, in a thread, until the last commit of the runtime's end: who is late is
  taken for dead, and so is who is dead.
- What is to be given up is let go of, vacated, and handed over when it is empty. Each shard goes
  for itself: a slow session holds up those of its own shard alone. One that does not come to its
  end in time, or that the store rejects, keeps its shard here.
- When others have found this process dead, it can neither commit nor serve: the runtime ends at
  once, and says why.
"""

import logging
from collections.abc import Callable, Collection
from typing import TypeVar

import trio
from attrs import define, field

from runtime.config import SECONDS
from runtime.errors import StoreBroken, StoreError
from runtime.feeds.feeds import Feeds
from runtime.ownership import Ownership
from runtime.vacating import Vacating

T = TypeVar("T")

log = logging.getLogger("agent_runtime")

VACATING = 5 * SECONDS
"""How long the sessions of a shard may take to come to their end. Whoever asks for one meanwhile
waits; the nodes wait for a new owner for six seconds."""

REST = 30 * SECONDS
"""How long a shard that could not be given up is left alone: its sessions are used."""

THREADS = 2
"""One beats, one hands over."""


@define(eq=False)
class Tenure:
    """What is owned, while it is."""

    _ownership: Ownership
    _vacating: Vacating
    _feeds: Feeds
    _limiter: trio.CapacityLimiter = field(factory=lambda: trio.CapacityLimiter(THREADS))
    """Its threads' own: beats must not wait behind those who read."""
    _vacated: set[int] = field(factory=set)
    """Let go of, and nothing of them is in memory."""
    _is_ready: trio.Event = field(factory=trio.Event)
    """Set when there are such."""
    _resting: dict[int, float] = field(factory=dict)
    """Until when a shard is left alone, in trio's time."""
    _news: trio.Event = field(factory=trio.Event)
    """Set when something is known that was not before: by a beat, or as shards have gone."""
    _hurry: trio.Event = field(factory=trio.Event)
    """Set when the next beat is due at once."""
    _has_begun: trio.Event = field(factory=trio.Event)
    _has_ended: trio.Event = field(factory=trio.Event)
    _is_over: bool = False
    _loss: StoreBroken | None = None
    """What the handing over was told: the beating raises it, as one task ends the runtime."""
    _trouble: StoreError | None = None
    """Why beats fail; `None` while they do not."""

    # -- beats -------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Beats until `end`, or cancelled. Raises `StoreBroken`, above all `LostOwnership`."""
        try:
            while not self._is_over:
                due = trio.current_time() + self._ownership.pace
                self._hurry = trio.Event()
                await self._beat()
                self._has_begun.set()
                # One that took longer is followed at once, by one and not by all that were due.
                with trio.move_on_at(due):
                    await self._hurry.wait()
        finally:
            self._has_begun.set()
            self._has_ended.set()

    async def begin(self, patience: float) -> None:
        """Returns when it is known how things are, or after so many seconds."""
        with trio.move_on_after(patience):
            await self._has_begun.wait()

    async def end(self) -> None:
        """Ends the beating; returns when none of its threads is in the store any more."""
        self._is_over = True
        self._hurry.set()
        await self._has_ended.wait()
        for who in range(THREADS):  # also the threads that were left behind count here
            await self._limiter.acquire_on_behalf_of(who)

    async def _beat(self) -> None:
        try:
            if self._loss is not None:
                raise self._loss
            await self._in_thread(self._ownership.beat)
        except StoreBroken:
            raise
        except StoreError as error:
            if self._trouble is None:
                log.error("cannot tell other nodes that this one is there: %s", error)  # noqa: TRY400
            self._trouble = error
        else:
            if self._trouble is not None:
                log.warning("other nodes are told again that this one is there")
            self._trouble = None
            self._tell()

    # -- giving up ---------------------------------------------------------------------------

    async def give_up(self) -> None:
        """Gives up what others are to have, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hand_over)
            while True:
                news = self._news
                if shards := self._to_let_go():
                    self._ownership.let_go(shards)
                    nursery.start_soon(self._vacate, shards)
                await news.wait()

    async def leave(self) -> None:
        """Gives up everything; returns when that is done."""
        self._ownership.leave()
        self._resting.clear()
        self._hurry.set()
        self._tell()
        while not self._ownership.has_left:
            await self._news.wait()

    def _to_let_go(self) -> Collection[int]:
        surplus = self._ownership.surplus()
        if not surplus:
            return ()
        now = trio.current_time()
        rejected = self._vacating.rejected()
        return frozenset(
            shard
            for shard in surplus
            if shard not in rejected and self._resting.get(shard, 0.0) <= now
        )

    async def _vacate(self, shards: Collection[int]) -> None:
        sessions = await self._vacating.sessions_of(shards)
        kept: dict[int, str] = {}

        async def vacate_one(shard: int) -> None:
            with trio.move_on_after(VACATING):
                try:
                    await self._vacating.vacate(sessions.get(shard, ()))
                except StoreError as error:
                    kept[shard] = str(error)
                else:
                    self._vacated.add(shard)
                    self._is_ready.set()
                    return
            kept.setdefault(shard, "its sessions have not come to an end in time")
            self._take_back([shard])

        async with trio.open_nursery() as nursery:
            for shard in shards:
                nursery.start_soon(vacate_one, shard)
        if kept:
            shard, reason = min(kept.items())
            log.warning(
                "%d shards are not given up for now, among them %d: %s", len(kept), shard, reason
            )

    async def _hand_over(self) -> None:
        while True:
            await self._is_ready.wait()
            self._is_ready = trio.Event()
            shards = frozenset(self._vacated)
            try:
                gone = await self._in_thread(self._ownership.hand_over, shards)
            except StoreBroken as error:
                self._loss = error
                self._hurry.set()
                return
            except StoreError as error:
                log.warning("shards could not be handed over, trying again: %s", error)
                await self._news.wait()
                self._is_ready.set()
                continue
            self._vacated -= shards
            self._feeds.move(gone)
            if kept := shards.difference(gone):
                self._take_back(kept)
            self._tell()
            self._hurry.set()  # to learn where what has gone is: whoever asks here is sent there

    def _take_back(self, shards: Collection[int]) -> None:
        self._ownership.take_back(shards)
        until = trio.current_time() + REST
        self._resting.update((shard, until) for shard in shards)

    # -- inside ------------------------------------------------------------------------------

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def _in_thread(self, work: Callable[..., T], *args: object) -> T:
        return await trio.to_thread.run_sync(
            work, *args, limiter=self._limiter, abandon_on_cancel=True
        )
