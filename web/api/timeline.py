"""The timeline: which agent worked when, why, and at what cost."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import Timeline, Work
from web.api.usage import Numbers
from web.call.query import from_cursor, query, to_cursor
from web.call.rendering import encode, encoded_answer, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of, unchanged
from web.call.types import (
    DEFAULT_LIMIT,
    AgentName,
    Cursor,
    DurableSeq,
    Limit,
    Name,
    Reason,
    Seq,
    SessionId,
    Timestamp,
)
from web.http.message import Request, Response

_Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class ModelUsageOut(Struct, omit_defaults=True):
    """What was used of one model."""

    numbers: Numbers
    model: Name | UnsetType = UNSET


class WorkOut(Struct, omit_defaults=True):
    """A stretch of the session in which one agent worked."""

    agent: AgentName
    began_at: Timestamp
    first_seq: Annotated[Seq, Meta(description="The number of the entry with which it begins")]
    message_count: Annotated[int, Meta(ge=0)]
    usage: list[ModelUsageOut]
    reason: Annotated[Reason, Meta(description="Why it was switched to")] | UnsetType = UNSET
    ended_at: Annotated[Timestamp, Meta(description="Absent: it goes on")] | UnsetType = UNSET
    first_message: Seq | UnsetType = UNSET
    last_message: Seq | UnsetType = UNSET
    rewound_count: (
        Annotated[int, Meta(ge=1, description="So many of the messages a rewind took back")]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, work: Work) -> "WorkOut":
        found = cls(
            work.agent,
            work.began_at,
            work.first_seq,
            work.message_count,
            [ModelUsageOut(dict(numbers), model or UNSET) for model, numbers in work.used],
        )
        for name in ("reason", "ended_at", "first_message", "last_message"):
            if (value := getattr(work, name)) is not None:
                setattr(found, name, value)
        found.rewound_count = work.rewound_count or UNSET
        return found


class TimelineOut(Struct, omit_defaults=True):
    """Who worked when, the oldest first."""

    session_id: SessionId
    work: list[WorkOut]
    durable_seq: DurableSeq
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: Timeline) -> "TimelineOut":
        return cls(
            page.session_id,
            [WorkOut.of(work) for work in page.work],
            page.durable_seq,
            UNSET if page.next is None else to_cursor([page.next]),
        )


class TimelineQuery(Struct):
    """Which part of it."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


async def get_timeline(resources: Resources, request: Request, session_id: str) -> Response:
    """Which agent worked when: its messages, why it was switched to, and what it used.

    A stretch begins where another agent goes on: by a switch, or by a rewind to where it worked.
    What a rewind took back is there too: it happened.
    """
    part = query(request, TimelineQuery)
    after = 0 if part.cursor is None else from_cursor(part.cursor, tuple[_Number])[0]
    session = resources.runtime.session(session_id, nowait=True)
    page = await session.timeline(limit=part.limit, after=after)
    known = unchanged(request, page)
    if known is not None:
        return known
    size = sum(len(work.reason or "") for work in page.work)
    return encoded_answer(await made(size, lambda: encode(TimelineOut.of(page))), headers_of(page))


ROUTES = (
    Route(
        "GET",
        "/sessions/<session_id>/timeline",
        get_timeline,
        {200: TimelineOut, 304: None},
        query=TimelineQuery,
    ),
)
