"""What an operator asks for."""

from datetime import timedelta
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from quart import Blueprint, Request, Response

from runtime import Runtime
from web.body import json_response, read
from web.describe import describe
from web.endpoint import as_view
from web.problems import write


class CleanupIn(Struct, forbid_unknown_fields=True):
    """Which sessions are to go; everything can be left out."""

    max_age_hours: Annotated[
        float, Meta(gt=0, le=10_000_000, description="Hours since the last activity")
    ] = 24
    dry_run: Annotated[bool, Meta(description="Only say how many those are")] = False


class CleanupOut(Struct, omit_defaults=True):
    """How many sessions went into the trash, or, of a dry run, would go."""

    deleted: int
    would_delete: int | UnsetType = UNSET


def blueprint(runtime: Runtime) -> Blueprint:
    """The endpoints under `/maintenance`."""
    api = Blueprint("maintenance", __name__)

    @api.post("/maintenance/cleanup")
    @as_view
    @describe({200: CleanupOut}, body=CleanupIn, problems=(400,))
    async def cleanup(request: Request) -> Response:
        """Puts the sessions into the trash whose last activity is longer ago."""
        wanted = await read(request, CleanupIn)
        with write(repeatable=True):
            found = await runtime.cleanup(
                timedelta(hours=wanted.max_age_hours), dry_run=wanted.dry_run
            )
        return json_response(CleanupOut(0, found) if wanted.dry_run else CleanupOut(found))

    return api
