"""One dispatch for all hosts: who may come in, what is called, what went wrong, what is counted.

Each happens here, once, whatever server the request came through.
"""

from collections.abc import Awaitable, Sequence
from http import HTTPStatus

from attrs import evolve

from runtime import Runtime
from web.access.rules import Guard
from web.api.routes import METHODS, Place, whole_table
from web.call.bodies import Bodies
from web.call.paths import said
from web.call.problems import problem_of
from web.call.query import no_query
from web.call.resources import Resources
from web.call.stream import Streams
from web.console import files
from web.http.message import ClientGone, Request, Response
from web.http.problem import problem
from web.metrics import Metrics
from web.nodes.call import Call
from web.nodes.forwarding import Forwarding
from web.nodes.hop import Hop
from web.tracing.spans import Spans

UNMATCHED = "unmatched"
"""The route of what no row of the table answers: a label for each path would grow without end."""


class Api:
    """All calls of one service."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        rules: Guard | None = None,
        metrics: Metrics | None = None,
        spans: Spans | None = None,
        streams: int | None = None,
        forwarding: Forwarding | None = None,
    ) -> None:
        """`rules`: who may come in; `None`: whoever is around decides that.

        `forwarding`: what asks the other nodes that share the store; `None`: nobody is asked, and
        what is not here is answered 503.
        `streams`: how many there may be at one time; `None`: whoever is around decides that, too.
        `spans`: where each request is one; `None`: nobody collects them.
        """
        limits = Guard() if rules is None else rules
        self.table = whole_table()
        # The page asks for the token itself, so it must come in without.
        self.rules = (
            None if rules is None else evolve(rules, open_paths=rules.open_paths | files.PATHS)
        )
        self._page = files.Page()
        self._spans = spans
        self._forwarding = forwarding
        self.resources = Resources(
            runtime=runtime,
            metrics=Metrics(runtime) if metrics is None else metrics,
            body_limit=limits.body_limit,
            bodies=Bodies(max(limits.bodies_limit, limits.body_limit)),
            streams=Streams(streams),
        )

    def answer(self, request: Request) -> Awaitable[Response | None]:
        """The answer, also to what fails; `None`: it is no call, and no file of the page.

        Then the request may come in, and whoever answers it says so with `told`. Raises
        `ClientGone`.
        """
        if self._spans is None:
            return self._answer(request)
        return self._spans.request(request, self._answer)

    async def _answer(self, request: Request) -> Response | None:
        place, values = self.table.find(request.path)
        hop = None
        try:
            if self._forwarding is not None:
                hop = self._forwarding.hop(request)
            response = self.refusal(request) if hop is None else None
            if response is None and place is not None:
                response = await self._called(place, values, request, hop)
            elif response is None and request.path in files.PATHS:
                response = await self._shown(request)
        except ClientGone:
            raise
        except Exception as error:
            response = problem_of(error)
        if response is None:
            response = _outside(request)
            if response is None:
                return None
        headers = self.told(request, response.status, place)
        if headers and hop is None:  # what browsers are told is the entry's to say
            return Response(
                response.status,
                response.body,
                (*response.headers, *headers),
                response.is_endless,
            )
        return response

    def refusal(self, request: Request) -> Response | None:
        """What is answered to a request that may not come in."""
        return None if self.rules is None else self.rules.check(request)

    def told(
        self, request: Request, status: int, place: Place | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Counts an answer; what is to be said in its head to whoever reads it."""
        if place is None:
            self.resources.metrics.note("any", UNMATCHED, status)
        else:
            known = request.method in place.routes or request.method == "OPTIONS"
            self.resources.metrics.note(request.method if known else "any", place.template, status)
        return () if self.rules is None else self.rules.cors(request)

    async def _called(
        self, place: Place, values: Sequence[str], request: Request, hop: Hop | None
    ) -> Response:
        route = place.routes.get(request.method)
        if self._spans is not None:
            self._spans.name(request.method, place.template)
        if route is None:
            return _of_methods(place.allow, request)
        if request.query and route.query is None:
            no_query(request)
        captured = values
        if "%" in request.path or not request.path.isascii():  # else what was sent is what is said
            captured = [said(*pair) for pair in zip(values, place.names, strict=True)]
        if self._forwarding is None:
            try:
                return await route.endpoint(self.resources, request, *captured)
            finally:
                self.resources.bodies.give_back(request)
        if self._spans is not None:
            request = evolve(request, headers=self._spans.onward(request.headers))
        call = Call.of(self.resources, request, route, captured, place.session_at)
        try:
            return await self._forwarding.answer(call, hop)
        finally:
            self.resources.bodies.give_back(call.request)

    async def _shown(self, request: Request) -> Response:
        """A file of the page for people."""
        if request.method not in files.METHODS:
            return _of_methods(files.ALLOW, request)
        return await self._page.answer(request)


def _of_methods(allow: str, request: Request) -> Response:
    """What can be called here: as it was asked for, or because something else was."""
    if request.method == "OPTIONS":
        return Response(HTTPStatus.NO_CONTENT, b"", (("Allow", allow),))
    detail = f"{request.method[:20]} is no method of this path; it has {allow}"
    return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, (("Allow", allow),))


def _outside(request: Request) -> Response | None:
    """The answer to what no app should be asked."""
    if request.path == "*":  # the service as a whole
        allowed = METHODS if request.method == "OPTIONS" else ("OPTIONS",)
        return _of_methods(", ".join(allowed), request)
    if request.method.isupper():
        return None
    # Apps take it for the usual one, and a rule in front of them may not.
    detail = f"There is no method {request.method[:20]}: methods are written in upper case"
    return problem(HTTPStatus.NOT_IMPLEMENTED, detail)
