"""An answer for a user interface: what there is of it, what comes while it is written, its end.

Each interface has a protocol of its own, in `web.ui`; when an answer is under way, and what is
heard of it, is the same for all of them. Rules:

- It is under way while somebody has the session's turn, or while a draft is written. An agent that
  takes no turns is waited for between a tool's result and what it says to that.
- A draft that nobody is writing (its agent has died, or the service has) is waited for a moment, as
  the agent may come back, and then given up. What there is of it was told.
- What was told and does not hold any more, each protocol makes good in its own way.
- Who stops telling before the end says so: no client is to take half an answer for a whole one.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from math import inf
from typing import Any, Protocol

import msgspec
import trio
from attrs import define, field, frozen

from runtime import (
    SECONDS,
    Deleted,
    DraftNews,
    Entry,
    Follower,
    News,
    NotHere,
    Reset,
    Resumed,
    RuntimeClosed,
    Session,
    SessionNotFound,
    StoreError,
    Told,
    sent,
)
from web.api.messages import cursor_of
from web.call.rendering import ANSWERS_AT_ONCE, HUGE, encode
from web.call.resources import Resources
from web.call.stream import ALIVE
from web.http.message import Chunks
from web.ui.growing import Grown
from web.ui.kept import Kept

KINDS = ("message", "record", "rewind", "turn", "approval", "decision", "draft")
"""What is followed."""

RETURN = 15 * SECONDS
"""For which an agent is waited for that has begun and says nothing: a service that was killed is
there again after a second or two, and so is what an agent sends again."""

IS_ALIVE = b": alive\n\n"
"""A comment: neither protocol has a word for it, and all that reads events leaves it out."""

Event = dict[str, Any]

Events = Iterable[Event]

Begin = Callable[[Resumed, bool], Awaitable[Events]]
"""What there is, of a session as it is; and whether that is told for the first time."""


class Teller(Protocol):
    """A protocol's words. See `web.ui`."""

    is_over: bool

    def message(self, kept: Kept) -> Iterator[Event]: ...
    def grown(self, grown: Grown) -> Iterator[Event]: ...
    def dropped(self, message_id: str) -> Iterator[Event]: ...
    def changed(self) -> Iterator[Event]: ...
    def aside(self, name: str, data: Event) -> Iterator[Event]: ...
    def end(self) -> Iterator[Event]: ...
    def abort(self, reason: str) -> Iterator[Event]: ...
    def error(self, text: str) -> Iterator[Event]: ...


@frozen(kw_only=True)
class Interface:
    """How one protocol is spoken."""

    teller: Teller
    begin: Begin
    is_stale: Callable[[], bool] = lambda: False
    """Whether what was told holds no more, and `begin` is to tell it again."""
    record: Callable[[str, Any], Events] = lambda _key, _value: ()
    """A record has another value; `None`: it was removed."""
    last: bytes = b""
    """Behind all events."""


@define
class UnderWay:
    """Whether there is an answer to wait for."""

    has_turn: bool
    is_owed: bool
    """Whether the last message wants another one."""
    patience: float
    """Seconds for which an agent is waited for that has not begun."""
    heard: float
    """When something happened last."""
    has_begun: bool = False
    drafts: dict[str, bool] = field(factory=dict)
    """By their ids, whether they are interrupted."""

    @classmethod
    def of(cls, resumed: Resumed, patience: float, now: float) -> "UnderWay":
        """As a session is."""
        entries = resumed.messages.entries
        drafts = {draft.message_id: draft.interrupted for draft in resumed.drafts}
        return cls(
            has_turn=resumed.turn is not None,
            is_owed=bool(entries) and kept_of(entries[-1]).is_owed,
            patience=patience,
            heard=now,
            has_begun=resumed.turn is not None or bool(drafts),
            drafts=drafts,
        )

    @property
    def ends_at(self) -> float:
        """When there is nothing to wait for any more, if nothing happens."""
        if self.has_turn or not all(self.drafts.values()):
            return inf
        if self.drafts:
            return self.heard + RETURN
        if not self.is_owed:
            return -inf
        return self.heard + (RETURN if self.has_begun else self.patience)

    def note(self, news: News, now: float) -> None:
        """Something has happened."""
        self.heard = now
        match news:
            case Told(entry=entry) if entry.kind == "turn":
                body = msgspec.json.decode(entry.body)
                self.has_turn = "holder" in body or ("ended" not in body and self.has_turn)
                self.has_begun = self.has_begun or self.has_turn
            case Told(entry=entry) if entry.kind == "message":
                kept = kept_of(entry)
                self.is_owed = kept.is_owed
                self.has_begun = self.has_begun or kept.speaker != "user"
                self.drafts.pop(kept.id, None)
            case DraftNews(message_id=name, dropped=True):
                self.drafts.pop(name, None)
            case DraftNews(message_id=name, interrupted=interrupted):
                self.has_begun = True
                self.drafts[name] = interrupted


def kept_of(entry: Entry) -> Kept:
    """A message of the log, decoded."""
    return Kept(entry.seq, entry.key, msgspec.json.decode(sent(entry)))


async def told(
    resources: Resources,
    session: Session,
    resumed: Resumed,
    interface: Interface,
    *,
    last: int,
    patience: float = 0,
) -> Chunks:
    """The events of an answer, as a body. `last`: messages that are looked at in the beginning."""
    with resources.streams.one():
        yield b""
        is_first = True
        try:
            while is_first or (interface.is_stale() and not interface.teller.is_over):
                if not is_first:
                    resumed = await session.resume(last=last)
                # A comment, if there is nothing: so the head leaves at once.
                yield _frames(await interface.begin(resumed, is_first)) or IS_ALIVE
                is_first = False
                async with aclosing(_followed(session, resumed, interface, patience)) as events:
                    async for some in events:
                        yield _frames(some) or IS_ALIVE
        except SessionNotFound:
            yield _frames(interface.teller.abort("The session was deleted"))
        except (RuntimeClosed, NotHere, StoreError):
            yield _frames(interface.teller.error("The service is going away: connect again"))
        yield interface.last


async def _followed(
    session: Session, resumed: Resumed, interface: Interface, patience: float
) -> AsyncGenerator[Sequence[Event], None]:
    """What happens from there on; `()` where nothing does. To the end, or to `is_stale`."""
    teller = interface.teller
    under_way = UnderWay.of(resumed, patience, trio.current_time())
    async with session.follow(after=cursor_of(resumed.tag), kinds=KINDS) as follower:
        while not teller.is_over and not interface.is_stale():
            now = trio.current_time()
            if under_way.ends_at <= now:
                yield list(_end(teller, under_way))
                return
            news = await _next(follower, min(ALIVE, under_way.ends_at - now))
            for one in news:
                under_way.note(one, trio.current_time())
                if interface.is_stale() or teller.is_over:
                    break
                if events := await _told(interface, one):
                    yield events
            if not news and trio.current_time() < under_way.ends_at:
                # Of a turn that expires there is no news.
                if under_way.has_turn and await session.turns.current() is None:
                    under_way.has_turn, under_way.heard = False, trio.current_time()
                yield ()


async def _next(follower: Follower, timeout: float) -> Sequence[News]:
    return await follower.next(max(timeout, 0))


def _end(teller: Teller, under_way: UnderWay) -> Iterator[Event]:
    if under_way.drafts:
        yield from teller.abort("Nobody is writing the answer any more")
    elif under_way.is_owed and under_way.patience and not under_way.has_begun:
        yield from teller.error(
            f"No agent has begun to answer for {under_way.patience:g} s: what was sent is kept, "
            "and its answer will be there as well"
        )
    else:
        yield from teller.end()


async def _told(interface: Interface, news: News) -> Sequence[Event]:
    if isinstance(news, Told) and news.entry.size >= HUGE:
        return await trio.to_thread.run_sync(
            lambda: list(_events(interface, news)), limiter=ANSWERS_AT_ONCE
        )
    return list(_events(interface, news))


def _events(interface: Interface, news: News) -> Iterator[Event]:
    teller = interface.teller
    match news:
        case Told(entry=entry) if entry.kind == "message":
            yield from teller.message(kept_of(entry))
        case Told(entry=entry) if entry.kind == "rewind":
            yield from teller.changed()
        case Told(entry=entry) if entry.kind == "record":
            body = msgspec.json.decode(entry.body)
            yield from interface.record(entry.key or "", body.get("value"))
        case Told(entry=entry) if entry.kind != "turn":
            yield from teller.aside(
                "approval", {"id": entry.key, **msgspec.json.decode(entry.body)}
            )
        case DraftNews(message_id=name, dropped=True):
            yield from teller.dropped(name)
        case DraftNews():
            grown = Grown(news.message_id, news.role, news.part, news.text, news.offset)
            yield from teller.grown(grown)
        case Reset():
            yield from teller.changed()
        case Deleted():
            yield from teller.abort("The session was deleted")


def _frames(events: Events) -> bytes:
    return b"".join([b"data: %b\n\n" % encode(event) for event in events])
