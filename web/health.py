"""`/health` and `/metrics`: how the service is, for people and for machines."""

from msgspec import UNSET
from quart import Blueprint, Request, Response

from runtime import Runtime
from web.body import json_response
from web.describe import describe
from web.endpoint import as_view
from web.metrics import Metrics
from web.schemas import HealthOut


def health_blueprint(runtime: Runtime, metrics: Metrics) -> Blueprint:
    """`/health` and `/metrics`."""
    api = Blueprint("health", __name__)

    @api.get("/health")
    @as_view
    @describe({200: HealthOut, 503: HealthOut})
    async def health(_: Request) -> Response:
        """Healthy, or degraded since when; 503 when writes cannot be taken."""
        statistics = runtime.statistics()
        persister = statistics.persister
        writable = runtime.accepts_writes
        degraded = persister.failing_since is not None or not writable
        return json_response(
            HealthOut(
                status="degraded" if degraded else "healthy",
                durability=runtime.config.durability,
                active_sessions=statistics.directory.active_sessions,
                dirty_sessions=persister.dirty_sessions,
                failing_since=persister.failing_since or UNSET,
                reason=_reason(persister.last_error, writable=writable) or UNSET,
            ),
            200 if writable else 503,
        )

    @api.get("/metrics")
    @as_view
    async def prometheus(_: Request) -> Response:
        """Everything that is counted, in Prometheus's text format."""
        return Response(metrics.render(), content_type=metrics.content_type)

    return api


def _reason(last_error: str | None, *, writable: bool) -> str | None:
    if last_error is not None:
        return "the store fails; nothing accepted is lost, and it is tried again"
    return None if writable else "too much waits for the store, or the service is shutting down"
