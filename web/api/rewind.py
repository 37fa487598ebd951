"""Rewinds: going back to what counted at an earlier version, and forward again."""

from typing import Annotated

from msgspec import Meta, Struct

from web.api.entries import EntryIn, EntryOut
from web.api.sessions import SessionOut
from web.call.body import read
from web.call.problems import write
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import CallId
from web.call.write import written
from web.http.message import Request, Response

Goal = Annotated[int, Meta(ge=0, description="A version: the number of an entry, or 0")]


class RewindBody(Struct, forbid_unknown_fields=True):
    """Which version to go to: what counted then counts again."""

    to: Goal


class RewindEntry(EntryOut, tag="rewind", kw_only=True):
    """What counted at an earlier version counts again from here on."""

    body: RewindBody


class RewindEntryIn(EntryIn, tag="rewind", kw_only=True):
    """Go back, or forward, to what counted at a version."""

    body: RewindBody


ENTRIES = (RewindEntry,)
ENTRIES_IN = (RewindEntryIn,)


class RewindIn(Struct, forbid_unknown_fields=True):
    """Where to go."""

    to: Goal
    id: CallId | None = None


async def rewind(resources: Resources, request: Request, session_id: str) -> Response:
    """Lets count again what counted at a version: back, or forward; nothing is lost."""
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, RewindIn)
    asked = written(resources, request)
    await asked.check_present(session)
    with write(repeatable=wanted.id is not None):
        summary = await session.rewind(
            wanted.to, id=wanted.id, durable=asked.durable, if_match=asked.if_match, turn=asked.turn
        )
    return asked.answer(summary, SessionOut.of(summary), asked.status(200))


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/rewind",
        rewind,
        {200: SessionOut, 202: SessionOut},
        body=RewindIn,
        problems=(409, 412),
    ),
)
