"""Session id to its activation: which sessions are in memory, and since when unused.

Activates on demand, once however many ask: the mailbox exists at once, loading happens in the
actor's task. Passivates the idle, and beyond `max_active` the least recently used; never a session
that has undurable state or an unanswered command. One in which somebody is writing stays, too, but
for want of room: then it comes back whole, and only looks interrupted.

Where a store is shared, some sessions are here and others are not. Of one that is not here nothing
is shown, and none of its commands is taken: `check` is asked in the stretch in which a command is
mailed, or a read served. Why nothing old is shown by this:

- When `check` returns, nobody else owns the session, nor can for a while. So what is in memory then
  is how things are, and that moment lies within the call.
- What is in a mailbox may be answered later, after this process was stopped for an hour, and others
  have gone on. The answer shows what was there when `check` returned, and what commands changed
  that were mailed before. The latter is shown when it is on disk (in `commit` durability), and it
  cannot come there any more if somebody else owns the session by then. So at the later of the two
  moments, the check and the last commit that the answer rests on, it was how things were.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, TypeVar

import trio
from attrs import define, field

from runtime.actors.actor import Actor
from runtime.actors.mailbox import Command
from runtime.config import RuntimeConfig
from runtime.errors import MailboxFull, RuntimeClosed
from runtime.feeds.feeds import Feeds
from runtime.session.state import SessionState
from runtime.statistics import DirectoryStatistics
from runtime.store.entries import Row, Wanted

R = TypeVar("R")

SWEEP_CHUNK = 500
"""Actors looked at between two checkpoints of a sweep: well under a millisecond of work."""


@define(eq=False)
class Directory:
    """The active sessions, the least recently used first."""

    _nursery: trio.Nursery
    _config: RuntimeConfig
    _activate: Callable[[str], Awaitable[SessionState]]
    _mark_dirty: Callable[[SessionState], None]
    _settle_when_durable: Callable[[SessionState, Command[Any]], None]
    _find: Callable[[int, Wanted], Awaitable[Sequence[Row]]]
    _rest: Callable[[], Awaitable[None]]
    _feeds: Feeds
    _check: Callable[[str], None]
    """Returns if the session is this process's at this moment. Raises `NotHere`."""
    _flush: Callable[[], Awaitable[None]]
    """Makes what can be made durable durable; does not raise if the store fails."""
    _actors: OrderedDict[str, Actor] = field(factory=OrderedDict)
    """Invariant: an actor is in here exactly while its mailbox takes commands."""
    _surplus: trio.Event = field(factory=trio.Event)
    closed: bool = False
    _doors: dict[str, trio.Event] = field(factory=dict)
    """Sessions that are kept for one caller, each until its event."""
    _activations: int = 0
    _passivations: int = 0
    _crashes: int = 0
    _mailbox_rejections: int = 0

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._actors

    def check(self, session_id: str) -> None:
        """Returns if something can be asked of the session, or done to it, in this stretch.

        Raises `RuntimeClosed`, `NotHere`.
        """
        if self.closed:
            raise RuntimeClosed
        self._check(session_id)

    def actor(self, session_id: str) -> Actor:
        """The session's actor, started if there is none. Never yields. Raises as `check` does."""
        if self.closed:  # as in `check`: a call less for every command
            raise RuntimeClosed
        self._check(session_id)
        actor = self._actors.get(session_id)
        if actor is None:
            actor = self._start(session_id)
        else:
            self._actors.move_to_end(session_id)
        actor.last_used = trio.current_time()
        return actor

    @asynccontextmanager
    async def kept(self, session_id: str) -> AsyncIterator[None]:
        """Nobody else begins to use the session within: who wants to waits for the end.

        What is in its mailbox is answered. Whoever keeps it asks it `within`.
        """
        while (door := self._doors.get(session_id)) is not None:
            await door.wait()
        door = self._doors[session_id] = trio.Event()
        try:
            if (actor := self._actors.get(session_id)) is not None:
                actor.turn_away()
            yield
        finally:
            del self._doors[session_id]
            door.set()

    async def ask(
        self, session_id: str, command: Command[R], *, nowait: bool = False, within: bool = False
    ) -> R:
        """Mails the command to the session's actor and returns its answer.

        Raises what the command was refused with, `StoreError` if the session cannot be loaded or
        what became of it is unknown, `SessionCrashed`, `RuntimeClosed`, `NotHere`, and
        `MailboxFull` instead of waiting if `nowait`.
        """
        while True:
            if self._doors and not within and (door := self._doors.get(session_id)) is not None:
                await door.wait()
                continue
            # From here on nothing yields until the command is mailed: what is mailed was taken
            # while the session was here.
            actor = self.actor(session_id)
            try:
                actor.mail_nowait(command)
                # To here.
            except trio.ClosedResourceError:
                continue  # it met the end of an activation; the directory knows the next one
            except MailboxFull:
                # Whoever waits for room is turned away when the session goes.
                if nowait:
                    self._mailbox_rejections += 1
                    raise
                try:
                    await actor.mail(command)
                except trio.ClosedResourceError:
                    continue
            return await command.wait()

    def read_nowait(
        self,
        session_id: str,
        work: Callable[[SessionState], R],
        *,
        confirm: bool,
        confirm_refusal: bool,
    ) -> R:
        """What a read finds, if nobody has to be waited for. Never yields.

        Raises what it is refused with, `RuntimeClosed`, `NotHere`, and `trio.WouldBlock`: then it
        is to be asked as a command.
        """
        if session_id in self._doors:
            raise trio.WouldBlock
        return self.actor(session_id).read_nowait(
            work, confirm=confirm, confirm_refusal=confirm_refusal
        )

    def passivate(self, actor: Actor) -> bool:
        """Stops the actor if nothing would be missed; says whether it did."""
        # From the question to the closed mailbox nothing yields, so no command comes in between.
        if not actor.is_idle or self._actors.get(actor.session_id) is not actor:
            return False
        del self._actors[actor.session_id]
        actor.close()
        # To here.
        self._passivations += 1
        return True

    def present(self, session_id: str) -> Actor | None:
        """The session's actor, if it has one."""
        return self._actors.get(session_id)

    def active(self) -> list[str]:
        """The ids of the sessions that have one."""
        return list(self._actors)

    def close(self) -> None:
        """Takes no more commands; the actors answer those that they have, and end."""
        self.closed = True
        for actor in self._actors.values():
            actor.close()
        self._actors.clear()

    async def sweep(self) -> None:
        """Passivates the idle and the surplus until cancelled."""
        pause = self._config.idle_timeout / 10
        while True:
            with trio.move_on_after(pause):
                await self._surplus.wait()
            self._surplus = trio.Event()
            await self._passivate_idle()
            if len(self._actors) > self._config.max_active:
                await self._passivate_surplus()
            if len(self._actors) > self._config.max_active:
                await self._flush()
                await self._passivate_surplus()
            if len(self._actors) > self._config.max_active:
                await self._passivate_surplus(spare_held=False)

    def statistics(self) -> DirectoryStatistics:
        """Which sessions are in memory."""
        return DirectoryStatistics(
            active_sessions=len(self._actors),
            activations=self._activations,
            passivations=self._passivations,
            crashes=self._crashes,
            mailbox_rejections=self._mailbox_rejections,
        )

    def _start(self, session_id: str) -> Actor:
        actor = Actor(
            session_id=session_id,
            mailbox_size=self._config.mailbox_size,
            activate=self._activate,
            mark_dirty=self._mark_dirty,
            settle_when_durable=self._settle_when_durable,
            find=self._find,
            rest=self._rest,
            feeds=self._feeds,
            on_absent=self.passivate,
        )
        self._actors[session_id] = actor
        self._activations += 1
        self._nursery.start_soon(self._run, actor, name=f"session {session_id}")
        if len(self._actors) > self._config.max_active:
            self._surplus.set()
        return actor

    async def _run(self, actor: Actor) -> None:
        try:
            await actor.run()
        finally:
            if self._actors.get(actor.session_id) is actor:  # it failed: nobody passivated it
                del self._actors[actor.session_id]
            self._crashes += actor.crashed

    async def _passivate_idle(self) -> None:
        unused_since = trio.current_time() - self._config.idle_timeout
        await self._passivate_while(lambda actor: actor.last_used <= unused_since)

    async def _passivate_surplus(self, *, spare_held: bool = True) -> None:
        await self._passivate_while(
            lambda _: len(self._actors) > self._config.max_active, spare_held=spare_held
        )

    async def _passivate_while(
        self, wanted: Callable[[Actor], bool], *, spare_held: bool = True
    ) -> None:
        """From the least recently used on, until `wanted` says no; spares those that are busy."""
        spared = 0
        while chunk := list(islice(self._actors.values(), spared, spared + SWEEP_CHUNK)):
            for actor in chunk:
                if not wanted(actor):
                    return
                if (spare_held and actor.is_held) or not self.passivate(actor):
                    spared += 1
            await trio.lowlevel.checkpoint()
