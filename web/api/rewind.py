"""Rewinds: going back to what counted at an earlier version, and forward again."""

from typing import Annotated

from msgspec import Meta, Struct
from quart import Blueprint, Request, Response

from runtime import Runtime
from web.api.entries import EntryIn, EntryOut
from web.body import read
from web.describe import describe
from web.endpoint import as_view
from web.preference import written
from web.problems import write
from web.schemas import CallId, SessionOut

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


def blueprint(runtime: Runtime) -> Blueprint:
    """The endpoint `/sessions/<session_id>/rewind`."""
    api = Blueprint("rewind", __name__)

    @api.post("/sessions/<session_id>/rewind")
    @as_view
    @describe({200: SessionOut, 202: SessionOut}, body=RewindIn, problems=(400, 404, 409, 412))
    async def rewind(request: Request, session_id: str) -> Response:
        """Lets count again what counted at a version: back, or forward; nothing is lost."""
        session = runtime.session(session_id, nowait=True)
        wanted = await read(request, RewindIn)
        asked = written(request, runtime)
        await asked.conditions.check_present(session)
        with write(repeatable=wanted.id is not None):
            summary = await session.rewind(
                wanted.to,
                id=wanted.id,
                durable=asked.durable,
                if_match=asked.conditions.if_match,
            )
        return asked.answer(summary, SessionOut.of(summary), asked.status(200))

    return api
