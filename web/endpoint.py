"""An endpoint is a function of the request: it can be called within Quart's contexts, or without.

::

    @api.get("/sessions/<session_id>")
    @as_view
    async def get_session(request: Request, session_id: str) -> Response: ...
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from quart import Request, Response, request

P = ParamSpec("P")

Endpoint = Callable[..., Awaitable[Response]]

_ATTRIBUTE = "_agent_runtime_endpoint"


def as_view(
    endpoint: Callable[Concatenate[Request, P], Awaitable[Response]],
) -> Callable[P, Awaitable[Response]]:
    """The endpoint as Quart calls it: the request comes from the context."""

    @wraps(endpoint)
    async def view(*args: P.args, **values: P.kwargs) -> Response:
        return await endpoint(current_request(), *args, **values)

    setattr(view, _ATTRIBUTE, endpoint)
    return view


def endpoint_of(view: Callable[..., Any]) -> Endpoint | None:
    """The function of which `as_view` made this view; `None` if the view is another one."""
    return getattr(view, _ATTRIBUTE, None)


def current_request() -> Request:
    """The request of Quart's present context; not the proxy that looks it up each time."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]
