"""Approvals: what somebody is asked, and what was answered, once."""

import math
from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import Json
from web.clients.calls.terms import USUAL, Terms, as_json, get, pairs, path, post
from web.clients.core.call import USUAL_SILENCE, Ask, Pages, Steps

WAIT = 30.0
"""Seconds of one call that waits: well below what proxies bear."""


class Approval(TypedDict):
    """A question, and its answer if there is one."""

    session_id: str
    id: str
    title: str
    state: str
    """`pending`, `approved`, `denied` or `expired`."""
    asked_at: str
    seq: int
    detail: NotRequired[Json]
    expires_at: NotRequired[str]
    by: NotRequired[str]
    note: NotRequired[str]
    decided_at: NotRequired[str]


class ApprovalPage(TypedDict):
    """Questions and answers, in the order in which they were asked."""

    approvals: list[Approval]
    next_cursor: NotRequired[str]


def ask_approval(
    session_id: str,
    id: str,  # noqa: A002 -- the API's own name
    title: str,
    *,
    detail: Json = None,
    expires_in: float | None = None,
    terms: Terms = USUAL,
) -> Ask[Approval]:
    """Asks somebody; what was asked before under this id is answered as things are.

    `title`: in a line. `detail`: what is to be known for it. `expires_in`: seconds.
    """
    said = {"id": id, "title": title, "detail": detail, "expires_in": expires_in}
    call = post(path("sessions", session_id, "approvals"), said, terms=terms)
    return Ask(call, as_json(Approval))


def list_approvals(
    session_id: str,
    *,
    state: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Ask[ApprovalPage]:
    """A page of a session's approvals, those first that were asked for first."""
    query = pairs(state=state, limit=limit, cursor=cursor)
    return Ask(get(path("sessions", session_id, "approvals"), query), as_json(ApprovalPage))


def iter_approvals(
    session_id: str, *, state: str | None = None, limit: int = PAGE
) -> Pages[Approval]:
    """All of a session's approvals (in one state). `limit`: on a page."""
    return pages(list_approvals(session_id, state=state, limit=limit), "approvals", Approval)


def get_approval(session_id: str, approval_id: str, *, wait: float = 0) -> Ask[Approval]:
    """An approval; with `wait`, to 60, when it is pending no more, or so many seconds later."""
    call = get(
        path("sessions", session_id, "approvals", approval_id),
        pairs(wait=wait or None),
        silence=USUAL_SILENCE + wait,
    )
    return Ask(call, as_json(Approval))


def wait_approval(
    session_id: str, approval_id: str, *, timeout: float = math.inf
) -> Steps[Approval]:
    """An approval, when it is pending no more; as it is then, if that takes longer.

    `timeout`: seconds.
    """
    while True:
        wait = min(timeout, WAIT)
        approval: Approval = yield get_approval(session_id, approval_id, wait=wait)
        timeout -= wait
        if approval["state"] != "pending" or timeout <= 0:
            return approval


def decide_approval(
    session_id: str,
    approval_id: str,
    decision: str,
    *,
    by: str | None = None,
    note: str | None = None,
    terms: Terms = USUAL,
) -> Ask[Approval]:
    """Answers an approval, `approved` or `denied`, once: another answer is a `Conflict`."""
    said = {"decision": decision, "by": by, "note": note}
    where = path("sessions", session_id, "approvals", approval_id, "decision")
    return Ask(post(where, said, terms=terms), as_json(Approval))


def list_pending(*, limit: int | None = None, cursor: str | None = None) -> Ask[ApprovalPage]:
    """A page of what is pending in all sessions, session by session."""
    return Ask(get(path("approvals"), pairs(limit=limit, cursor=cursor)), as_json(ApprovalPage))


def iter_pending(*, limit: int = PAGE) -> Pages[Approval]:
    """All that is pending in all sessions. `limit`: on a page."""
    return pages(list_pending(limit=limit), "approvals", Approval)
