"""Forks: a new session that begins with another one's entries."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from web.api.sessions import SessionOut
from web.call.body import read
from web.call.paths import segment
from web.call.problems import write
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of
from web.call.types import NewSessionId, Title
from web.call.write import written
from web.http.message import Request, Response


class ForkIn(Struct, forbid_unknown_fields=True):
    """What the fork is to be; everything can be left out."""

    session_id: Annotated[NewSessionId, Meta(description="A new one, if absent")] | None = None
    at: Annotated[int, Meta(ge=1, description="Entries up to this one; all, if absent")] | None = (
        None
    )
    title: Title | None = None
    metadata: (
        Annotated[dict[str, Any], Meta(description="Merged into the original's metadata")] | None
    ) = None


async def fork_session(resources: Resources, request: Request, session_id: str) -> Response:
    """Makes a new session of this one's entries, with their numbers.

    200 instead of 201: this very fork was there already. The answer always waits for the disk,
    since it is there that the entries are copied.
    """
    session = resources.runtime.session(session_id, nowait=True)
    wanted = await read(resources, request, ForkIn)
    asked = written(resources, request)
    await asked.check_present(session)
    target = wanted.session_id
    with write(repeatable=target is not None):
        summary = await session.fork(
            resources.runtime.new_session_id() if target is None else target,
            at=wanted.at,
            title=wanted.title,
            metadata=wanted.metadata,
            if_match=asked.if_match,
            turn=asked.turn,
        )
    sessions = request.path.rsplit("/", 2)[0]
    location = f"{request.root}{sessions}/{segment(summary.session_id)}"
    return json_answer(
        SessionOut.of(summary),
        200 if summary.repeated else 201,
        (*headers_of(summary), ("Location", location)),
    )


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/fork",
        fork_session,
        {200: SessionOut, 201: SessionOut},
        body=ForkIn,
        problems=(409, 412),
    ),
)
