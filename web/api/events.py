"""What happens, while it happens: Server-Sent Events of one session, and of all.

A stream of a session shows each entry as the log does, once and in order. It ends when the session
is deleted, when the service does, when another node comes to own the session, and where the store
cannot be read: a client connects again then, with the last id that it has seen, and is told more.
"""

import re
from collections import deque
from typing import Annotated, Any

import trio
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import (
    ChangesFollower,
    Deleted,
    DraftNews,
    Durable,
    Follower,
    InvalidInput,
    News,
    NotHere,
    Reset,
    Runtime,
    RuntimeClosed,
    SessionChange,
    StoreError,
    Told,
)
from web.api.entries import shown_entry, union_of
from web.api.messages import cursor_of
from web.call.query import query
from web.call.rendering import ANSWERS_AT_ONCE, HUGE, begun, encode
from web.call.resources import Resources
from web.call.route import Route
from web.call.stream import ALIVE, HEADERS, event, opening
from web.call.types import DurableSeq, LogCursor, SessionId, Timestamp, Version
from web.http.limits import JOINED
from web.http.message import Chunks, Request, Response

PLACE = re.compile(r"[0-9]{1,18}(-[0-9a-f]{16})?")
"""As `LogCursor`."""

IS_ALIVE = event("alive")
BEGIN_ANEW = event("reset", place="0")
"""It has a place, so that who is cut off right behind it has forgotten the old one: whatever log
there is when it comes back, maybe the old one again, it begins with entry 1."""
MISSED = event("reset")
"""Of all sessions. Who is cut off behind it is told again, so that it reads the list again."""
IS_DELETED = event("deleted")


class EventsQuery(Struct):
    """Where a stream begins, and of what it is. A header `Last-Event-ID` wins over `after`."""

    after: Annotated[LogCursor, Meta(description="What is behind this place")] = "0"
    kind: Annotated[tuple[str, ...], Meta(description="Of these kinds; repeatable")] = ()


class DurableOut(Struct):
    """How much of the session is on disk."""

    durable_seq: DurableSeq


class DraftEventOut(Struct, omit_defaults=True):
    """What is new of a message that is still being written."""

    message_id: str
    role: str | UnsetType = UNSET
    part: Annotated[str, Meta(description="What has grown")] | UnsetType = UNSET
    offset: (
        Annotated[int, Meta(description="Characters of it that this stream has sent before")]
        | UnsetType
    ) = UNSET
    text: str | UnsetType = UNSET
    interrupted: bool = False
    dropped: bool = False

    @classmethod
    def of(cls, news: DraftNews) -> "DraftEventOut":
        if news.dropped:
            return cls(news.message_id, dropped=True)
        found = cls(news.message_id, news.role, offset=news.offset, interrupted=news.interrupted)
        if news.part is not None:
            found.part, found.text = news.part, news.text
        return found


class ChangesQuery(Struct):
    """Where a stream of all sessions begins. A header `Last-Event-ID` wins over `after`."""

    after: Annotated[str, Meta(description="The id of an event; without one, from now on")] = ""


class ChangeOut(Struct, omit_defaults=True):
    """What became of a session; of one that was deleted, no more than that."""

    session_id: SessionId
    change: Annotated[str, Meta(description="`created`, `changed` or `deleted`")]
    version: Version | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    last_activity: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, change: SessionChange) -> "ChangeOut":
        if change.change == "deleted":
            return cls(change.session_id, change.change)
        return cls(
            change.session_id,
            change.change,
            change.version,
            change.title,
            change.last_activity,
        )


class NothingOut(Struct, forbid_unknown_fields=True):
    """The data of an event whose name says all."""


def told_of_a_session() -> Any:
    """The data of its events: entries of all kinds, and the rest."""
    return union_of("ENTRIES") | DraftEventOut | DurableOut | NothingOut


async def follow_session(resources: Resources, request: Request, session_id: str) -> Response:
    """A session's entries behind a place, those that are there and those that come, as events.

    Each once and in order, also across restarts; in `commit` durability none that a crash could
    take. An entry's event is named by its kind, and its id is the place behind it, for
    `Last-Event-ID` or `after`.

    `reset`, with the id 0, comes before entry 1 of another log than the place was of (the session
    was made anew, or restored). Other events have no id: `alive`, after 15 seconds of silence;
    `deleted`, before the end; and in `snapshot` durability `durable`, which says how much is on
    disk. `draft` has what is new of a message that is still being written; with `offset` 0 it
    begins, or begins anew.
    """
    part = query(request, EventsQuery)
    place = _last_id(request)
    if place and not PLACE.fullmatch(place):
        raise InvalidInput(
            "Last-Event-ID: must be an id that this stream gave, like 12-00f1e2d3c4b5a697; "
            "without it, the stream begins with entry 1"
        )
    follower = resources.runtime.session(session_id, nowait=True).follow(
        after=cursor_of(place or part.after), kinds=part.kind
    )
    return Response(200, await begun(_of_session(resources, follower)), HEADERS, is_endless=True)


async def follow_all(resources: Resources, request: Request) -> Response:
    """Which sessions are created, changed and deleted, as events, once that is on disk.

    From now on, or behind a place of before: open the stream first and read the list then, and
    nothing is missed. Each change is an event `session`, and has an id.

    `reset` says that changes were missed: the list is to be read again, and what follows is new.
    `alive` comes after 15 seconds of silence.
    """
    place = _last_id(request) or query(request, ChangesQuery).after
    follower = resources.runtime.changes(_own_place(resources.runtime, place) or None)
    return Response(200, await begun(_of_all(resources, follower)), HEADERS, is_endless=True)


ROUTES = (
    Route(
        "GET",
        "/sessions/<session_id>/events",
        follow_session,
        {200: told_of_a_session},
        query=EventsQuery,
        is_stream=True,
    ),
    Route(
        "GET",
        "/events",
        follow_all,
        {200: ChangeOut | NothingOut},
        query=ChangesQuery,
        is_stream=True,
        everywhere="merged",
    ),
)


def _last_id(request: Request) -> str | None:
    """Where an `EventSource` goes on that connects again."""
    return request.headers.get("last-event-id")


def _own_place(runtime: Runtime, place: str) -> str:
    """Of the places of many nodes, which have commas between them, this one's; or the first."""
    places = place.split(",")
    instance, _, _ = runtime.changes().cursor.rpartition("-")
    return next((one for one in places if one.rpartition("-")[0] == instance), places[0])


async def _of_session(resources: Resources, follower: Follower) -> Chunks:
    """The events of one session. Raises, before it has begun, as entering a follower does."""
    with resources.streams.one():
        async with follower:
            yield b""
            yield opening()
            while not follower.is_over:
                try:
                    news = deque(await follower.next(ALIVE))
                except (RuntimeClosed, NotHere, StoreError):
                    return
                if not news:
                    yield IS_ALIVE
                while news:
                    yield await _next_piece(news)


async def _next_piece(news: deque[News]) -> bytes:
    """The first of what there is to tell, as much as leaves in one send.

    It is taken away: what a slow reader has been sent is not kept for it.
    """
    frames = [await _frame(news.popleft())]
    size = len(frames[0])
    while news and size < JOINED:
        frames.append(await _frame(news.popleft()))
        size += len(frames[-1])
    return frames[0] if len(frames) == 1 else b"".join(frames)


async def _frame(news: News) -> bytes:
    match news:
        case Told(frame=frame) if frame is not None:  # another follower has made it
            return frame
        case Told(entry=entry) if entry.size >= HUGE:
            return await trio.to_thread.run_sync(_of_entry, news, limiter=ANSWERS_AT_ONCE)
        case Told():
            return _of_entry(news)
        case Durable(seq=seq):
            return event("durable", encode(DurableOut(seq)))
        case DraftNews():
            return event("draft", encode(DraftEventOut.of(news)))
        case Reset():
            return BEGIN_ANEW
        case Deleted():
            return IS_DELETED


def _of_entry(told: Told) -> bytes:
    if told.frame is None:
        entry = told.entry
        place = f"{entry.seq}-{entry.chain.hex()}"
        told.frame = event(entry.kind, shown_entry(entry), place)
    return told.frame


async def _of_all(resources: Resources, follower: ChangesFollower) -> Chunks:
    """The events of all sessions. Raises, before it has begun, as entering a follower does."""
    with resources.streams.one(), follower:
        yield b""
        yield opening(follower.cursor)
        while True:
            try:
                news = await follower.next(ALIVE)
            except RuntimeClosed:
                return
            yield b"".join(_of_change(follower, one) for one in news) or IS_ALIVE


def _of_change(follower: ChangesFollower, news: SessionChange | Reset) -> bytes:
    if isinstance(news, Reset):
        # It has a place again: without it, each new connection would be told the same.
        return MISSED + opening(follower.cursor)
    return event("session", encode(ChangeOut.of(news)), follower.cursor_of(news.number))
