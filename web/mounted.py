"""The service inside a larger Quart app: `create_blueprint`."""

from collections.abc import AsyncGenerator
from http import HTTPStatus

from attrs import evolve
from quart import Blueprint, Response, request
from quart.typing import ResponseTypes
from werkzeug.exceptions import HTTPException, NotFound

from runtime import Runtime
from web.access.rules import Guard
from web.api.dispatch import Api
from web.api.routes import METHODS, PREFIX
from web.app import NAME, as_quarts
from web.call.problems import Refused
from web.console import files
from web.docs.page import PAGE, documentation
from web.http import message
from web.http.asgi import Event, request_of
from web.nodes.forwarding import Forwarding


def create_blueprint(
    runtime: Runtime, *, rules: Guard | None = None, forwarding: Forwarding | None = None
) -> Blueprint:
    """The service's calls and pages, for `register_blueprint` in a larger Quart-Trio app.

    With `rules`, they hold for these paths; without, the app around decides who comes in. The app
    around also matches the paths, decoded: a session whose id has a slash cannot be reached there.
    The page is at the place itself, with a slash behind it: without a `url_prefix` that is `/`.
    Bodies are received as the app around has it, and limited by its `MAX_CONTENT_LENGTH` as well.
    Streams of events end when `runtime.end_following()` is called: by whoever ends the app, before
    its server waits for the answers in flight.

    Where other processes share the store, `forwarding` asks them for what they own (see
    `open_forwarding`); without it, that is answered 503. It is to be opened around the app's
    server, and its `end_streams()` called with the other one.
    """
    api = Api(runtime, rules=rules, forwarding=forwarding)
    service = Blueprint(NAME, __name__)
    templates = [*(place.template for place in api.table.places), *sorted(files.PATHS)]
    for number, template in enumerate(templates):

        async def view(_template: str = template, **_: str) -> Response:
            asked = _below(_present_request(), _template)
            response = await api.answer(asked)
            if response is None:
                raise NotFound  # a path that only means what the template says
            if asked.method == "HEAD" and isinstance(response.body, AsyncGenerator):
                await response.body.aclose()  # it would be made for nobody
                response = evolve(response, body=b"")
            return as_quarts(response)

        service.add_url_rule(
            template,
            endpoint=f"call_{number}",
            view_func=view,
            methods=METHODS,  # the dispatch says which are right
            provide_automatic_options=False,
        )
    for prefix, suffix in (("", ""), (PREFIX, "_v1")):
        pages = documentation(f"documentation{suffix}", api.table)
        _guard(pages, api, prefix + PAGE)
        service.register_blueprint(pages, url_prefix=prefix)
    return service


def _guard(pages: Blueprint, api: Api, page: str) -> None:
    """Lets the rules decide about these pages, of which `page` is the one that links lead to."""

    @pages.before_request
    async def check() -> Response | None:
        asked = _present_request()
        if asked.path.endswith(page):
            asked = _below(asked, page)
        refusal = api.refusal(asked)
        return None if refusal is None else as_quarts(refusal)

    @pages.after_request
    async def tell(response: ResponseTypes) -> ResponseTypes:
        for name, value in api.told(_present_request(), response.status_code):
            response.headers.add(name, value)
        return response


def _present_request() -> message.Request:
    """Quart's present request."""
    return evolve(request_of(request.scope, _from_quart), body=_QuartsBody())


def _below(asked: message.Request, template: str) -> message.Request:
    """The request with a path as long as the template; what is before that is its root.

    So nobody has to know where the blueprint was registered.
    """
    root, *segments = asked.path.rsplit("/", template.count("/"))
    return evolve(asked, path="/" + "/".join(segments), root=asked.root + root)


async def _from_quart() -> Event:
    raise AssertionError("Quart receives the body")


class _QuartsBody:
    """The present request's body, as Quart receives it."""

    @property
    def announced(self) -> int | None:
        """Bytes, as the head says; `None`: it does not say."""
        return request.content_length

    async def receive(self) -> bytes:
        """The next piece; `b""` at the end. Raises `Refused`."""
        try:
            async for piece in request.body:
                if piece:
                    return piece
        except HTTPException as error:
            raise Refused(HTTPStatus(error.code or 400), _said_of(error)) from None
        return b""


def _said_of(error: HTTPException) -> str:
    if error.code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return error.description or error.name
    return (
        f"The body has more bytes than the limit of {request.max_content_length} "
        "(MAX_CONTENT_LENGTH of the app around): send it in several requests"
    )
