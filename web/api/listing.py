"""The list of sessions: which are asked for, and pages and streams of them."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Annotated, Any, Literal

from attrs import frozen
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import (
    INCLUDABLE,
    InvalidInput,
    ListChunk,
    Listing,
    ListPosition,
    SessionInfo,
    SessionList,
    SessionPage,
)
from web.call.query import from_cursor, parameters, query, to_cursor
from web.call.rendering import begun, encoded_answer, json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import DEFAULT_LIMIT, Cursor, Timestamp, Version
from web.http.message import Chunks, Request, Response

LIST_START = b'{"sessions":['

METADATA = "metadata."
"""Begins the names of the parameters that ask for members of the metadata."""


class ListQuery(Struct):
    """Which sessions, and which part of the list."""

    limit: (
        Annotated[int, Meta(ge=1, le=1000, description="Sessions at most; all, if absent")] | None
    ) = None
    cursor: Cursor | None = None
    order: Annotated[
        Literal["activity", "created"],
        Meta(description="activity: the last used first; created: the first created first"),
    ] = "activity"
    prefix: Annotated[str, Meta(description="Of the session's id")] = ""
    archived: Annotated[bool, Meta(description="Only archived ones, or only others")] | None = None
    include: Annotated[
        str,
        Meta(
            description=f"Members to add, with commas: {', '.join(INCLUDABLE)}; "
            "metadata with a limit only"
        ),
    ] = ""


class SessionInfoOut(Struct, omit_defaults=True):
    """A session in a list; the members behind the first four are there if they are included."""

    session_id: str
    message_count: int
    last_activity: Timestamp
    current_agent: str
    title: str | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET
    created_at: Timestamp | UnsetType = UNSET
    version: Version | UnsetType = UNSET

    @classmethod
    def of(cls, info: SessionInfo, include: Iterable[str] = INCLUDABLE) -> "SessionInfoOut":
        found = cls(info.session_id, info.message_count, info.last_activity, info.current_agent)
        for name in include:
            value = getattr(info, name)
            if value is not None:
                setattr(found, name, Raw(value) if name == "metadata" else value)
        return found


class SessionListOut(Struct, omit_defaults=True):
    """Sessions, in the order that was asked for."""

    sessions: list[SessionInfoOut]
    total: (
        Annotated[int, Meta(description="The number of all sessions; absent with filters")]
        | UnsetType
    ) = UNSET
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(
        cls, page: SessionPage, include: Iterable[str], next_cursor: str | None, *, filtered: bool
    ) -> "SessionListOut":
        return cls(
            sessions=[SessionInfoOut.of(info, include) for info in page.sessions],
            total=UNSET if filtered else page.total,
            next_cursor=UNSET if next_cursor is None else next_cursor,
        )


@frozen
class Asked:
    """A list as it was asked for."""

    listing: Listing
    limit: int | None
    after: ListPosition | None
    include: Sequence[str]


async def list_sessions(resources: Resources, request: Request) -> Response:
    """All sessions, the most recent first; a page of them with `limit`.

    `metadata.NAME=VALUE` asks for those with this member in their metadata; an empty value for
    those without it, too.
    """
    wanted = _asked(request)
    listing = wanted.listing
    if wanted.limit is None:
        listed = await resources.runtime.stream_sessions(listing, wanted.include)
        return await _whole_list(listed, filtered=listing.is_filtered)
    page = await resources.runtime.list_sessions(listing, limit=wanted.limit, after=wanted.after)
    following = None if page.next is None else _cursor(page.next, listing.order)
    return json_answer(
        SessionListOut.of(page, wanted.include, following, filtered=listing.is_filtered)
    )


ROUTES = (Route("GET", "/sessions", list_sessions, {200: SessionListOut}, query=ListQuery),)


def _asked(request: Request) -> Asked:
    """What the query string asks for. Raises `InvalidInput`."""
    part = query(request, ListQuery, METADATA)
    include = tuple(name for name in part.include.split(",") if name)
    if unknown := set(include).difference(INCLUDABLE):
        raise InvalidInput(f"include: {sorted(unknown)[0]!r} is none of {', '.join(INCLUDABLE)}")
    metadata = tuple(
        (name.removeprefix(METADATA), value)
        for name, value in parameters(request)
        if name.startswith(METADATA)
    )
    listing = Listing(
        order=part.order, prefix=part.prefix, archived=part.archived, metadata=metadata
    )
    after = None if part.cursor is None else _position(part.cursor, part.order)
    limit = DEFAULT_LIMIT if part.limit is None and after is not None else part.limit
    return Asked(listing, limit, after, include)


async def _whole_list(listed: SessionList, *, filtered: bool) -> Response:
    """The list of all: streamed, unless it is short."""
    try:
        first = await anext(listed)
        second = await anext(listed, None)
    except BaseException:
        listed.close()
        raise
    if second is None:
        whole = (LIST_START, first.json, _end(first.count, filtered=filtered))
        return encoded_answer(b"".join(whole))
    return encoded_answer(await begun(_streamed(listed, first, second, filtered=filtered)))


async def _streamed(
    listed: SessionList, first: ListChunk, second: ListChunk, *, filtered: bool
) -> Chunks:
    with closing(listed):
        yield b""
        yield LIST_START + first.json
        count = first.count
        chunk: ListChunk | None = second
        while chunk is not None:
            if chunk.count:
                yield b"," + chunk.json if count else chunk.json
            count += chunk.count
            chunk = await anext(listed, None)
        yield _end(count, filtered=filtered)


def _end(total: int, *, filtered: bool) -> bytes:
    return b"]}" if filtered else b'],"total":%d}' % total


def _cursor(position: ListPosition, order: str) -> str:
    return to_cursor([order, position.moment, position.session_id])


def _position(cursor: str, order: str) -> ListPosition:
    of, moment, session_id = from_cursor(cursor, tuple[str, str, str])
    if of != order:
        raise InvalidInput(f"cursor: of a list with order={of}, and not {order}")
    return ListPosition(moment, session_id)
