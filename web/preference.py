"""What a write asks for in its head: not to wait for the disk, and which state it expects.

`Prefer: respond-async` (RFC 7240) means something only where the service waits for the disk
otherwise; where it does not, the header changes nothing.
"""

from attrs import frozen
from quart import Request, Response

from runtime import Reply, Runtime
from web.body import json_response
from web.tags import Conditions, conditions, headers_of


@frozen
class Write:
    """How one write is to be made and answered."""

    durable: bool | None
    """For the runtime; `None`: as it is configured."""
    headers: dict[str, str]
    conditions: Conditions

    def status(self, confirmed: int) -> int:
        """202 for a write that is not confirmed, else `confirmed`."""
        return confirmed if self.durable is None else 202

    def answer(self, reply: Reply, body: object, status: int, **headers: str) -> Response:
        """The answer to this write; the state that the session is in now is in its head."""
        return json_response(body, status, {**headers_of(reply), **self.headers, **headers})


def written(request: Request, runtime: Runtime) -> Write:
    """What the request asks for. Raises `InvalidInput`."""
    wishes = ",".join(request.headers.getlist("Prefer")).lower().split(",")
    asynchronous = any(wish.split(";")[0].strip() == "respond-async" for wish in wishes)
    expected = conditions(request)
    if asynchronous and runtime.config.durability == "commit":
        return Write(False, {"Preference-Applied": "respond-async"}, expected)
    return Write(None, {}, expected)
