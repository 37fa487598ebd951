"""One row of the table of routes: a call, the endpoint that answers it, and what both say.

An endpoint is a function of the service, the request, and what its path captures::

    async def get_session(service: Service, request: Request, session_id: str) -> Response:
        '''A session's header: all of it but what was said.'''

    ROUTES = (
        Route("GET", "/sessions/<session_id>", get_session, {200: SessionOut, 304: None}),
    )

Its name is the call's `operationId` in the OpenAPI document, its docstring the description.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from attrs import field, frozen
from msgspec import Struct

from web.http.message import Response

Endpoint = Callable[..., Awaitable[Response]]


@frozen
class Route:
    """What is called by one method at one path.

    A class here is a Struct, a union of them, or a function that makes one: that is called when
    all files have been found, for a class that is made of what they hold.
    """

    method: str
    path: str
    """`<name>` is one segment, and goes to the endpoint as its argument."""
    endpoint: Endpoint
    answers: Mapping[int, Any] = field(factory=dict)
    """The class of each status's body, `None`: it has none. Without any, the call is left out of
    the OpenAPI document."""
    body: Any = field(default=None, kw_only=True)
    query: type[Struct] | None = field(default=None, kw_only=True)
    """`None`: the call takes no parameters, and each is refused."""
    problems: Sequence[int] = field(default=(), kw_only=True)
    """The statuses beside what goes without saying: 400, and 404 where the path names something."""
    is_stream: bool = field(default=False, kw_only=True)
    """Whether it is answered with Server-Sent Events. The class for 200 is that of their data."""
    has_names: bool = field(default=True, kw_only=True)
    """Whether these events have names; else the data says what each is."""
    done: str | None = field(default=None, kw_only=True)
    """The data of the last of these events, where that is no JSON."""
    is_lines: bool = field(default=False, kw_only=True)
    """Whether its body, or its answer where it takes none, is JSON lines. The class is that of a
    line."""
    heads: Sequence[str] = field(default=(), kw_only=True)
    """The fields of a request's head that it cannot be called without."""
    outside: Literal["too", "only"] | None = field(default=None, kw_only=True)
    """Whether it is called outside of the prefix too, where monitoring looks; or only there, as
    what others have decided about: their paths are not ours to version."""
    everywhere: Literal["summed", "merged"] | None = field(default=None, kw_only=True)
    """Where many nodes share a store, and each has a part of the answer: how those become one, see
    `web.nodes`. `None`: one node has all of it."""
