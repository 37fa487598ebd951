"""The service as a Quart app of its own.

Whichever server hosts the app, calls of the table are answered at its entry, by the one dispatch,
before Quart makes contexts: for a short answer those cost as much as all of the service's own work.
Hooks on the app do not see them. Everything else goes Quart's way: the documentation, and whatever
routes are added to the app.
"""

from typing import Any

from quart import Response
from quart_trio import QuartTrio
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as WerkzeugResponse

from runtime import Runtime
from web.access.rules import Guard
from web.api.dispatch import Api
from web.api.routes import PREFIX
from web.call.problems import problem_of
from web.docs.page import documentation
from web.http import message
from web.http.asgi import Event, encoded, request_of, send_response
from web.http.message import ClientGone
from web.http.problem import problem
from web.metrics import Metrics
from web.nodes.forwarding import Forwarding

NAME = "agent_runtime"


def create_app(
    runtime: Runtime,
    *,
    rules: Guard | None = None,
    metrics: Metrics | None = None,
    forwarding: Forwarding | None = None,
) -> "App":
    """The whole service.

    `runtime` has to be open for as long as the app serves. `rules` say who may come in; without
    them, callers from this machine. `metrics` are for whoever wants to run `watch_lag`.
    `forwarding` asks the other nodes that share the store, see `open_forwarding`; without it, what
    they own is answered 503.
    """
    rules = Guard() if rules is None else rules
    return App(Api(runtime, rules=rules, metrics=metrics, forwarding=forwarding))


class App(QuartTrio):
    """Quart-Trio's app, with the table of calls at its entry."""

    def __init__(self, api: Api) -> None:
        super().__init__(NAME, static_folder=None)
        self.api = api
        self.url_map.merge_slashes = False  # no path has two; a redirect would repair it, unasked
        self.config["MAX_CONTENT_LENGTH"] = api.resources.body_limit
        self.register_error_handler(HTTPException, _on_http_exception)
        self.register_error_handler(Exception, _on_error)
        for prefix, suffix in (("", ""), (PREFIX, "_v1")):
            pages = documentation(f"documentation{suffix}", api.table)
            self.register_blueprint(pages, url_prefix=prefix)

    async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers what an ASGI server hands over."""
        if scope["type"] != "http":
            await super().asgi_app(scope, receive, send)
            return
        request = request_of(scope, receive)
        try:
            response = await self.api.answer(request)
            if response is not None:
                await send_response(response, request.method, receive, send)
        except ClientGone:
            return  # nobody is left to be told
        if response is None:
            await self.answer_others(scope, receive, send)

    async def answer_others(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers, as an ASGI app, what is not in the table, and may come in."""
        request = request_of(scope, receive)

        async def tell(event: Event) -> None:
            if event["type"] == "http.response.start":
                told = encoded(self.api.told(request, event["status"]))
                event = {**event, "headers": [*event.get("headers", ()), *told]}
            await send(event)

        await super().asgi_app(scope, receive, tell)  # type: ignore[arg-type]


def as_quarts(response: message.Response) -> Response:
    """The answer as Quart has it."""
    body = response.body
    if isinstance(body, tuple):
        body = b"".join(body)
    made = Response(body, response.status, Headers(response.headers))
    made.timeout = None  # the server bounds each send, and the runtime each read
    if not any(name == "Content-Type" for name, _ in response.headers):
        del made.headers["Content-Type"]  # Quart's own guess
    return made


async def _on_http_exception(error: HTTPException) -> Response | WerkzeugResponse:
    status = error.code
    if error.response is not None or status is None or status < 400:
        return error.get_response()  # a redirect, or abort(response)
    headers = [(name, text) for name, text in error.get_headers() if name != "Content-Type"]
    return as_quarts(problem(status, error.description or error.name, headers))


async def _on_error(error: Exception) -> Response:
    return as_quarts(problem_of(error))
