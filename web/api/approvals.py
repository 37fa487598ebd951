"""Approvals: what somebody is asked, and what was answered, once."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import (
    MAX_EXPIRES_IN,
    MAX_TITLE,
    MIN_EXPIRES_IN,
    Approval,
    ApprovalPage,
    ApprovalState,
    Decision,
    InvalidInput,
    PendingPage,
    PendingPosition,
)
from web.api.entries import EntryOut
from web.call.body import read
from web.call.paths import segment
from web.call.problems import write
from web.call.query import from_cursor, query, to_cursor
from web.call.rendering import encode, encoded_answer, json_answer, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of
from web.call.types import DEFAULT_LIMIT, Cursor, Limit, Name, Reason, Seq, SessionId, Timestamp
from web.call.write import written
from web.http.message import Request, Response

ApprovalId = Annotated[
    str, Meta(min_length=1, max_length=256, description="The client's own id: asked again, no more")
]
Question = Annotated[
    str, Meta(min_length=1, max_length=MAX_TITLE, description="What somebody is asked, in a line")
]
Detail = Annotated[Any, Meta(description="What is to be known for it, as any JSON, to 64 KiB")]
ExpiresIn = Annotated[
    float,
    Meta(ge=MIN_EXPIRES_IN, le=MAX_EXPIRES_IN, description="Seconds; it waits for ever, if absent"),
]

MAX_WAIT = 60
"""Seconds: less than proxies wait for an answer. Whoever waits longer asks again."""

_Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class ApprovalBody(Struct, omit_defaults=True):
    """A question."""

    title: Question
    detail: Detail = UNSET
    expires_in: ExpiresIn | UnsetType = UNSET


class ApprovalEntry(EntryOut, tag="approval", kw_only=True):
    """Somebody is asked; the key is the approval's id."""

    body: ApprovalBody


class DecisionBody(Struct, omit_defaults=True):
    """An answer."""

    decision: Decision
    by: Name | UnsetType = UNSET
    note: Reason | UnsetType = UNSET


class DecisionEntry(EntryOut, tag="decision", kw_only=True):
    """Somebody has answered; the key is the approval's id."""

    body: DecisionBody


ENTRIES = (ApprovalEntry, DecisionEntry)


class ApprovalIn(Struct, forbid_unknown_fields=True):
    """What somebody is to be asked."""

    id: ApprovalId
    title: Question
    detail: Detail = None
    expires_in: ExpiresIn | None = None


class DecisionIn(Struct, forbid_unknown_fields=True):
    """What is answered."""

    decision: Decision
    by: Name | None = None
    note: Reason | None = None


class ApprovalOut(Struct, omit_defaults=True):
    """A question, and its answer if there is one."""

    session_id: SessionId
    id: ApprovalId
    title: Question
    state: ApprovalState
    asked_at: Timestamp
    seq: Seq
    detail: Detail = UNSET
    expires_at: Timestamp | UnsetType = UNSET
    by: Name | UnsetType = UNSET
    note: Reason | UnsetType = UNSET
    decided_at: Timestamp | UnsetType = UNSET

    @classmethod
    def of(cls, approval: Approval) -> "ApprovalOut":
        found = cls(
            approval.session_id,
            approval.id,
            approval.title,
            approval.state,
            approval.asked_at,
            approval.seq,
        )
        if approval.detail is not None:
            found.detail = Raw(approval.detail)
        for name in ("expires_at", "by", "note", "decided_at"):
            if (value := getattr(approval, name)) is not None:
                setattr(found, name, value)
        return found


class ApprovalsOut(Struct, omit_defaults=True):
    """Questions and answers, in the order in which they were asked."""

    approvals: list[ApprovalOut]
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: ApprovalPage) -> "ApprovalsOut":
        return cls(
            [ApprovalOut.of(approval) for approval in page.approvals],
            UNSET if page.next is None else to_cursor([page.next]),
        )

    @classmethod
    def of_all(cls, page: PendingPage) -> "ApprovalsOut":
        place = page.next
        return cls(
            [ApprovalOut.of(approval) for approval in page.approvals],
            UNSET if place is None else to_cursor([place.no, place.seq]),
        )


class ApprovalsQuery(Struct):
    """Which of a session's approvals."""

    state: Annotated[ApprovalState, Meta(description="Only those; all, if absent")] | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class PendingQuery(Struct):
    """Which part of all that is pending."""

    state: Annotated[str, Meta(extra_json_schema={"enum": ["pending"]})] = "pending"
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class WaitQuery(Struct):
    """For how long to wait for an answer."""

    wait: Annotated[float, Meta(ge=0, le=MAX_WAIT, description="Seconds, while it is pending")] = 0


async def ask_approval(resources: Resources, request: Request, session_id: str) -> Response:
    """Asks somebody; 200 if that was asked before, answered as things are."""
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, ApprovalIn)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=True):
        approval = await session.approvals.ask(
            wanted.id,
            wanted.title,
            detail=wanted.detail,
            expires_in=wanted.expires_in,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    status = 200 if approval.repeated else asked.status(201)
    location = f"{request.root}{request.path}/{segment(approval.id)}"
    return asked.answer(approval, ApprovalOut.of(approval), status, (("Location", location),))


async def list_approvals(resources: Resources, request: Request, session_id: str) -> Response:
    """A session's approvals, those first that were asked for first.

    A page of one state may be short, or empty, and have a `next_cursor` all the same.
    """
    part = query(request, ApprovalsQuery)
    after = 0 if part.cursor is None else from_cursor(part.cursor, tuple[_Number])[0]
    page = await resources.runtime.session(session_id, nowait=True).approvals.list(
        state=part.state, limit=part.limit, after=after
    )
    size = sum(len(approval.detail or b"") for approval in page.approvals)
    return encoded_answer(await made(size, lambda: encode(ApprovalsOut.of(page))), headers_of(page))


async def get_approval(
    resources: Resources, request: Request, session_id: str, approval_id: str
) -> Response:
    """An approval; with `wait`, when it is pending no more, or so many seconds later."""
    wait = query(request, WaitQuery).wait
    session = resources.runtime.session(session_id, nowait=True)
    approval = await session.approvals.get(approval_id, wait=wait)
    return json_answer(ApprovalOut.of(approval), headers=headers_of(approval))


async def decide_approval(
    resources: Resources, request: Request, session_id: str, approval_id: str
) -> Response:
    """Answers an approval, once: the same answer again has no effect, another one is refused."""
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, DecisionIn)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=True):
        approval = await session.approvals.decide(
            approval_id,
            wanted.decision,
            by=wanted.by,
            note=wanted.note,
            durable=asked.durable,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    status = 200 if approval.repeated else asked.status(200)
    return asked.answer(approval, ApprovalOut.of(approval), status)


async def list_pending(resources: Resources, request: Request) -> Response:
    """What is pending in all sessions, session by session."""
    part = query(request, PendingQuery)
    if part.state != "pending":
        raise InvalidInput(
            "state: of all sessions only what is pending can be listed; what was answered, or has "
            "expired, is in the list of its session"
        )
    after = None
    if part.cursor is not None:
        after = PendingPosition(*from_cursor(part.cursor, tuple[_Number, _Number]))
    page = await resources.runtime.approvals(limit=part.limit, after=after)
    size = sum(len(approval.detail or b"") for approval in page.approvals)
    return encoded_answer(await made(size, lambda: encode(ApprovalsOut.of_all(page))))


ROUTES = (
    Route("GET", "/approvals", list_pending, {200: ApprovalsOut}, query=PendingQuery),
    Route(
        "POST",
        "/sessions/<session_id>/approvals",
        ask_approval,
        {200: ApprovalOut, 201: ApprovalOut, 202: ApprovalOut},
        body=ApprovalIn,
        problems=(409, 412),
    ),
    Route(
        "GET",
        "/sessions/<session_id>/approvals",
        list_approvals,
        {200: ApprovalsOut},
        query=ApprovalsQuery,
    ),
    Route(
        "GET",
        "/sessions/<session_id>/approvals/<approval_id>",
        get_approval,
        {200: ApprovalOut},
        query=WaitQuery,
    ),
    Route(
        "POST",
        "/sessions/<session_id>/approvals/<approval_id>/decision",
        decide_approval,
        {200: ApprovalOut, 202: ApprovalOut},
        body=DecisionIn,
        problems=(409, 412),
    ),
)
