"""The handle on one session: what an embedding program, or the web layer, holds and calls."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import evolve, field, frozen

from runtime.actors.directory import Directory
from runtime.actors.mailbox import Command
from runtime.approvals import Approvals
from runtime.asking import Asking, condition_of
from runtime.context import Context, context_of
from runtime.errands import Errands
from runtime.errors import CallerError, InvalidInput
from runtime.exporting import LogStream
from runtime.feeds.events import Events
from runtime.feeds.feeds import Feeds
from runtime.feeds.follower import DRAFT, Follower, Look
from runtime.history import Find, HistoryStream
from runtime.redacting import Redacted, Redacting
from runtime.saving.persister import Persister
from runtime.session.asked import calls, drafting, reading, resuming, working
from runtime.session.asked.drafting import CONTENT, Drafted
from runtime.session.asked.items import Item, items_from_python
from runtime.session.asked.reading import MESSAGES, Cursor, Following, Part
from runtime.session.asked.resuming import Resumed
from runtime.session.asked.telling import telling
from runtime.session.asked.working import Timeline, Unread, UsagePage
from runtime.session.bodies.encoding import check_tree
from runtime.session.context.composing import Limits
from runtime.session.context.steps import LARGEST
from runtime.session.drafts.draft import DraftView
from runtime.session.files import exported, importing
from runtime.session.files.arriving import ArrivingLog
from runtime.session.files.importing import Imported
from runtime.session.kind import New
from runtime.session.kinds import compaction, message, record, settings, switch, usage
from runtime.session.kinds.message import Message, from_python
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.table import KINDS
from runtime.session.replies import (
    AgentContext,
    Appended,
    History,
    LogPage,
    RecordPage,
    Reply,
    Summary,
    Written,
)
from runtime.session.rules import check_agent, check_key, check_reason, check_session_id
from runtime.session.state import SessionState
from runtime.session.steps import AT_ONCE, Steps
from runtime.session.work.ledger import Ledger
from runtime.store.stored import DEFAULT_AGENT
from runtime.store.used import UsedPlace
from runtime.turns import Turn, Turns, holding
from runtime.working import read_on

R = TypeVar("R")
A = TypeVar("A", bound=Reply)


def _valid_id(_handle: object, _attribute: object, session_id: str) -> None:
    check_session_id(session_id)


@frozen(eq=False, kw_only=True)
class Shared:
    """What all handles of one runtime share, so that to make one takes little."""

    directory: Directory
    persister: Persister
    errands: Errands
    redacting: Redacting
    feeds: Feeds
    timestamp: Callable[[], str]
    find: Find
    commits: bool
    """Whether the runtime's durability is `commit`."""
    keeps_trash: bool


@frozen(eq=False)
class Session:
    """A handle on one session. Getting one costs nothing: it neither loads nor creates.

    Every method may also raise `StoreError`, `RuntimeClosed`, `SessionCrashed` for a bug,
    `MailboxFull` if the handle was got with `nowait`, and, where processes share the store,
    `NotHere`: another one owns the session, and nothing of the call was done. A write that raises
    `StoreError` is *unknown*: it stays in memory and is tried again; sending it again with the same
    ids is safe. While too much waits for the store, writes wait too; if it fails, they raise
    `StoreBehind`.

    `durable=True` returns when the write is on disk, `durable=False` at once; `None` does as the
    runtime is configured. With durability `commit`, nothing is shown, and nothing refused, that
    rests on what is not on disk yet.

    `if_match` is the `tag` of an earlier answer, or several, or `"*"`: `PreconditionFailed` is
    raised if the session is not in that state any more. `if_absent`: if it is there at all. `turn`
    is a number: if that turn does not hold the session now.
    """

    id: str = field(validator=_valid_id)
    _shared: Shared
    _nowait: bool

    # -- messages ----------------------------------------------------------------------------

    async def append(
        self,
        *messages: Message | Mapping[str, Any] | New,
        durable: bool | None = None,
        create: bool = True,
        if_match: str | Collection[str] | None = None,
        if_absent: bool = False,
        turn: int | None = None,
    ) -> Appended:
        """Appends messages, all or none of them; the first message creates the session.

        A message is a `Message`, or any mapping with a text `role`. One that was sent before with
        the same `id` has no effect and gets the first number. Raises `InvalidInput`, `KeyConflict`,
        `PreconditionFailed`, and `SessionNotFound` if there is no such session and `create` is
        false.
        """
        news = [m if isinstance(m, New) else from_python(m) for m in messages]
        at, condition = self._shared.timestamp(), condition_of(if_match, if_absent, turn=turn)
        append = message.append if len(news) <= AT_ONCE else calls.append_messages
        return await self._write(
            lambda state: append(state, news, at=at, create=create, condition=condition), durable
        )

    async def history(self) -> History:
        """The whole conversation: the messages that count, all of them in memory.

        Raises `SessionNotFound`.
        """
        return await (await self.stream_history()).whole()

    async def stream_history(self) -> HistoryStream:
        """The same in pieces, as it is now, and of any length: for whoever passes it on.

        Raises `SessionNotFound`.
        """
        return HistoryStream(await self._read(reading.history), self._shared.find)

    async def messages(
        self,
        *,
        after: int | Cursor = 0,
        before: int | None = None,
        last: int | None = None,
        limit: int = 1_000,
    ) -> LogPage:
        """At most `limit` of the messages that count, oldest first.

        Those behind entry `after`; or the nearest below entry `before`; or the `last` ones. Raises
        `SessionNotFound`, `InvalidInput`, and `PreconditionFailed` for a cursor of another log.
        """
        return await self.log(
            after=after, before=before, last=last, limit=limit, kinds=MESSAGES, counting=True
        )

    # -- the log -----------------------------------------------------------------------------

    async def append_entries(
        self,
        *items: Item,
        id: str | None = None,  # noqa: A002 # as it is called over REST
        once: bool = False,
        expect: Mapping[str, int] | None = None,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        if_absent: bool = False,
        turn: int | None = None,
    ) -> Written:
        """Appends entries of any kinds in one step, all or none: to 10,000, in order.

        A call with an `id` that is known has no effect and gets the first numbers. With `once`,
        records whose keys are known are skipped. `expect` says of records' keys which entry each
        has to be, 0: none. Raises `InvalidInput`, `KeyConflict`, `BelowFloor`,
        `PreconditionFailed`, `ExpectationFailed`.
        """
        made = items_from_python(items)
        at, condition = self._shared.timestamp(), condition_of(if_match, if_absent, turn=turn)
        return await self._write(
            lambda state: calls.append_entries(
                state, made, at=at, call=id, once=once, expect=expect, condition=condition
            ),
            durable,
        )

    async def log(
        self,
        *,
        after: int | Cursor = 0,
        before: int | None = None,
        last: int | None = None,
        limit: int = 100,
        kinds: Collection[str] = (),
        key_prefix: str = "",
        counting: bool = False,
    ) -> LogPage:
        """At most `limit` entries, oldest first, also those that do not count.

        Raises `SessionNotFound`, `InvalidInput`, and `PreconditionFailed` for a cursor of another
        log.
        """
        cursor = after if isinstance(after, Cursor) else Cursor(after)
        if cursor.seq < 0 or limit < 1:
            raise InvalidInput("after: must be 0 or more; limit: must be 1 or more")
        if (last is not None and last < 1) or (before is not None and before < 1):
            raise InvalidInput("last: must be 1 or more; before: must be 1 or more")
        part = Part(
            after=cursor if cursor.seq or cursor.chain else None,
            before=before,
            last=last,
            limit=limit,
            kinds=kinds,
            key_prefix=key_prefix,
            counting=counting,
        )
        return await self._read(lambda state: reading.log_page(state, part))

    def events(self, *, after: int | Cursor = 0, kinds: Collection[str] = ()) -> Events:
        """The entries behind a place in the log, those that are there and those that come.

        Of these kinds, or of all: `async with session.events() as events: async for entry in
        events: …`. They end when the session is deleted. Of a place in another log, or when the
        session is made anew meanwhile, `PreconditionFailed` is raised. Raises `InvalidInput`;
        entering, `SessionNotFound`; iterating, `RuntimeClosed`.
        """
        return Events(self.follow(after=after, kinds=kinds))

    def follow(self, *, after: int | Cursor = 0, kinds: Collection[str] = ()) -> Follower:
        """The same with all that a reader over a wire has to know, and a page at a time.

        `async with session.follow() as follower: news = await follower.next()`. With durability
        `commit`, nothing is shown that is not on disk. Raises `InvalidInput`; entering,
        `SessionNotFound`.
        """
        cursor = after if isinstance(after, Cursor) else Cursor(after)
        if cursor.seq < 0:
            raise InvalidInput("after: must be 0 or more")
        if unknown := set(kinds).difference(KINDS, {DRAFT}):
            known = ", ".join(sorted({*KINDS, DRAFT}))
            raise InvalidInput(f"kind: {sorted(unknown)[0]!r} is none of {known}")
        return Follower(
            self.id, self._shared.feeds, self._look, cursor, frozenset(kinds), self._shared.commits
        )

    async def fold(self, kind: str) -> Any:
        """What follows from the entries of a kind that count, as plain JSON values.

        Raises `SessionNotFound`, `InvalidInput` for a kind that there is not.
        """

        def view(state: SessionState) -> Any:
            folds = state.present().folds
            if kind not in folds:
                raise InvalidInput(f"kind: must be one of {', '.join(sorted(folds))}")
            return folds[kind].view()

        return await self._read(view)

    async def rewind(
        self,
        to: int,
        *,
        id: str | None = None,  # noqa: A002 # as it is called over REST
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Summary:
        """Lets count again what counted at version `to`: back, or forward.

        Raises `SessionNotFound`, `InvalidInput`, `BelowFloor`, `KeyConflict`,
        `PreconditionFailed`.
        """
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        return await self._write(
            lambda state: rewind(state, to, at=at, key=_key(id), condition=condition), durable
        )

    async def fork(
        self,
        session_id: str,
        *,
        at: int | None = None,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Summary:
        """Makes a new session of this one's entries, up to version `at`; `None`: of all.

        Returns when that is on disk. Raises `SessionNotFound`, `SessionExists`, `InvalidInput`,
        `BelowFloor`, `PreconditionFailed`. Where another process owns one of the two, it is the new
        one's that makes it, and reads the other in the store: which has all of it if its owner was
        asked before, and raised `NotHere` for the new one.
        """
        if not self._shared.persister.has_room_for_all:
            await self._shared.persister.wait_for_room(self.id)
        patch: dict[str, Any] = {}
        if title is not None:
            patch["title"] = title
        if metadata is not None:
            check_tree(metadata, "metadata")
            patch["metadata"] = metadata
        return await self._shared.errands.fork(
            self.id, session_id, at=at, patch=patch, condition=condition_of(if_match, turn=turn)
        )

    async def export(self) -> LogStream:
        """The log as it is now, of any length, as lines: `async for piece in stream.pieces()`.

        Raises `SessionNotFound`.
        """
        return LogStream(await self._read(exported.exported), self._shared.find)

    async def import_log(
        self,
        log: ArrivingLog,
        *,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        if_absent: bool = False,
        turn: int | None = None,
    ) -> Imported:
        """Takes in a log, with its times: all of it, or what of it is not here yet, or nothing.

        It must go on where the session's own log ends, or begin the session. Raises `InvalidInput`,
        `LogConflict`, `PreconditionFailed`.
        """
        at, condition = self._shared.timestamp(), condition_of(if_match, if_absent, turn=turn)
        return await self._write(
            lambda state: importing.import_log(state, log, at=at, condition=condition), durable
        )

    # -- what is to be gone ------------------------------------------------------------------

    async def redact(
        self,
        seq: int,
        pointer: str = "",
        *,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Redacted:
        """Puts a marker, the text `[redacted]`, in the place of a value of entry `seq`.

        `pointer` is a JSON Pointer into the entry's body, as the log shows it; the empty one means
        all that may go. The entry's chain and those of all later ones are others then, so tags and
        cursors from there on are of no use any more. Returns when it is on disk, and nothing of the
        value in the store's own files; `traces` names those that may still have it. Done again, it
        has no effect. Raises `SessionNotFound`, `InvalidInput`, `PreconditionFailed`.
        """
        if not self._shared.persister.has_room_for_all:
            await self._shared.persister.wait_for_room(self.id)
        condition = condition_of(if_match, turn=turn)
        return await self._shared.redacting.redact(self.id, seq, pointer, condition)

    # -- what a model is told ----------------------------------------------------------------

    async def context(
        self, *, max_messages: int | None = None, max_bytes: int | None = None
    ) -> Context:
        """What to send to a model: valid for any provider, and within these limits.

        The newest exchanges, whole, behind the system's messages with which the session begins, and
        the summary of a compaction. `max_bytes` are of JSON, at most 32 MiB, as if not given.
        Raises `SessionNotFound`, `InvalidInput`, and `DoesNotFit` if even the least is more.
        """
        if max_messages is not None and max_messages < 1:
            raise InvalidInput("max_messages: must be 1 or more")
        size = LARGEST if max_bytes is None else max_bytes
        if not 2 <= size <= LARGEST:
            raise InvalidInput(f"max_bytes: must be from 2 to {LARGEST}")
        limits = Limits(max_bytes=size, max_messages=max_messages)
        return await context_of(await self._read(telling), limits, self._shared.find)

    async def compact(
        self,
        through: int,
        summary: Message | Mapping[str, Any],
        *,
        id: str | None = None,  # noqa: A002 # as it is called over REST
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Written:
        """Has a model told `summary` in the place of the messages up to entry `through`.

        The history keeps them. Raises `SessionNotFound`, `InvalidInput`, `KeyConflict`,
        `PreconditionFailed`.
        """
        sent = summary.as_sent() if isinstance(summary, Message) else summary
        check_tree(sent, "summary")
        new = compaction.compaction(through, sent)
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        return await self._write(
            lambda state: compaction.compact(state, new, at=at, key=_key(id), condition=condition),
            durable,
        )

    # -- who worked, and at what cost --------------------------------------------------------

    async def report_usage(
        self,
        numbers: Mapping[str, float],
        *,
        agent: str | None = None,
        model: str | None = None,
        id: str | None = None,  # noqa: A002 # as it is called over REST
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Written:
        """Notes what an agent, the current one by default, used up: each number is summed.

        Raises `SessionNotFound`, `InvalidInput`, `KeyConflict`, `PreconditionFailed`.
        """
        used = usage.report(numbers, agent, model)
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        return await self._write(
            lambda state: usage.report_usage(state, used, at=at, key=_key(id), condition=condition),
            durable,
        )

    async def usage(self, *, limit: int = 100, after: UsedPlace | None = None) -> UsagePage:
        """What was used, by day, agent and model: at most `limit` sums, of those behind `after`.

        What was reported, and what messages' metadata says. Raises `SessionNotFound`,
        `InvalidInput`.
        """
        if limit < 1:
            raise InvalidInput("limit: must be 1 or more")
        return await self._worked(
            lambda state, ledger: working.usage_page(state, ledger, limit=limit, after=after)
        )

    async def timeline(self, *, limit: int = 100, after: int = 0) -> Timeline:
        """Which agent worked when: at most `limit` stretches, of those behind entry `after`.

        Raises `SessionNotFound`, `InvalidInput`.
        """
        if limit < 1:
            raise InvalidInput("limit: must be 1 or more")
        return await self._worked(
            lambda state, ledger: working.timeline(state, ledger, limit=limit, after=after)
        )

    # -- records -----------------------------------------------------------------------------

    async def put_records(
        self,
        put: Mapping[str, Any] | Sequence[New] | None = None,
        *,
        remove: Sequence[str] = (),
        remove_prefix: Sequence[str] = (),
        id: str | None = None,  # noqa: A002 # as it is called over REST
        once: bool = False,
        expect: Mapping[str, int] | None = None,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        if_absent: bool = False,
        turn: int | None = None,
    ) -> Written:
        """Gives keys values, and removes others, in one step.

        A call with an `id` that is known has no effect and gets the first numbers. With `once`,
        keys that are known are skipped, and answered with what they have. `expect` says of keys
        which entry the record of each has to be, 0: none. Raises `InvalidInput`, `KeyConflict`,
        `PreconditionFailed`, `ExpectationFailed`.
        """
        if isinstance(put, Mapping):
            check_tree(put, "put")
            put = [record.put(key, value) for key, value in put.items()]
        news = put or ()
        at, condition = self._shared.timestamp(), condition_of(if_match, if_absent, turn=turn)
        return await self._write(
            lambda state: calls.put_records(
                state,
                at=at,
                put=news,
                remove=remove,
                remove_prefix=remove_prefix,
                call=id,
                once=once,
                expect=expect,
                condition=condition,
            ),
            durable,
        )

    async def records(
        self,
        *,
        keys: Collection[str] = (),
        prefixes: Collection[str] = (),
        start: str | None = None,
        end: str | None = None,
        reverse: bool = False,
        limit: int = 100,
        after: str | None = None,
    ) -> RecordPage:
        """At most `limit` records, in the order of the UTF-8 bytes of their keys.

        With `keys` or `prefixes`, only those; from `start` up to, but not including, `end`; behind
        the key `after`. Raises `SessionNotFound`, `InvalidInput`.
        """
        if limit < 1:
            raise InvalidInput("limit: must be 1 or more")
        return await self._read(
            lambda state: record.read(
                state,
                keys=keys,
                prefixes=prefixes,
                start=start,
                end=end,
                reverse=reverse,
                limit=limit,
                after=after,
            )
        )

    # -- drafts ------------------------------------------------------------------------------

    async def append_draft(
        self,
        message_id: str,
        text: str,
        *,
        part: str = CONTENT,
        role: str | None = None,
        offset: int | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Drafted:
        """Adds to a part of a message that is still being written; the first call begins it.

        Returns at once: it is on disk within the snapshot interval. `offset`: how many characters
        there are, in all parts together, as the last call returned; then a call whose answer was
        lost can be made again. The message with this id, once it is appended, takes its place.
        Raises `SessionNotFound`, `InvalidInput`, `DraftConflict`, `WrongOffset`,
        `PreconditionFailed`.
        """
        if not self._shared.persister.has_room_for_all:
            await self._shared.persister.wait_for_room(self.id)
        new = drafting.new_text(message_id, text, part=part, role=role, offset=offset)
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        return await self._ask(
            lambda state: drafting.append(state, new, at=at, condition=condition), confirm=False
        )

    async def drop_draft(
        self,
        message_id: str,
        *,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> None:
        """Takes back what was drafted, if anything was. Returns at once.

        Raises `SessionNotFound`, `InvalidInput`, `PreconditionFailed`.
        """
        check_key(message_id, "message_id")
        condition = condition_of(if_match, turn=turn)
        await self._ask(
            lambda state: drafting.drop(state, message_id, condition=condition), confirm=False
        )

    async def drafts(self) -> Sequence[DraftView]:
        """The messages that are still being written, the oldest first. Raises `SessionNotFound`."""
        return await self._read(drafting.drafts_of)

    # -- who writes, and who is waited for ---------------------------------------------------

    def turn(self, holder: str, *, ttl: float = 30.0) -> AbstractAsyncContextManager[Turn]:
        """A turn for a block: `async with session.turn("runner-1") as turn: …`.

        It is renewed while the block lasts, and ended with it. What the block writes with
        `turn=turn.number` is refused once somebody else has a turn. If the turn is lost, the block
        is cancelled, and `TurnLost` raised. If the session goes to another process, the block is
        cancelled, and `NotHere` raised: there the turn goes on, under its number, for as long as it
        was taken for; take it up there with `turns.take(…, turn=number)`. Entering raises
        `SessionNotFound`, `InvalidInput`, and `TurnHeld` if somebody else has one.
        """
        return holding(self.turns, holder, ttl)

    @property
    def turns(self) -> Turns:
        """Who may write for a while: single calls."""
        return Turns(self._asking)

    @property
    def approvals(self) -> Approvals:
        """What somebody is asked, and what was answered."""
        return Approvals(self._asking)

    # -- the session as a whole --------------------------------------------------------------

    async def create(
        self,
        *messages: Message | Mapping[str, Any] | New,
        agent: str = DEFAULT_AGENT,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        durable: bool | None = None,
    ) -> Summary:
        """Creates the session. Raises `SessionExists`, `InvalidInput`."""
        if metadata is not None:
            check_tree(metadata, "metadata")
        first = settings.first_entry(agent=agent, title=title, metadata=metadata)
        news = [m if isinstance(m, New) else from_python(m) for m in messages]
        at = self._shared.timestamp()
        return await self._write(lambda state: settings.create(state, first, news, at=at), durable)

    async def resume(self, *, last: int = 50) -> Resumed:
        """All that an IDE shows that opens the session, as at one moment.

        With the `last` messages; its `tag` is where to `follow` it from. Raises `SessionNotFound`,
        `InvalidInput`.
        """
        if last < 1:
            raise InvalidInput("last: must be 1 or more")
        at = self._shared.timestamp()
        return await self._brought(
            lambda state, brought: resuming.resume(state, last=last, at=at, brought=brought)
        )

    async def summary(self) -> Summary:
        """The session's header. Raises `SessionNotFound`."""
        at = self._shared.timestamp()
        return await self._read(lambda state: settings.summary(state, at))

    async def update(
        self,
        patch: Mapping[str, Any],
        *,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> Summary:
        """Merges `patch` (RFC 7396) into `title`, `archived` and `metadata`: null removes.

        Raises `SessionNotFound`, `InvalidInput`, `PreconditionFailed`.
        """
        check_tree(patch, "settings")
        if unknown := patch.keys() - {"title", "archived", "metadata"}:
            raise InvalidInput(f"{sorted(unknown)[0]}: no member of a session's settings")
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        return await self._write(
            lambda state: settings.update(state, patch, at=at, condition=condition), durable
        )

    async def switch_agent(
        self,
        agent: str,
        *,
        reason: str = "",
        id: str | None = None,  # noqa: A002 # as it is called over REST
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> AgentContext:
        """Makes `agent` the current one.

        Raises `SessionNotFound`, `InvalidInput`, `KeyConflict`, `PreconditionFailed`.
        """
        check_agent(agent)
        check_reason(reason)
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        return await self._write(
            lambda state: switch.switch_agent(
                state, agent, reason=reason, at=at, key=_key(id), condition=condition
            ),
            durable,
        )

    async def agent_context(self) -> AgentContext:
        """The current agent and those before it. Raises `SessionNotFound`."""
        return await self._read(switch.agent_context)

    async def delete(
        self,
        *,
        purge: bool = False,
        durable: bool | None = None,
        if_match: str | Collection[str] | None = None,
        turn: int | None = None,
    ) -> None:
        """Puts the session into the trash; with `purge`, deletes it for good.

        Raises `SessionNotFound`, `PreconditionFailed`.
        """
        at, condition = self._shared.timestamp(), condition_of(if_match, turn=turn)
        for_good = purge or not self._shared.keeps_trash
        await self._ask(
            lambda state: state.delete(at=at, purge=for_good, condition=condition),
            confirm=self._shared.commits if durable is None else durable,
        )

    async def undelete(self, *, trash_id: str | None = None, as_id: str | None = None) -> Summary:
        """Brings the newest session of this id back from the trash, or the one of `trash_id`.

        `as_id`: under another id. Returns when that is on disk. Raises `NotInTrash`,
        `SessionExists`, `InvalidInput`.
        """
        return await self._shared.errands.undelete(self.id, trash_id=trash_id, target=as_id)

    # -- inside ------------------------------------------------------------------------------

    @property
    def _asking(self) -> Asking:
        return Asking(
            session_id=self.id,
            read=self._read,
            write=self._write,
            timestamp=self._shared.timestamp,
            feeds=self._shared.feeds,
        )

    async def _ask(self, work: Callable[[SessionState], R], *, confirm: bool) -> R:
        return await self._answered(
            Command(work, confirm=confirm, confirm_refusal=confirm or self._shared.commits)
        )

    async def _read(self, work: Callable[[SessionState], R], *, is_first: bool = True) -> R:
        """What `work` finds. `is_first`: false for one of a row, of those who follow a session."""
        commits = self._shared.commits
        confirm, confirm_refusal = commits and is_first, commits or not is_first
        try:
            found = self._shared.directory.read_nowait(
                self.id, work, confirm=confirm, confirm_refusal=confirm_refusal
            )
        except trio.WouldBlock:
            return await self._answered(
                Command(work, is_read=True, confirm=confirm, confirm_refusal=confirm_refusal),
                # Whoever follows does not give up where many wait: it can do nothing but wait.
                nowait=self._nowait and is_first,
            )
        except CallerError:
            await trio.lowlevel.checkpoint()  # for who asks again and again
            raise
        # Others are let in here as well. And whoever sends answers on sends those of one pass of
        # the event loop together, which wakes their receivers less often.
        await trio.lowlevel.checkpoint()
        return found

    def _worked(self, render: Callable[[SessionState, Ledger], A]) -> Awaitable[A]:
        return self._brought(lambda state, known: working.with_ledger(state, known, render))

    async def _brought(self, work: Callable[[SessionState, Unread | None], A | Unread]) -> A:
        """Reads what needs a ledger, and brings that what it lacks."""
        known: Unread | None = None
        while True:
            found = await self._read(partial(_given, work, known))
            if not isinstance(found, Unread):
                return found
            known = await read_on(found, self._shared.find)

    def _look(self, look: Look, is_first: bool) -> Awaitable[Following]:
        return self._read(look, is_first=is_first)

    async def _write(self, work: Callable[[SessionState], A | Steps[A]], durable: bool | None) -> A:
        if not self._shared.persister.has_room_for_all:
            await self._shared.persister.wait_for_room(self.id)
        confirm = self._shared.commits if durable is None else durable
        return await self._answered(
            Command(work, confirm=confirm, confirm_refusal=confirm or self._shared.commits)
        )

    async def _answered(self, command: Command[R], *, nowait: bool | None = None) -> R:
        nowait = self._nowait if nowait is None else nowait
        answer = await self._shared.directory.ask(self.id, command, nowait=nowait)
        if (
            command.is_durable
            and isinstance(answer, Reply)
            and answer.durable_seq != answer.version
        ):
            return evolve(answer, durable_seq=answer.version)
        return answer


def _given(
    work: Callable[[SessionState, Unread | None], A | Unread],
    known: Unread | None,
    state: SessionState,
) -> A | Unread:
    return work(state, known)


def _key(call: str | None) -> str | None:
    return None if call is None else check_key(call)
