"""The OpenAPI document, made of the table's rows and the classes that they name.

The frame is quart-schema's; its own provider keeps only the outermost of msgspec's schemas, this
one keeps them all, and adds the problems that every call can be answered with.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc, isfunction
from types import UnionType
from typing import Any, get_args

import msgspec
from quart import Quart
from quart_schema import Info, OpenAPIProvider, QuartSchema
from quart_schema.openapi import HttpSecurityScheme
from werkzeug.routing import Rule

from web.api.routes import PREFIX, Table
from web.call.route import Route
from web.call.types import ProblemOut, SessionId
from web.http.problem import MIMETYPE

JSON = "application/json"
LINES = "application/jsonl"
EVENTS = "text/event-stream"

MERGE_PATCH = "application/merge-patch+json"
"""RFC 7396: what every PATCH here takes, so that its own type is right as well as plain JSON's."""


def document(table: Table) -> dict[str, Any]:
    """The OpenAPI document of the table."""
    # The frame wants an app. The service's own is not for it: the extension's conversions, which
    # nothing here needs, would be in the way of every response.
    app = Quart(__name__)
    extension = QuartSchema(
        info=Info(
            title="agent-runtime",
            version=version("agent-runtime"),
            description="Chats of AI agents that survive every restart.",
        ),
        security_schemes={"token": HttpSecurityScheme("bearer")},
        security=[{}, {"token": []}],
    )
    return _Provider(app, extension, table).schema()


class _Provider(OpenAPIProvider):
    def __init__(self, app: Quart, extension: QuartSchema, table: Table) -> None:
        super().__init__(app, extension)
        self._table = table

    def generate_rules(self) -> Iterator[Rule]:
        for route in self._table.routes:
            if route.answers:
                yield Rule(route.path, endpoint=route)

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        route: Route = rule.endpoint
        components: dict[str, Any] = {}
        prefix = "" if route.outside else PREFIX
        path = prefix + route.path.replace("<", "{").replace(">", "}")
        return {path: {route.method.lower(): _operation(route, components)}}, components


def _operation(route: Route, components: dict[str, Any]) -> dict[str, Any]:
    summary, *description = (getdoc(route.endpoint) or "").splitlines()
    answered: Callable[[int, Any, dict[str, Any]], dict[str, Any]] = _response
    if route.is_stream:
        answered = _stream if route.has_names else partial(_nameless, done=route.done)
    elif route.is_lines and route.body is None:
        answered = _lines
    operation: dict[str, Any] = {
        "summary": summary,
        "description": "\n".join(description),
        # The function's own name: one that client generators can use as it is.
        "operationId": route.endpoint.__name__,
        "parameters": [*_captured(route), *_parameters(route, components)],
        "responses": {
            str(status): answered(status, answer, components)
            for status, answer in route.answers.items()
        },
    }
    if route.body is not None:
        content = _content(LINES if route.is_lines else JSON, route.body, components)
        if route.method == "PATCH":
            content[MERGE_PATCH] = content[JSON]
        required = not _may_be_empty(_made(route.body))
        operation["requestBody"] = {"required": required, "content": content}
    for status in (400, *((404,) if "<" in route.path else ()), *route.problems):
        operation["responses"][str(status)] = _problem(HTTPStatus(status).phrase, components)
    operation["responses"]["default"] = _problem("Refused, or failed", components)
    return operation


def _captured(route: Route) -> Iterator[dict[str, Any]]:
    for part in route.path.split("/"):
        if part.startswith("<"):
            name = part[1:-1]
            schema = _schema(SessionId, {}) if name == "session_id" else {"type": "string"}
            yield {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(route: Route, components: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if route.query is not None:
        for field in msgspec.structs.fields(route.query):
            yield {
                "name": field.encode_name,
                "in": "query",
                "required": False,
                "schema": _schema(field.type, components),
            }
    for name, description, values in _heads(route):
        yield {
            "name": name,
            "in": "header",
            "required": name in route.heads,
            "description": description,
            "schema": {"type": "string", **values},
        }


def _heads(route: Route) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The fields of a request's head that mean something to the call, and what they can say."""
    if 304 in route.answers:
        yield "If-None-Match", "The ETag of an earlier answer: 304 if it is still the same", {}
    if 412 in route.problems and route.method != "GET":
        yield "If-Match", "The ETag of the state that the session has to be in, or *: in any", {}
        yield "If-None-Match", "*: there must be no such session", {"enum": ["*"]}
        turn = {"pattern": "^[0-9]{1,16}$"}
        yield "Turn", "The number of the turn that has to hold the session", turn
        yield "Prefer", "respond-async: do not wait for the disk", {}


def _made(model: Any) -> Any:
    """The class, which may be made by a function."""
    return model() if isfunction(model) else model


def _may_be_empty(body: Any) -> bool:
    """Whether the call takes no body at all, which counts as `{}`."""
    for model in get_args(body) if isinstance(body, UnionType) else (body,):
        with suppress(msgspec.ValidationError):
            msgspec.convert({}, model)
            return True
    return False


def _schema(model: Any, components: dict[str, Any]) -> dict[str, Any]:
    """The schema of `model`; what it refers to is added to `components`."""
    if isinstance(model, UnionType):  # msgspec knows no union of untagged Structs
        return {"anyOf": [_schema(one, components) for one in get_args(model)]}
    (schema,), found = msgspec.json.schema_components(
        [_made(model)], ref_template="#/components/schemas/{name}"
    )
    components.update(found)
    return schema


def _content(mimetype: str, model: Any, components: dict[str, Any]) -> dict[str, Any]:
    return {mimetype: {"schema": _schema(model, components)}}


def _response(status: int, model: Any, components: dict[str, Any]) -> dict[str, Any]:
    if model is None:
        return {"description": HTTPStatus(status).phrase}
    return {
        "description": getdoc(_made(model)) or HTTPStatus(status).phrase,
        "content": _content(JSON, model, components),
    }


def _lines(status: int, line: Any, components: dict[str, Any]) -> dict[str, Any]:
    """JSON lines. The schema is that of one of them."""
    if line is None:
        return _response(status, None, components)
    return {"description": "JSON lines", "content": _content(LINES, line, components)}


def _stream(status: int, data: Any, components: dict[str, Any]) -> dict[str, Any]:
    """Events with such data. The schema is that of one event, with its lines as members."""
    return _events(status, data, components, ["event", "data"])


def _nameless(
    status: int, data: Any, components: dict[str, Any], *, done: str | None
) -> dict[str, Any]:
    """The same of events that have nothing but data, and of the last one that may be no JSON."""
    return _events(status, data, components, ["data"], done)


def _events(
    status: int,
    data: Any,
    components: dict[str, Any],
    required: list[str],
    done: str | None = None,
) -> dict[str, Any]:
    if data is None:
        return _response(status, None, components)
    text = {"type": "string"}
    json = {**text, "contentMediaType": JSON, "contentSchema": _schema(_made(data), components)}
    told = json if done is None else {"anyOf": [{"const": done}, json]}
    event = {
        "type": "object",
        "required": required,
        "properties": {"id": text, "event": text, "data": told},
    }
    return {"description": "Server-Sent Events", "content": {EVENTS: {"schema": event}}}


def _problem(description: str, components: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": _content(MIMETYPE, ProblemOut, components)}
