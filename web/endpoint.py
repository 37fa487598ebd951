"""An endpoint is a function of the request: it can be called within Quart's contexts, or without.

::

    @api.get("/sessions/<session_id>")
    @as_view
    @describe({200: SessionOut})
    async def get_session(request: Request, session_id: str) -> Response: ...

One that is described and has no `query` takes no query parameters: here they are refused, once for
all of them.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast

from quart import Request, Response, request

from web.body import unknown_parameter
from web.describe import operation_of

P = ParamSpec("P")

Endpoint = Callable[..., Awaitable[Response]]

_ATTRIBUTE = "_agent_runtime_endpoint"


def as_view(
    endpoint: Callable[Concatenate[Request, P], Awaitable[Response]],
) -> Callable[P, Awaitable[Response]]:
    """The endpoint as Quart calls it: the request comes from the context."""
    described = operation_of(endpoint)
    checked = endpoint
    if described is not None and described.query is None:
        checked = _without_query(endpoint)

    @wraps(endpoint)
    async def view(*args: P.args, **values: P.kwargs) -> Response:
        return await checked(current_request(), *args, **values)

    setattr(view, _ATTRIBUTE, checked)
    return view


def _without_query(
    endpoint: Callable[Concatenate[Request, P], Awaitable[Response]],
) -> Callable[Concatenate[Request, P], Awaitable[Response]]:
    async def checked(request: Request, /, *args: P.args, **values: P.kwargs) -> Response:
        if request.query_string:
            for name in request.args:
                raise unknown_parameter(name, ())
        return await endpoint(request, *args, **values)

    return checked


def endpoint_of(view: Callable[..., Any]) -> Endpoint | None:
    """The function of which `as_view` made this view; `None` if the view is another one."""
    return getattr(view, _ATTRIBUTE, None)


def current_request() -> Request:
    """The request of Quart's present context; not the proxy that looks it up each time."""
    return cast(Request, request._get_current_object())  # type: ignore[attr-defined]
