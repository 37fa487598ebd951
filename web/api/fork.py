"""Forks: a new session that begins with another one's entries."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from quart import Blueprint, Request, Response

from runtime import Runtime
from web.body import json_response, read
from web.describe import describe
from web.endpoint import as_view
from web.paths import segment
from web.problems import write
from web.schemas import NewSessionId, SessionOut, Title
from web.tags import conditions, headers_of


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


def blueprint(runtime: Runtime) -> Blueprint:
    """The endpoint `/sessions/<session_id>/fork`."""
    api = Blueprint("fork", __name__)

    @api.post("/sessions/<session_id>/fork")
    @as_view
    @describe({200: SessionOut, 201: SessionOut}, body=ForkIn, problems=(400, 404, 409, 412))
    async def fork_session(request: Request, session_id: str) -> Response:
        """Makes a new session of this one's entries, with their numbers.

        200 instead of 201: this very fork was there already. The answer always waits for the disk,
        since it is there that the entries are copied.
        """
        session = runtime.session(session_id, nowait=True)
        wanted = await read(request, ForkIn)
        expected = conditions(request)
        await expected.check_present(session)
        target = wanted.session_id
        with write(repeatable=target is not None):
            summary = await session.fork(
                runtime.new_session_id() if target is None else target,
                at=wanted.at,
                title=wanted.title,
                metadata=wanted.metadata,
                if_match=expected.if_match,
            )
        sessions = request.path.rsplit("/", 2)[0]
        location = f"{request.root_path}{sessions}/{segment(summary.session_id)}"
        return json_response(
            SessionOut.of(summary),
            200 if summary.repeated else 201,
            {**headers_of(summary), "Location": location},
        )

    return api
