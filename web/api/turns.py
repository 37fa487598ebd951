"""Turns: who may write for a while, if those who write ask for it with `Turn`."""

from http import HTTPStatus
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import MAX_TTL, MIN_TTL, HeldTurn, InvalidInput, Stop
from web.api.entries import EntryOut
from web.call.body import read
from web.call.problems import write
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of
from web.call.types import Name, Reason, Timestamp
from web.call.write import written
from web.http.message import Request, Response

TurnNumber = Annotated[
    int, Meta(ge=1, description="Names the turn: what `Turn` sends with a write")
]
Ttl = Annotated[
    float, Meta(ge=MIN_TTL, le=MAX_TTL, description="Seconds, unless it is renewed before")
]


class TurnIn(Struct, forbid_unknown_fields=True):
    """Who takes a turn, or renews it, for how long."""

    holder: Name
    ttl: Ttl


class TurnEndIn(Struct, forbid_unknown_fields=True):
    """What came of a turn."""

    outcome: Reason | None = None


class CancelIn(Struct, forbid_unknown_fields=True):
    """Who asks a turn's holder to stop, and why."""

    by: Name | None = None
    reason: Reason | None = None


class CancelledBody(Struct, omit_defaults=True):
    """Who asked, and why."""

    by: Name | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET

    @classmethod
    def of(cls, stop: Stop) -> "CancelledBody":
        return cls(
            UNSET if stop.by is None else stop.by, UNSET if stop.reason is None else stop.reason
        )


class EndedBody(Struct):
    """What came of it."""

    outcome: Reason | UnsetType = UNSET


class TurnBody(Struct, omit_defaults=True):
    """A turn begins (`holder`, `ttl`), is asked to stop (`cancelled`), or ends (`ended`)."""

    turn: TurnNumber
    holder: Name | UnsetType = UNSET
    ttl: Ttl | UnsetType = UNSET
    cancelled: CancelledBody | UnsetType = UNSET
    ended: EndedBody | UnsetType = UNSET


class TurnEntry(EntryOut, tag="turn", kw_only=True):
    """Who holds the session from here on, is asked to stop, or does not hold it any more."""

    body: TurnBody


ENTRIES = (TurnEntry,)


class TurnOut(Struct, omit_defaults=True):
    """The turn that holds the session."""

    turn: TurnNumber
    holder: Name
    expires_at: Timestamp
    cancelled: (
        Annotated[CancelledBody, Meta(description="There if its holder is asked to stop")]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, held: HeldTurn) -> "TurnOut":
        return cls(
            held.number,
            held.holder,
            held.expires_at,
            UNSET if held.stop is None else CancelledBody.of(held.stop),
        )


async def take_turn(resources: Resources, request: Request, session_id: str) -> Response:
    """Takes a turn (201), or renews the one that this holder has (200).

    With `Turn`, it renews that one, or is refused. The answer always waits for the disk.
    """
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, TurnIn)
    asked = written(resources, request).confirmed()
    await asked.check_present(session)
    with write(repeatable=True):
        held = await session.turns.take(
            wanted.holder, ttl=wanted.ttl, turn=asked.turn, if_match=asked.if_match
        )
    return asked.answer(held, TurnOut.of(held), 201 if held.begun else 200)


async def get_turn(resources: Resources, _: Request, session_id: str) -> Response:
    """The turn that holds the session; 204 if none does."""
    held = await resources.runtime.session(session_id, nowait=True).turns.current()
    if held is None:
        return Response(HTTPStatus.NO_CONTENT)
    return json_answer(TurnOut.of(held), headers=headers_of(held))


async def end_turn(resources: Resources, request: Request, session_id: str) -> Response:
    """Ends the turn that `Turn` names, also when its time is over, unless there is a newer one.

    The answer always waits for the disk.
    """
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, TurnEndIn)
    asked = written(resources, request).confirmed()
    if asked.turn is None:
        raise InvalidInput("Turn: is missing in the head: the number of the turn that is to end")
    await asked.check_present(session)
    with write(repeatable=True):
        done = await session.turns.end(asked.turn, outcome=wanted.outcome, if_match=asked.if_match)
    return Response(HTTPStatus.NO_CONTENT, b"", headers_of(done))


async def cancel_turn(resources: Resources, request: Request, session_id: str) -> Response:
    """Asks the holder of the present turn to stop; the turn goes on until its holder ends it."""
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, CancelIn)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=True):
        held = await session.turns.cancel(
            by=wanted.by,
            reason=wanted.reason,
            durable=asked.durable,
            turn=asked.turn,
            if_match=asked.if_match,
        )
    return asked.answer(held, TurnOut.of(held), asked.status(200))


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/turn",
        take_turn,
        {200: TurnOut, 201: TurnOut},
        body=TurnIn,
        problems=(409, 412),
    ),
    Route("GET", "/sessions/<session_id>/turn", get_turn, {200: TurnOut, 204: None}),
    Route(
        "DELETE",
        "/sessions/<session_id>/turn",
        end_turn,
        {204: None},
        body=TurnEndIn,
        problems=(412,),
        heads=("Turn",),
    ),
    Route(
        "POST",
        "/sessions/<session_id>/turn/cancel",
        cancel_turn,
        {200: TurnOut, 202: TurnOut},
        body=CancelIn,
        problems=(409, 412),
    ),
)
