"""What an operator asks for."""

from datetime import timedelta
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from web.call.body import read
from web.call.problems import write
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.http.message import Request, Response


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


async def cleanup(resources: Resources, request: Request) -> Response:
    """Puts the sessions into the trash whose last activity is longer ago."""
    wanted = await read(resources, request, CleanupIn)
    with write(repeatable=True):
        found = await resources.runtime.cleanup(
            timedelta(hours=wanted.max_age_hours), dry_run=wanted.dry_run
        )
    return json_answer(CleanupOut(0, found) if wanted.dry_run else CleanupOut(found))


ROUTES = (
    Route(
        "POST",
        "/maintenance/cleanup",
        cleanup,
        {200: CleanupOut},
        body=CleanupIn,
        everywhere="summed",
    ),
)
