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

from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol

import msgspec
import trio
from attrs import frozen

from runtime import (
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
)
from web.api.messages import cursor_of
from web.api.under_way import UnderWay, kept_of
from web.call.rendering import ANSWERS_AT_ONCE, HUGE, encode, made
from web.call.resources import Resources
from web.call.stream import ALIVE
from web.http.message import Chunks
from web.ui.growing import Grown
from web.ui.kept import Kept

KINDS = ("message", "rewind", "turn", "approval", "decision", "draft")
"""What is followed."""

IS_ALIVE = b": alive\n\n"
"""A comment: neither protocol has a word for it, and all that reads events leaves it out."""

Event = dict[str, Any]

Events = Iterable[Event]

Begin = Callable[[Resumed, bool], Awaitable[tuple[int, Events]]]
"""What there is, of a session as it is, whether or not it is told for the first time; and of how
many bytes of text it is made."""


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
    records: str | None = None
    """How the keys of those records begin that are told of; `None`: none is."""
    record: Callable[[str, Any], Events] = lambda _key, _value: ()
    """Such a record has another value; `None`: it was removed."""
    last: bytes = b""
    """Behind all events."""


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
                size, events = await interface.begin(resumed, is_first)
                begun = await made(size, partial(_frames, events), transformed=size)
                # A comment, if there is nothing: so the head leaves at once.
                yield begun or IS_ALIVE
                is_first = False
                async with aclosing(_followed(session, resumed, interface, patience)) as pieces:
                    async for piece in pieces:
                        yield piece
        except SessionNotFound:
            yield _frames(interface.teller.abort("The session was deleted"))
        except (RuntimeClosed, NotHere, StoreError):
            yield _frames(interface.teller.error("The service is going away: connect again"))
        yield interface.last


async def _followed(
    session: Session, resumed: Resumed, interface: Interface, patience: float
) -> AsyncGenerator[bytes, None]:
    """What happens from there on, as it is sent. To the end, or to `is_stale`."""
    teller = interface.teller
    under_way = await UnderWay.of(resumed, patience)
    kinds = KINDS if interface.records is None else (*KINDS, "record")
    async with session.follow(after=cursor_of(resumed.tag), kinds=kinds) as follower:
        while not teller.is_over and not interface.is_stale():
            now = trio.current_time()
            if under_way.ends_at <= now:
                yield _frames(_end(teller, under_way))
                return
            news = await _next(follower, min(ALIVE, under_way.ends_at - now))
            for one in news:
                if interface.is_stale() or teller.is_over:
                    break
                under_way.heard = trio.current_time()
                if piece := await _told(interface, under_way, one):
                    yield piece
            if not news and trio.current_time() < under_way.ends_at:
                # Of a turn that expires there is no news.
                if under_way.has_turn and await session.turns.current() is None:
                    under_way.has_turn, under_way.heard = False, trio.current_time()
                yield IS_ALIVE


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


async def _told(interface: Interface, under_way: UnderWay, news: News) -> bytes:
    """What is sent of it; what is large is put together in a thread."""
    if isinstance(news, Told) and news.entry.size >= HUGE:
        work = partial(_piece, interface, under_way, news)
        return await trio.to_thread.run_sync(work, limiter=ANSWERS_AT_ONCE)
    return _piece(interface, under_way, news)


def _piece(interface: Interface, under_way: UnderWay, news: News) -> bytes:
    return _frames(_events(interface, under_way, news))


def _events(interface: Interface, under_way: UnderWay, news: News) -> Iterator[Event]:
    teller = interface.teller
    match news:
        case Told(entry=entry):
            yield from _of_entry(interface, under_way, entry)
        case DraftNews(message_id=name, dropped=True):
            under_way.drafts.pop(name, None)
            yield from teller.dropped(name)
        case DraftNews():
            under_way.has_begun = True
            under_way.drafts[news.message_id] = news.interrupted
            grown = Grown(news.message_id, news.role, news.part, news.text, news.offset)
            yield from teller.grown(grown)
        case Reset():
            yield from teller.changed()
        case Deleted():
            yield from teller.abort("The session was deleted")


def _of_entry(interface: Interface, under_way: UnderWay, entry: Entry) -> Iterator[Event]:
    teller = interface.teller
    match entry.kind:
        case "message":
            kept = kept_of(entry)
            under_way.said(kept)
            yield from teller.message(kept)
        case "rewind":
            yield from teller.changed()
        case "turn":
            under_way.turned(msgspec.json.decode(entry.body))
        case "record":
            key = entry.key or ""
            if interface.records is not None and key.startswith(interface.records):
                yield from interface.record(key, msgspec.json.decode(entry.body).get("value"))
        case _:  # an approval, or its decision
            asked = {"id": entry.key, **msgspec.json.decode(entry.body)}
            yield from teller.aside("approval", asked)


def _frames(events: Events) -> bytes:
    return b"".join([b"data: %b\n\n" % encode(event) for event in events])
