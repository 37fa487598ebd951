"""A request whose endpoint is known, and which may have to be asked elsewhere.

Whether a session is here is known for certain only when the runtime is asked, which may be behind
the body. So that is kept while it is read, and can be read again.
"""

from collections.abc import Awaitable, Sequence

from attrs import define, evolve, field, frozen

from web.call.body import received
from web.call.resources import Resources
from web.call.route import Route
from web.http.message import Body, Request, Response

READS = frozenset({"GET", "HEAD"})
"""Methods that have no body here, and no effect: they can be sent again."""


@define(eq=False)
class KeptBody:
    """A body that can be read again from its beginning, whatever has been read of it."""

    _source: Body
    _kept: list[bytes] = field(factory=list, init=False)
    _next: int = field(default=0, init=False)
    """Of what is kept, the piece that is to be read next."""

    @property
    def announced(self) -> int | None:
        """Bytes, as the head says; `None`: it does not say."""
        return self._source.announced

    async def receive(self) -> bytes:
        """The next piece; `b""` at the end. Raises `ClientGone`."""
        if self._next == len(self._kept):
            piece = await self._source.receive()
            if not piece:
                return b""
            self._kept.append(piece)
        self._next += 1
        return self._kept[self._next - 1]

    def rewind(self) -> None:
        """Begin again."""
        self._next = 0


@frozen(eq=False, kw_only=True)
class Call:
    """One request."""

    resources: Resources
    request: Request
    route: Route
    session_id: str | None
    """That its path names."""
    _captured: Sequence[str]
    """From its path."""
    _body: KeptBody | None

    @classmethod
    def of(
        cls,
        resources: Resources,
        request: Request,
        route: Route,
        captured: Sequence[str],
        session_at: int | None,
    ) -> "Call":
        """Of the request as it came; what is asked from then on is the call's own."""
        body = None
        if request.method not in READS:
            body = KeptBody(request.body)
            request = evolve(request, body=body)
        return cls(
            resources=resources,
            request=request,
            route=route,
            session_id=None if session_at is None else captured[session_at],
            captured=captured,
            body=body,
        )

    @property
    def is_read(self) -> bool:
        """Whether it has no effect."""
        return self._body is None

    def here(self) -> Awaitable[Response]:
        """What this node's endpoint answers. Raises as that does."""
        if self._body is not None:
            self._body.rewind()
        return self.route.endpoint(self.resources, self.request, *self._captured)

    async def body(self) -> bytes | None:
        """The whole body, `None` of a read. Raises as `received` does."""
        if self._body is None:
            return None
        self._body.rewind()
        return await received(self.resources, self.request)
