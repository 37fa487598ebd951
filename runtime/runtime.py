"""`open_runtime` and the runtime: many sessions, and what is asked of all of them."""

import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import frozen

from runtime.approvals import PendingPage, PendingPosition, pending_of_all
from runtime.cleaning import Cleaning
from runtime.clock import milliseconds, timestamp, utc_now
from runtime.config import SECONDS, RuntimeConfig
from runtime.errands import Errands
from runtime.errors import InvalidInput, NotHere, RuntimeClosed
from runtime.feeds.changes import ChangesFollower
from runtime.handle import Session, Shared
from runtime.index import HitPosition
from runtime.lifetime import Parts, running
from runtime.listing import SessionList, check_limit, check_streamable
from runtime.ownership import Node, Ownership
from runtime.redacting import Redacting
from runtime.searching import SearchPage, search, sought
from runtime.session.files.arriving import read_log
from runtime.session.files.importing import Imported
from runtime.session.kind import New
from runtime.session.kinds.approval import page
from runtime.session.kinds.message import Message
from runtime.session.replies import ApprovalPage, Summary
from runtime.session.rules import FIRST_DAY, LAST_DAY, check_day
from runtime.statistics import OnCommit, Statistics
from runtime.store.listing import Listing, ListPosition, SessionPage
from runtime.store.store import Store
from runtime.store.stored import DEFAULT_AGENT
from runtime.store.trash import TrashPage, TrashPosition
from runtime.store.used import UsedPage, UsedPlace

T = TypeVar("T")


@frozen(eq=False, kw_only=True)
class Runtime:
    """Many sessions, each owned by one task, and one task that writes them to the store."""

    config: RuntimeConfig
    _parts: Parts
    _errands: Errands
    _cleaning: Cleaning
    _shared: Shared
    _new_session_id: Callable[[], str]

    def session(self, session_id: str, *, nowait: bool = False) -> Session:
        """A handle on a session, whether it exists or not. Does nothing else.

        With `nowait`, a full mailbox raises `MailboxFull` instead of making the caller wait. Raises
        `InvalidInput` for an id that no session can have.
        """
        return Session(session_id, self._shared, nowait)

    def new_session_id(self) -> str:
        """An id that nobody has used, of a session that would be this process's.

        Where that has few, or none, another process may own it.
        """
        for _ in range(TRIES):
            session_id = self._new_session_id()
            try:
                self.ownership.check(session_id)
            except NotHere:
                continue
            return session_id
        return session_id

    async def create_session(
        self,
        session_id: str | None = None,
        *,
        system_prompt: str | New | None = None,
        agent: str = DEFAULT_AGENT,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        durable: bool | None = None,
    ) -> Summary:
        """Creates a session; without an id, under a new one.

        A system prompt becomes its first message; a `New` is that message already. Raises
        `SessionExists`, `InvalidInput`.
        """
        messages: list[Message | New] = []
        if isinstance(system_prompt, str):
            messages.append(Message(role="system", content=system_prompt))
        elif system_prompt is not None:
            messages.append(system_prompt)
        session = self.session(self.new_session_id() if session_id is None else session_id)
        return await session.create(
            *messages, agent=agent, title=title, metadata=metadata, durable=durable
        )

    async def import_session(
        self, lines: bytes, *, session_id: str | None = None, durable: bool | None = None
    ) -> Imported:
        """Takes in an exported session, or the part of it that is new; see `Session.import_log`.

        Under its own id, or another one. Raises `InvalidInput`, naming the line, `LogConflict`.
        """
        log = await trio.to_thread.run_sync(read_log, lines)
        session = self.session(log.session_id if session_id is None else session_id)
        return await session.import_log(log, durable=durable)

    async def list_sessions(
        self,
        listing: Listing | None = None,
        *,
        limit: int = 100,
        after: ListPosition | None = None,
    ) -> SessionPage:
        """A page of the sessions, the most recent first, or as `listing` says.

        Shows what was written a moment ago, in either durability; while the store cannot commit,
        and of the sessions of other processes, what was committed last. Raises
        `StoreError`, `InvalidInput`.
        """
        check_limit(limit)
        await self._parts.persister.try_flush()
        return await self._read(self._parts.store.list_sessions, listing or Listing(), limit, after)

    async def stream_sessions(
        self, listing: Listing | None = None, include: Collection[str] = ()
    ) -> SessionList:
        """All sessions, encoded and in chunks: for whoever passes them on.

        Shows what `list_sessions` shows; `include` are of `STREAMABLE`. Raises `InvalidInput`, and
        `StoreError`, also where the list breaks off.
        """
        check_streamable(include)
        await self._parts.persister.try_flush()
        if self._parts.directory.closed:
            raise RuntimeClosed
        listing = listing or Listing()
        asked = listing, tuple(sorted(set(include)))
        commits, lists = self._parts.persister.commits, self._parts.lists
        known = lists.find(asked, commits)
        if known is not None:
            return SessionList.of(known)
        listed = SessionList()
        self._parts.background.start_soon(
            listed.read_ahead,
            self._parts.store,
            listing,
            include,
            self._parts.loading.readers,
            self.config.commit_timeout,
            partial(lists.keep, asked, commits),
        )
        return listed

    async def count_sessions(self) -> int:
        """How many sessions the store has. Raises `StoreError`."""
        return await self._read(self._parts.store.count)

    # -- what was used -----------------------------------------------------------------------

    async def usage(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        limit: int = 100,
        after: UsedPlace | None = None,
    ) -> UsedPage:
        """A page of what was used in all sessions, summed by day, agent and model.

        `since` and `until` are the first day and the last, both included, in UTC: `2025-12-31`.
        Sessions in the trash count, and those that were deleted for good. Shows what
        `list_sessions` shows. Raises `StoreError`, `InvalidInput`.
        """
        check_limit(limit)
        first, last = check_day(since, "since"), check_day(until, "until")
        await self._parts.persister.try_flush()
        return await self._read(
            self._parts.store.used, first or FIRST_DAY, last or LAST_DAY, limit, after
        )

    # -- what is waited for ------------------------------------------------------------------

    async def approvals(
        self, *, limit: int = 100, after: PendingPosition | None = None
    ) -> PendingPage:
        """A page of what somebody is asked and has not answered, in all sessions.

        Also in those of other processes, of which the store is asked: it has what was committed.
        Raises `StoreError`, `InvalidInput`.
        """
        check_limit(limit)
        await self._parts.persister.try_flush()
        now = milliseconds(self._shared.timestamp())
        return await pending_of_all(
            lambda most, before: self._read(self._parts.store.waiting, now, most, before),
            self._pending_of,
            limit,
            after,
        )

    # -- what was said -----------------------------------------------------------------------

    async def search(
        self,
        query: str,
        *,
        prefix: str = "",
        role: str | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
        limit: int = 100,
        after: HitPosition | None = None,
    ) -> SearchPage:
        """Messages and titles that have all words of the query, the newest first.

        Words, "words that follow each other", and beginnings*; `prefix` is of the session's id,
        `role` the message's, `since` and `until` moments, the second one excluded. What was written
        a moment ago is found, in either durability, unless `indexed_through` says otherwise; of the
        sessions of other processes, what they have committed and indexed. Raises `InvalidInput`,
        `StoreError`.
        """
        check_limit(limit)
        wanted = sought(query, prefix=prefix, role=role, since=since, until=until)
        if self._parts.indexing is None:
            raise InvalidInput("search: nothing is indexed here: RuntimeConfig has search=False")
        await self._parts.persister.try_flush()
        return await search(
            self._parts.store, self._parts.indexing, self._parts.loading, wanted, limit, after
        )

    # -- what happens ------------------------------------------------------------------------

    def changes(self, after: str | None = None) -> ChangesFollower:
        """Which sessions are created, changed and deleted here, once that is on disk.

        `with runtime.changes() as changes: news = await changes.next()`. From now on, or behind the
        place that an earlier follower had, its `cursor`: where that is not known any more, the
        first news is `Reset`. Entering raises `InvalidInput` for what is no place.
        """
        return ChangesFollower(self._parts.feeds.changes, after)

    def end_following(self) -> None:
        """Ends everybody's following, at once, and lets nobody begin: they get `RuntimeClosed`.

        For a service that is to stop: it would wait for its streams. The end of the runtime does
        the same.
        """
        self._parts.feeds.close()

    # -- what is deleted ---------------------------------------------------------------------

    async def trash(self, *, limit: int = 100, after: TrashPosition | None = None) -> TrashPage:
        """A page of the trash, what was deleted last first. Raises `StoreError`, `InvalidInput`."""
        return await self._errands.trash(limit, after)

    async def purge_trashed(self, trash_id: str) -> None:
        """Deletes a session in the trash for good. Raises `NotInTrash`, `StoreError`."""
        await self._errands.purge(trash_id)

    async def cleanup(self, max_age: timedelta, *, dry_run: bool = False) -> int:
        """Deletes the sessions whose last activity is longer ago, into the trash; its own.

        Returns how many that were when it is on disk; with `dry_run`, how many it would be. Raises
        `StoreError`.
        """
        return await self._cleaning.expire(max_age, dry_run=dry_run)

    async def tidy(self) -> None:
        """Removes what has been kept for long enough: in the trash, and of superseded records.

        Of its own sessions. Raises `StoreError`.
        """
        await self._cleaning.empty_trash()
        await self._cleaning.drop_superseded()

    # -- the processes that share the store --------------------------------------------------

    @property
    def ownership(self) -> Ownership:
        """Which sessions are this process's: all, where nobody shares the store."""
        return self._parts.store.ownership

    def nodes(self) -> Sequence[Node]:
        """The processes that share the store; none, where it cannot be shared."""
        return self.ownership.nodes()

    async def leave(self, timeout: float = 10 * SECONDS) -> bool:
        """Gives all sessions to the other processes; for who is to end, and has others go on.

        Returns when that is done, or after `timeout` seconds; says whether it is. What is left is
        written at the end of the runtime, as always, and taken over by others behind it.
        """
        if self._parts.tenure is not None:
            with trio.move_on_after(timeout):
                await self._parts.tenure.leave()
        return self.ownership.has_left

    # -- the inside --------------------------------------------------------------------------

    async def flush(self) -> None:
        """Returns when everything accepted so far is on disk. Raises `StoreError`."""
        await self._parts.persister.flush()

    @property
    def accepts_writes(self) -> bool:
        """Whether a write has a chance now: the store works, or what waits for it has room still.

        And the runtime is not closing.
        """
        persister = self._parts.persister
        # In `commit` durability room alone is not enough: a write waits for the disk as well.
        can_wait = persister.has_room and self.config.durability == "snapshot"
        return (can_wait or not persister.is_failing) and not self._parts.directory.closed

    def statistics(self) -> Statistics:
        """The runtime's inside at this moment."""
        indexing = self._parts.indexing
        return Statistics(
            directory=self._parts.directory.statistics(),
            followers=self._parts.feeds.followers,
            persister=self._parts.persister.statistics(),
            ownership=self.ownership.statistics(),
            index=None if indexing is None else indexing.statistics(),
        )

    async def _read(self, read: Callable[..., T], *args: object) -> T:
        return await self._parts.loading.read(read, *args)

    async def _pending_of(self, session_id: str, limit: int, after: int) -> ApprovalPage:
        """At most `limit` pending approvals of a session behind an entry, wherever it is."""
        try:
            return await self.session(session_id).approvals.list(
                state="pending", limit=limit, after=after
            )
        except NotHere:
            at = self._shared.timestamp()
            return await self._parts.loading.peek(
                session_id,
                lambda state: page(state, at=at, wanted="pending", limit=limit, after=after),
            )


TRIES = 100
"""Of ids, for one of its own: a process that has a tenth of the sessions misses it once in 40,000
calls, and one that has none has wasted half a millisecond."""


def new_session_id() -> str:
    """An id that nobody has used."""
    return f"session_{uuid.uuid4().hex}"


@asynccontextmanager
async def open_runtime(
    store: Store,
    config: RuntimeConfig | None = None,
    *,
    now: Callable[[], datetime] = utc_now,
    new_session_id: Callable[[], str] = new_session_id,
    on_commit: OnCommit | None = None,
) -> AsyncIterator[Runtime]:
    """A runtime over `store`, which it takes over and closes at its end.

    Leaving the block, in whatever way, answers the commands already mailed, writes everything that
    was accepted, and closes the store. Raises `StoreBroken` if the store failed for good, and
    `StoreUnavailable` if the end could not write everything within `flush_timeout`. Where
    other processes share the store, also `LostOwnership` if they have found this one dead: then it
    ends at once, and what was accepted and is not on disk is lost.

    `now` must return aware datetimes. `on_commit` is told of every transaction, for traces.
    """
    config = config or RuntimeConfig()
    async with running(store, config, now, on_commit) as parts:
        tools: Any = {
            "store": store,
            "directory": parts.directory,
            "persister": parts.persister,
            "config": config,
            "loading": parts.loading,
            "now": now,
        }
        errands, cleaning = Errands(**tools), Cleaning(**tools)
        redacting = Redacting(
            store=store,
            loading=parts.loading,
            directory=parts.directory,
            persister=parts.persister,
            now=now,
            erase=None if parts.indexing is None else parts.indexing.erase,
            patience=parts.config.flush_timeout,
        )
        shared = Shared(
            directory=parts.directory,
            persister=parts.persister,
            errands=errands,
            redacting=redacting,
            feeds=parts.feeds,
            timestamp=lambda: timestamp(now()),
            find=parts.loading.find,
            commits=config.durability == "commit",
            keeps_trash=config.trash_retention > 0,
        )
        yield Runtime(
            config=config,
            parts=parts,
            errands=errands,
            cleaning=cleaning,
            shared=shared,
            new_session_id=new_session_id,
        )
