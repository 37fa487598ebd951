"""What is done to sessions that need not be in memory: the trash, and forks.

Each is an errand: a step that the store takes in a commit, under a session's id. While it waits for
the commit, nobody can activate the id; so what is found out about a session before stays true.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import trio
from attrs import define, evolve, frozen

from runtime.actors.directory import Directory
from runtime.actors.mailbox import Command
from runtime.clock import timestamp
from runtime.config import RuntimeConfig
from runtime.errors import (
    AgentRuntimeError,
    DeltaRejected,
    NotHere,
    NotInTrash,
    RuntimeClosed,
    SessionExists,
    SessionNotFound,
    StoreError,
)
from runtime.listing import check_limit
from runtime.loading import Loading
from runtime.saving.errand import Errand
from runtime.saving.persister import Persister
from runtime.session.asked import fork
from runtime.session.kinds import settings
from runtime.session.replies import Summary
from runtime.session.rules import MAX_SESSION_ID, check_new_session_id, check_session_id
from runtime.session.state import Condition, SessionState
from runtime.store.steps import Fork, Purge, Undelete
from runtime.store.store import Store
from runtime.store.trash import TrashedSession, TrashPage, TrashPosition

T = TypeVar("T")

RACES = 10
"""How often the store may reject a fork or an undeletion before that is the answer. One is lost
only if somebody else begins a session of the same id, and is done with it, at that moment."""


@frozen(eq=False, kw_only=True)
class Errands:
    """The errands of one runtime."""

    _store: Store
    _directory: Directory
    _persister: Persister
    _config: RuntimeConfig
    _loading: Loading
    _now: Callable[[], datetime]

    # -- forks -------------------------------------------------------------------------------

    async def fork(
        self,
        source: str,
        target: str,
        *,
        at: int | None,
        patch: Mapping[str, Any],
        condition: Condition,
    ) -> Summary:
        """Makes `target` a copy of `source` up to version `at`; returns when that is on disk.

        The same fork again has no effect. Raises `SessionNotFound`, `SessionExists`,
        `InvalidInput`, `BelowFloor`, `PreconditionFailed`, `StoreError`.

        The owner of `target` makes it. Any other raises `NotHere`: the owner of `source` when what
        that has is on disk, so that asking there first, and then the other one, forks all of it.
        """
        return await self._of(source, self._fork(source, target, at, patch, condition))

    async def _fork(
        self,
        source: str,
        target: str,
        at: int | None,
        patch: Mapping[str, Any],
        condition: Condition,
    ) -> Summary:
        check_new_session_id(target)
        moment = timestamp(self._now())

        def plan(state: SessionState) -> Fork:
            return fork.fork_of(state, version=at, patch=patch, at=moment, condition=condition)

        lost = _Lost()
        while True:
            with suppress(SessionNotFound):
                return await self._made(source, target, at, patch)
            step = await self._look_at(source, plan)
            if step.source == 0:  # begun since: now the store has it
                continue
            made = await self._begin(Errand(target, step), lost)
            if made is not None:
                return made

    async def _made(
        self, source: str, target: str, at: int | None, patch: Mapping[str, Any]
    ) -> Summary:
        """The fork, if it is there. Raises `SessionNotFound`, `SessionExists` if it is another."""
        moment = timestamp(self._now())
        found = await self._directory.ask(
            target,
            Command(
                lambda state: fork.made(state, source, at, patch, moment),
                is_read=True,
                confirm=True,
                confirm_refusal=True,
            ),
        )
        with suppress(SessionNotFound):  # deleted since: the fork is what there is of it
            await self._look_at(source, lambda state: fork.check_source(state, found), is_read=True)
        return found.summary

    # -- the trash ---------------------------------------------------------------------------

    async def trash(
        self, limit: int, after: TrashPosition | None = None, session_id: str | None = None
    ) -> TrashPage:
        """A page of the trash, what was deleted last first. Raises `StoreError`."""
        check_limit(limit)
        await self._persister.try_flush()
        page: TrashPage = await self._loading.read(self._store.trash, limit, after, session_id)
        return page

    async def undelete(
        self, session_id: str, *, trash_id: str | None, target: str | None
    ) -> Summary:
        """Brings a deleted session back, the newest of this id or the one that `trash_id` names.

        `target` is the id that it gets, its own if `None`. Raises `NotInTrash`, `SessionExists`,
        `InvalidInput`, `StoreError`, and `NotHere` as `fork` does.
        """
        target = session_id if target is None else check_new_session_id(target)
        check_session_id(session_id)
        return await self._of(session_id, self._undelete(session_id, trash_id, target))

    async def _undelete(self, session_id: str, trash_id: str | None, target: str) -> Summary:
        moment = timestamp(self._now())

        def look(state: SessionState) -> Summary:
            return settings.summary(state, moment)

        lost = _Lost()
        while True:
            try:
                await self._directory.ask(
                    # No read: where it is there, that is what refuses the call.
                    target,
                    Command(look, confirm=self._commits, confirm_refusal=True),
                )
            except SessionNotFound:
                pass
            else:
                raise SessionExists(target)
            # Only now: the answer waited for a deletion that was not on disk yet, and what was
            # deleted last is to come back.
            found = await self._trashed(session_id, trash_id)
            back = await self._begin(Errand(target, Undelete(found.no), found.info), lost)
            if back is not None:
                return back

    async def purge(self, trash_id: str) -> None:
        """Deletes a session in the trash for good. Raises `NotInTrash`, `StoreError`."""
        no = _number(trash_id)
        await self._persister.try_flush()
        if await self._loading.read(self._store.trashed, no) is None:
            raise NotInTrash(f"{trash_id!r}")
        errand = purge_of(no)
        if not await self._run(errand):  # somebody is at it: it is not done before that is on disk
            await self._persister.wait_written(errand.session_id)

    # -- inside ------------------------------------------------------------------------------

    async def _of(self, source: str, made: Awaitable[T]) -> T:
        """What is made of what `source` is, or was.

        `NotHere` is raised once all of `source` is on disk: another process goes on from that. If
        `source` itself is not here, it is that which is said, since its owner is to be asked first.
        """
        try:
            return await made
        except NotHere:
            whole = Command(SessionState.present, confirm=True, confirm_refusal=True)
            with suppress(SessionNotFound):  # its deletion is on disk, too
                await self._directory.ask(source, whole)
            raise

    async def _look_at(
        self, session_id: str, look: Callable[[SessionState], T], *, is_read: bool = False
    ) -> T:
        """What a look that changes nothing makes of the session, wherever it is."""
        command = Command(look, is_read=is_read, confirm=not is_read, confirm_refusal=True)
        try:
            return await self._directory.ask(session_id, command)
        except NotHere:
            return await self._loading.peek(session_id, look)

    @property
    def _commits(self) -> bool:
        return self._config.durability == "commit"

    async def _begin(self, errand: Errand, lost: "_Lost") -> Summary | None:
        """Does an errand that lets a session live; returns its header as that leaves it.

        `None`: it could not begin, see `_run`, or the store rejected it: somebody was faster, and
        began such a session since the last look. Whoever looks once more is told so.
        """
        moment = timestamp(self._now())
        first = Command(lambda state: settings.summary(state, moment), is_read=True)
        try:
            if not await self._run(errand, first):
                return None
        except DeltaRejected:
            with suppress(AgentRuntimeError):
                await first.wait()
            lost.races += 1
            if lost.races > RACES:
                raise
            return None
        except StoreError:
            # The activation that waits for the errand fails with it: whoever asks again, told of
            # the failure, is not to meet its last moment.
            with suppress(AgentRuntimeError):
                await first.wait()
            raise
        found = await first.wait()
        return evolve(found, durable_seq=found.version)

    async def _run(self, errand: Errand, first: Command[Any] | None = None) -> bool:
        """Does the errand, and returns when it is on disk; or returns false: it could not begin.

        That is so if somebody has begun to use the id since the last look at it. `first` is the
        first command that the session is given then: nobody else's comes in between. Raises
        `NotHere`.
        """
        # From here to the mark nothing yields: an id that is not active now cannot become so before
        # the errand is in the dirty set, and then waits for it. Nor does its session go elsewhere.
        session_id = errand.session_id
        if not errand.is_of_nobody:
            self._directory.check(session_id)
        elif self._directory.closed:
            raise RuntimeClosed
        if session_id in self._directory or self._persister.has_dirty(session_id):
            await trio.lowlevel.checkpoint()
            return False
        # First whatever may refuse: by the clock it may, a moment after it did not.
        actor = None if first is None else self._directory.actor(session_id)
        self._persister.mark_dirty(errand)
        if first is not None and actor is not None:
            actor.mail_nowait(first)
        # To here.
        await self._persister.wait_written(session_id)
        return True

    async def _trashed(self, session_id: str, trash_id: str | None) -> TrashedSession:
        """What is to come back: the newest of this id, or the one of it that is named."""
        await self._persister.try_flush()
        if trash_id is not None:
            found: TrashedSession | None = await self._loading.read(
                self._store.trashed, _number(trash_id)
            )
            if found is None or found.info.session_id != session_id:
                raise NotInTrash(f"{trash_id!r}")
            return found
        page: TrashPage = await self._loading.read(self._store.trash, 1, None, session_id)
        if not page.sessions:
            raise NotInTrash(f"Session {session_id}")
        return page.sessions[0]


_PURGE = "a purge of number " + "." * MAX_SESSION_ID
"""Begins the ids under which purges wait: longer than any by which a session can be asked for."""


@define
class _Lost:
    races: int = 0
    """Rejections so far, in one call."""


def purge_of(no: int) -> Errand:
    """The errand that deletes a life in the trash for good."""
    return Errand(f"{_PURGE}{no}", Purge(no))


def trash_id_of(trashed: TrashedSession) -> str:
    """What names a life in the trash to a client."""
    return str(trashed.no)


def _number(trash_id: str) -> int:
    if not (trash_id.isascii() and trash_id.isdigit() and len(trash_id) < 12):
        raise NotInTrash(f"{trash_id!r}")
    return int(trash_id)
