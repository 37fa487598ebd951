"""The short way from a request to its endpoint: without Quart's contexts, signals and hooks.

For a short answer these cost as much as all of the service's own work, and the endpoints here need
none of them: they are functions of the request (`endpoint.py`). Whatever the short way does not
know, a wrong path or method or the documentation, goes Quart's way, where guard, error table and
counters are installed as hooks. Everything goes that way if somebody adds hooks of their own.
"""

from quart import Request
from quart.typing import ResponseTypes
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from web import problems
from web.access import quart_way as guard
from web.access.rules import Guard
from web.connection import HTTPConnection
from web.endpoint import Endpoint, endpoint_of
from web.metrics import Metrics
from web.paths import Segment, sent_path


class DirectApp(QuartTrio):
    """Quart-Trio's app, with the short way in front of it."""

    asgi_http_class = HTTPConnection  # type: ignore[assignment] # a sibling of Quart-Trio's

    def __init__(self, name: str, rules: Guard, metrics: Metrics) -> None:
        super().__init__(name, static_folder=None)
        self.url_map.converters["default"] = Segment
        self._rules = rules
        self._metrics = metrics
        self._routes: MapAdapter | None = None
        guard.install(rules, self)
        problems.install(self)
        self.after_request(metrics.count)
        self._own_hooks = self._hooks()
        self._has_others = False

    async def handle_request(self, request: Request) -> ResponseTypes:
        """The answer to a request."""
        # As Quart has it, without leading slashes; but for those, the path as it was sent.
        request.path = "/" + sent_path(request.scope, request.path).lstrip("/")
        endpoint = self._match(request)
        if endpoint is None:
            return await super().handle_request(request)
        response: ResponseTypes | None = guard.refusal(self._rules, request)
        if response is None:
            try:
                response = await endpoint(request, **(request.view_args or {}))
            except Exception as error:
                response = await problems.on_error(error)
        guard.say_who_may_read(self._rules, request, response)
        self._metrics.note(request, response)
        return response

    def _match(self, request: Request) -> Endpoint | None:
        """The endpoint that the request asks for; notes what of the path goes to it."""
        if self._routes is None:  # the first request: from now on Quart takes no more hooks
            self._routes = self.url_map.bind("")  # nothing here depends on the host
            self._has_others = self._hooks() != self._own_hooks
        if self._has_others:
            return None
        try:
            rule, values = self._routes.match(request.path, request.method, return_rule=True)
        except HTTPException:
            return None
        endpoint = endpoint_of(self.view_functions[rule.endpoint])
        if endpoint is not None and request.method != "OPTIONS":
            request.url_rule, request.view_args = rule, dict(values)  # type: ignore[assignment]
            return endpoint
        return None

    def _hooks(self) -> tuple[int, ...]:
        """How many hooks, and how many error handlers there are."""
        hooks = (
            self.url_value_preprocessors,
            self.before_request_funcs,
            self.after_request_funcs,
            self.teardown_request_funcs,
        )
        handlers = [
            by_code for scope in self.error_handler_spec.values() for by_code in scope.values()
        ]
        return (*(sum(map(len, kind.values())) for kind in hooks), sum(map(len, handlers)))
