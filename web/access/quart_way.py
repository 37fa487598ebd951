"""The rules for a request that Quart has made, and its hooks.

The rules know heads; here one is made of Quart's request, and Quart's response of their answer.
"""

from quart import Blueprint, Quart, Response
from quart import Request as QuartRequest
from quart.typing import ResponseTypes
from werkzeug.datastructures import Headers as QuartHeaders

from web.access.rules import Guard
from web.endpoint import current_request
from web.http.message import Headers, Request


class Unread:
    """A body that nobody here asks for."""

    announced = None

    async def receive(self) -> bytes:
        return b""


def refusal(guard: Guard, request: QuartRequest) -> Response | None:
    """What to answer in the endpoint's place, if anything: a refusal, or to a preflight."""
    answer = guard.check(_head(request))
    if answer is None:
        return None
    assert isinstance(answer.body, bytes), "the rules answer briefly"
    return Response(answer.body, answer.status, QuartHeaders(answer.headers))


def say_who_may_read(guard: Guard, request: QuartRequest, response: ResponseTypes) -> None:
    """Tells the browser, in the response's headers."""
    for name, value in guard.cors(_head(request)):
        # Vary may be there already, and then means both.
        (response.headers.add if name == "Vary" else response.headers.set)(name, value)


def install(guard: Guard, target: Quart | Blueprint) -> None:
    """Make `guard` the first to see every request of an app, or of a blueprint's own routes."""

    async def refuse() -> Response | None:
        return refusal(guard, current_request())

    async def tell(response: ResponseTypes) -> ResponseTypes:
        say_who_may_read(guard, current_request(), response)
        return response

    target.before_request_funcs.setdefault(None, []).insert(0, refuse)
    target.after_request(tell)


def _head(request: QuartRequest) -> Request:
    return Request(
        method=request.method,
        path=request.path,
        headers=Headers(request.headers.items()),
        body=Unread(),
    )
