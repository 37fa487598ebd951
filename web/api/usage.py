"""Usage: what agents used up, in numbers under any names."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import (
    MAX_KEY,
    MAX_NUMBER,
    MAX_NUMBER_NAME,
    MAX_NUMBERS,
    InvalidInput,
    UsagePage,
    Used,
    UsedPage,
    check_small_body,
    read_as,
)
from web.api.entries import EntryOut
from web.api.log import WrittenOut
from web.call.body import taken
from web.call.parts import WHERE
from web.call.problems import write
from web.call.query import from_cursor, query, to_cursor
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import answer
from web.call.types import DEFAULT_LIMIT, AgentName, Cursor, DurableSeq, Limit, Name, SessionId
from web.call.write import written
from web.http.message import Request, Response

Numbers = Annotated[
    dict[str, float | int],
    Meta(description="Each number's sum, under its name: integers exactly"),
]
Day = Annotated[
    str,
    Meta(description="UTC", examples=["2025-12-31"], extra_json_schema={"format": "date"}),
]

_TEXT = {"type": "string", "minLength": 1}
UsageIn = Annotated[
    dict[str, Any],
    Meta(
        title="UsageIn",
        description=f"What was used: to {MAX_NUMBERS} numbers under names of their own",
        min_length=1,
        extra_json_schema={
            "properties": {
                "id": {**_TEXT, "maxLength": MAX_KEY, "description": "Of the call"},
                "agent": {**_TEXT, "description": "The current one, if absent"},
                "model": _TEXT,
            },
            "additionalProperties": {
                "type": "number",
                "minimum": -MAX_NUMBER,
                "maximum": MAX_NUMBER,
            },
            "propertyNames": {"minLength": 1, "maxLength": MAX_NUMBER_NAME},
        },
    ),
]
"""No class: its members are the client's own."""


class UsageEntry(EntryOut, tag="usage", kw_only=True):
    """What an agent used: `agent`, maybe `model`, and numbers."""

    body: dict[str, Any]


ENTRIES = (UsageEntry,)


class UsedOut(Struct, omit_defaults=True):
    """What one agent used of one model on one day."""

    day: Day
    agent: AgentName
    numbers: Numbers
    model: Name | UnsetType = UNSET

    @classmethod
    def of(cls, used: Used) -> "UsedOut":
        return cls(used.day, used.agent, dict(used.numbers), used.model or UNSET)


class UsageOut(Struct, omit_defaults=True):
    """What was used, in the order of days, agents and models."""

    session_id: SessionId
    totals: Annotated[Numbers, Meta(description="Of all, not of this page alone")]
    usage: list[UsedOut]
    durable_seq: DurableSeq
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: UsagePage) -> "UsageOut":
        return cls(
            page.session_id,
            dict(page.totals),
            [UsedOut.of(used) for used in page.used],
            page.durable_seq,
            UNSET if page.next is None else to_cursor(page.next),
        )


class AllUsageOut(Struct, omit_defaults=True):
    """What was used in all sessions, in the order of days, agents and models."""

    totals: Annotated[Numbers, Meta(description="Of all that was asked for, not of this page")]
    usage: list[UsedOut]
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: UsedPage) -> "AllUsageOut":
        return cls(
            dict(page.totals),
            [UsedOut.of(used) for used in page.used],
            UNSET if page.next is None else to_cursor(page.next),
        )


class AllUsageQuery(Struct):
    """Of which days, and which part of the sums."""

    since: Annotated[Day, Meta(description="The first day; all, if absent")] | None = None
    until: Annotated[Day, Meta(description="The last day, which is included")] | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class UsageQuery(Struct):
    """Which part of the sums."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


async def report_usage(resources: Resources, request: Request, session_id: str) -> Response:
    """Notes what an agent used up: each number is summed under its name.

    200 instead of 201: this was reported before under the same id.
    """
    session = resources.runtime.session(session_id, nowait=True)
    sent = await taken(resources, request, _sent)
    asked = written(resources, request)
    await asked.check_present(session)
    call_id = _text(sent, "id")
    agent, model = _text(sent, "agent"), _text(sent, "model")
    with write(repeatable=call_id is not None):
        done = await session.report_usage(
            sent,
            agent=agent,
            model=model,
            id=call_id,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    status = asked.status(201) if done.applied else 200
    return asked.answer(done, WrittenOut.of(done, 0), status)


async def get_usage(resources: Resources, request: Request, session_id: str) -> Response:
    """What was used in a session, summed by day, agent and model.

    What was reported, and what the metadata of messages says in the usual members of OpenAI's,
    Anthropic's and Gemini's `usage`. No rewind takes any of it back; a fork begins without.
    """
    part = query(request, UsageQuery)
    after = None if part.cursor is None else from_cursor(part.cursor, tuple[str, str, str])
    session = resources.runtime.session(session_id, nowait=True)
    page = await session.usage(limit=part.limit, after=after)
    return answer(request, page, lambda: UsageOut.of(page))


async def get_all_usage(resources: Resources, request: Request) -> Response:
    """What was used in all sessions, summed by day, agent and model.

    Deleted sessions count as well: what they used was used. Any node answers for all of them.
    """
    part = query(request, AllUsageQuery)
    after = None if part.cursor is None else from_cursor(part.cursor, tuple[str, str, str])
    page = await resources.runtime.usage(
        since=part.since, until=part.until, limit=part.limit, after=after
    )
    return json_answer(AllUsageOut.of(page))


ROUTES = (
    Route("GET", "/usage", get_all_usage, {200: AllUsageOut}, query=AllUsageQuery),
    Route(
        "POST",
        "/sessions/<session_id>/usage",
        report_usage,
        {200: WrittenOut, 201: WrittenOut, 202: WrittenOut},
        body=UsageIn,
        problems=(409, 412),
    ),
    Route(
        "GET",
        "/sessions/<session_id>/usage",
        get_usage,
        {200: UsageOut, 304: None},
        query=UsageQuery,
    ),
)


def _sent(body: bytes) -> dict[str, Any]:
    check_small_body(body, WHERE)
    sent: dict[str, Any] = read_as(body, dict[str, Any], WHERE)[0]
    return sent


def _text(sent: dict[str, Any], name: str) -> str | None:
    """Takes a member of the report itself out of the numbers."""
    value = sent.pop(name, None)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{name}: must be text")
    return value
