"""Usage: what agents used up, in numbers under any names; and which of them worked when."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import Numbers, Written
from web.clients.calls.terms import USUAL, Terms, as_json, get, new_id, pairs, path, post
from web.clients.core.call import Ask, Pages


class Used(TypedDict):
    """What one agent used of one model on one day."""

    day: str
    agent: str
    numbers: Numbers
    model: NotRequired[str]


class Usage(TypedDict):
    """What was used in a session, in the order of days, agents and models."""

    session_id: str
    totals: Numbers
    """Of all, not of this page alone."""
    usage: list[Used]
    durable_seq: int
    next_cursor: NotRequired[str]


class AllUsage(TypedDict):
    """What was used in all sessions, in the order of days, agents and models."""

    totals: Numbers
    """Of all that was asked for, not of this page."""
    usage: list[Used]
    next_cursor: NotRequired[str]


class ModelUsage(TypedDict):
    """What was used of one model."""

    numbers: Numbers
    model: NotRequired[str]


class Work(TypedDict):
    """A stretch of a session in which one agent worked."""

    agent: str
    began_at: str
    first_seq: int
    """Of the entry with which it begins."""
    message_count: int
    usage: list[ModelUsage]
    reason: NotRequired[str]
    ended_at: NotRequired[str]
    """Absent: it goes on."""
    first_message: NotRequired[int]
    last_message: NotRequired[int]
    rewound_count: NotRequired[int]
    """So many of the messages a rewind took back."""


class Timeline(TypedDict):
    """Who worked when, the oldest first."""

    session_id: str
    work: list[Work]
    durable_seq: int
    next_cursor: NotRequired[str]


def report_usage(
    session_id: str,
    numbers: Mapping[str, float],
    *,
    agent: str | None = None,
    model: str | None = None,
    id: str | None = None,  # noqa: A002 -- the API's own name
    terms: Terms = USUAL,
) -> Ask[Written]:
    """Notes what an agent used up: each number is summed under its name, to 64 of them.

    `agent`: the current one, if absent.
    """
    said = {**numbers, "agent": agent, "model": model, "id": id or new_id()}
    return Ask(post(path("sessions", session_id, "usage"), said, terms=terms), as_json(Written))


def get_usage(
    session_id: str,
    *,
    limit: int | None = None,
    cursor: str | None = None,
    if_none_match: str | None = None,
) -> Ask[Usage]:
    """What was used in a session, summed by day, agent and model: a page, and the totals."""
    query = pairs(limit=limit, cursor=cursor)
    call = get(path("sessions", session_id, "usage"), query, if_none_match=if_none_match)
    return Ask(call, as_json(Usage))


def iter_usage(session_id: str, *, limit: int = PAGE) -> Pages[Used]:
    """All sums of a session. `limit`: on a page."""
    return pages(get_usage(session_id, limit=limit), "usage", Used)


def get_all_usage(
    *,
    since: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Ask[AllUsage]:
    """What was used in all sessions, also in deleted ones: a page, and the totals.

    `since`, `until`: days in UTC such as `2025-12-31`, both included.
    """
    query = pairs(since=since, until=until, limit=limit, cursor=cursor)
    return Ask(get(path("usage"), query), as_json(AllUsage))


def iter_all_usage(
    *, since: str | None = None, until: str | None = None, limit: int = PAGE
) -> Pages[Used]:
    """All sums of all sessions. `limit`: on a page."""
    return pages(get_all_usage(since=since, until=until, limit=limit), "usage", Used)


def get_timeline(
    session_id: str,
    *,
    limit: int | None = None,
    cursor: str | None = None,
    if_none_match: str | None = None,
) -> Ask[Timeline]:
    """A page of which agent worked when, why it was switched to, and what it used."""
    query = pairs(limit=limit, cursor=cursor)
    call = get(path("sessions", session_id, "timeline"), query, if_none_match=if_none_match)
    return Ask(call, as_json(Timeline))


def iter_timeline(session_id: str, *, limit: int = PAGE) -> Pages[Work]:
    """All stretches of a session. `limit`: on a page."""
    return pages(get_timeline(session_id, limit=limit), "work", Work)
