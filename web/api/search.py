"""Search: messages and titles of all sessions, by their words."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import MAX_QUERY, Found, HitPosition, SearchPage
from web.call.query import from_cursor, query, to_cursor
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import DEFAULT_LIMIT, Cursor, Limit, Seq, SessionId, Timestamp
from web.http.message import Request, Response

Moment = Annotated[
    str,
    Meta(
        description="ISO 8601; UTC, if it does not say",
        examples=["2025-12-31", "2025-12-31T08:45:00Z"],
    ),
]
_Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class HitOut(Struct, omit_defaults=True):
    """An entry that was found."""

    session_id: SessionId
    seq: Seq
    snippet: Annotated[str, Meta(description="The part of the text that has it, in one line")]
    at: Timestamp
    title: Annotated[str, Meta(description="The session's")] | UnsetType = UNSET
    role: (
        Annotated[str, Meta(description="The message's; absent: it is the title that has it")]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, found: Found) -> "HitOut":
        return cls(
            found.session_id,
            found.seq,
            found.snippet,
            found.at,
            UNSET if found.title is None else found.title,
            UNSET if found.role is None else found.role,
        )


class HitsOut(Struct, omit_defaults=True):
    """What was found, the newest first. A page may be short, or empty, and go on."""

    hits: list[HitOut]
    indexed_through: Annotated[
        Timestamp, Meta(description="What was on disk at this moment can be found")
    ]
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: SearchPage) -> "HitsOut":
        place = page.next
        return cls(
            [HitOut.of(hit) for hit in page.hits],
            page.indexed_through,
            UNSET if place is None else to_cursor([place.at, place.no, place.seq]),
        )


class SearchQuery(Struct):
    """What is searched for, and where."""

    q: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_QUERY,
            description='Words, all of which have to be there; "words that follow each other"; '
            "begin* for words that begin so. Case and accents do not matter",
            examples=["timeout retry", '"connection refused" conf*'],
        ),
    ]
    prefix: Annotated[str, Meta(description="Of the session's id")] = ""
    role: Annotated[str, Meta(description="Only messages of this role; no titles")] | None = None
    since: Annotated[Moment, Meta(description="Only what was written then or later")] | None = None
    until: Annotated[Moment, Meta(description="Only what was written before")] | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


async def search(resources: Resources, request: Request) -> Response:
    """Finds messages, what tools were told and said included, and titles, by their words.

    Of living sessions; what a rewind took back is not found until another one brings it back. Of a
    message the first 256 KiB are searched, and 16,000 words.
    """
    asked = query(request, SearchQuery)
    after = None
    if asked.cursor is not None:
        after = HitPosition(*from_cursor(asked.cursor, tuple[str, _Number, _Number]))
    page = await resources.runtime.search(
        asked.q,
        prefix=asked.prefix,
        role=asked.role,
        since=asked.since,
        until=asked.until,
        limit=asked.limit,
        after=after,
    )
    return json_answer(HitsOut.of(page))


ROUTES = (Route("GET", "/search", search, {200: HitsOut}, query=SearchQuery),)
