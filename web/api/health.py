"""`/health` and `/metrics`: how the service is, for people and for machines."""

from importlib import import_module
from typing import Literal

import trio
from msgspec import UNSET, Struct, UnsetType

from runtime import Durability
from web.call.rendering import json_answer
from web.call.resources import Resources
from web.call.route import Route
from web.call.types import Timestamp
from web.http.message import Request, Response


class HealthOut(Struct, omit_defaults=True):
    """How the service is."""

    status: Literal["healthy", "degraded", "leaving"]
    durability: Durability
    active_sessions: int
    dirty_sessions: int
    failing_since: Timestamp | UnsetType = UNSET
    reason: str | UnsetType = UNSET


async def health(resources: Resources, _: Request) -> Response:
    """Healthy, or degraded since when; 503 when writes cannot be taken.

    `leaving`, with 503: other nodes go on with all that this one has had. It still answers, but a
    proxy is to send it nothing new.
    """
    runtime = resources.runtime
    statistics = runtime.statistics()
    persister = statistics.persister
    writable = runtime.accepts_writes
    leaving = any(node.is_self and node.is_leaving for node in runtime.nodes())
    degraded = persister.failing_since is not None or not writable
    return json_answer(
        HealthOut(
            status="leaving" if leaving else "degraded" if degraded else "healthy",
            durability=runtime.config.durability,
            active_sessions=statistics.directory.active_sessions,
            dirty_sessions=persister.dirty_sessions,
            failing_since=persister.failing_since or UNSET,
            reason=_reason(persister.last_error, writable=writable) or UNSET,
        ),
        200 if writable and not leaving else 503,
    )


async def prometheus(resources: Resources, _: Request) -> Response:
    """Everything that is counted, in Prometheus's text format."""
    # Not in the loop: the first import would hold it up.
    exposition = await trio.to_thread.run_sync(import_module, "web.exposition")
    body = exposition.rendered(resources.metrics)
    return Response(200, body, (("Content-Type", exposition.CONTENT_TYPE),))


ROUTES = (
    Route("GET", "/health", health, {200: HealthOut, 503: HealthOut}, outside="too"),
    Route("GET", "/metrics", prometheus, outside="too"),
)


def _reason(last_error: str | None, *, writable: bool) -> str | None:
    if last_error is not None:
        return "the store fails; nothing accepted is lost, and it is tried again"
    return None if writable else "too much waits for the store, or the service is shutting down"
