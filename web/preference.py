"""`Prefer: respond-async` (RFC 7240): a write that need not wait for the disk.

Only where the service waits for it otherwise; where it does not, the header changes nothing.
"""

from attrs import frozen
from quart import Request

from runtime import Runtime


@frozen
class Write:
    """How one write is to be made and answered."""

    durable: bool | None
    """For the runtime; `None`: as it is configured."""
    headers: dict[str, str]

    def status(self, confirmed: int) -> int:
        """202 for a write that is not confirmed, else `confirmed`."""
        return confirmed if self.durable is None else 202


def written(request: Request, runtime: Runtime) -> Write:
    """What the request prefers."""
    wishes = ",".join(request.headers.getlist("Prefer")).lower().split(",")
    asynchronous = any(wish.split(";")[0].strip() == "respond-async" for wish in wishes)
    if asynchronous and runtime.config.durability == "commit":
        return Write(False, {"Preference-Applied": "respond-async"})
    return Write(None, {})
