"""The trash: what was deleted, how it comes back, and how it goes for good."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import TrashedSession, TrashPage, TrashPosition, trash_id_of
from web.api.listing import SessionInfoOut
from web.api.sessions import SessionOut
from web.call.body import read
from web.call.problems import write
from web.call.query import from_cursor, query, to_cursor
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of
from web.call.types import DEFAULT_LIMIT, Cursor, Limit, NewSessionId, Timestamp, TrashId
from web.call.write import written
from web.http.message import Request, Response

_Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""What a store can look for."""


class TrashQuery(Struct):
    """Which part of the trash."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | None = None


class UndeleteIn(Struct, forbid_unknown_fields=True):
    """What is to come back, and as what; everything can be left out."""

    trash_id: Annotated[TrashId, Meta(description="The newest of this id, if absent")] | None = None
    session_id: Annotated[NewSessionId, Meta(description="As what; its own, if absent")] | None = (
        None
    )


class TrashedOut(SessionInfoOut, kw_only=True, omit_defaults=True):
    """A deleted session."""

    trash_id: TrashId
    deleted_at: Timestamp

    @classmethod
    def of_trashed(cls, trashed: TrashedSession) -> "TrashedOut":
        info = trashed.info
        return cls(
            info.session_id,
            info.message_count,
            info.last_activity,
            info.current_agent,
            title=UNSET if info.title is None else info.title,
            created_at=info.created_at,
            version=info.version,
            trash_id=trash_id_of(trashed),
            deleted_at=trashed.deleted_at,
        )


class TrashOut(Struct, omit_defaults=True):
    """Deleted sessions, what was deleted last first."""

    sessions: list[TrashedOut]
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: TrashPage) -> "TrashOut":
        return cls(
            [TrashedOut.of_trashed(trashed) for trashed in page.sessions],
            UNSET if page.next is None else to_cursor([page.next.deleted_at, page.next.no]),
        )


async def get_trash(resources: Resources, request: Request) -> Response:
    """What was deleted and can come back."""
    part = query(request, TrashQuery)
    page = await resources.runtime.trash(limit=part.limit, after=_position(part.cursor))
    return json_answer(TrashOut.of(page))


async def undelete_session(resources: Resources, request: Request, session_id: str) -> Response:
    """Brings a session back from the trash, the one that was deleted last; it is no activity.

    The answer always waits for the disk.
    """
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, UndeleteIn)
    written(resources, request).check_absent(wanted.session_id or session_id)
    with write(repeatable=True):
        summary = await session.undelete(trash_id=wanted.trash_id, as_id=wanted.session_id)
    return json_answer(SessionOut.of(summary), headers=headers_of(summary))


async def purge_trashed(resources: Resources, _: Request, trash_id: str) -> Response:
    """Deletes for good what is in the trash."""
    with write(repeatable=True):
        await resources.runtime.purge_trashed(trash_id)
    return Response(204)


ROUTES = (
    Route("GET", "/trash", get_trash, {200: TrashOut}, query=TrashQuery),
    Route(
        "POST",
        "/sessions/<session_id>/undelete",
        undelete_session,
        {200: SessionOut},
        body=UndeleteIn,
        problems=(409, 412),
    ),
    Route("DELETE", "/trash/<trash_id>", purge_trashed, {204: None}),
)


def _position(cursor: str | None) -> TrashPosition | None:
    if cursor is None:
        return None
    return TrashPosition(*from_cursor(cursor, tuple[str, _Number]))
