"""What an endpoint is given beside its request."""

from attrs import frozen

from runtime import Runtime
from web.call.bodies import Bodies
from web.call.stream import Streams
from web.metrics import Metrics


@frozen(kw_only=True)
class Resources:
    """What all requests of one runtime share."""

    runtime: Runtime
    metrics: Metrics
    body_limit: int
    """Bytes of one body."""
    bodies: Bodies
    """Of all requests in flight."""
    streams: Streams
