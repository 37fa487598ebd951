"""The OpenAPI document, made of the classes that the endpoints read and write.

quart-schema's own provider keeps only the outermost of msgspec's schemas; this one keeps them all,
and adds the problems that every endpoint can answer with.
"""

from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from importlib.metadata import version
from inspect import getdoc
from types import UnionType
from typing import Any, get_args

import msgspec
from quart import Quart
from quart_schema import Info, OpenAPIProvider, QuartSchema
from quart_schema.openapi import HttpSecurityScheme
from werkzeug.routing import BaseConverter, Rule

from web.describe import operation_of
from web.problems import MIMETYPE
from web.schemas import ProblemOut, SessionId

MERGE_PATCH = "application/merge-patch+json"
"""RFC 7396: what every PATCH here takes, so that its own type is right as well as plain JSON's."""


def document(app: Quart) -> dict[str, Any]:
    """The OpenAPI document of all described endpoints of `app`."""
    # The extension is not installed into the app: that would put its conversions, which nothing
    # here needs, into the way of every response.
    extension = QuartSchema(
        info=Info(
            title="agent-runtime",
            version=version("agent-runtime"),
            description="Chats of AI agents that survive every restart.",
        ),
        security_schemes={"token": HttpSecurityScheme("bearer")},
        security=[{}, {"token": []}],
    )
    return _Provider(app, extension).schema()


class _Provider(OpenAPIProvider):
    def generate_rules(self) -> Iterator[Rule]:
        seen = set()
        for rule in self._app.url_map.iter_rules():
            endpoint = self._app.view_functions[rule.endpoint]
            if operation_of(endpoint) is not None and endpoint not in seen:
                seen.add(endpoint)
                yield rule

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        described = operation_of(self._app.view_functions[rule.endpoint])
        assert described is not None, "generate_rules leaves the others out"
        for operations in paths.values():
            for operation in operations.values():
                # The function's own name: one that client generators can use as it is.
                operation["operationId"] = self._app.view_functions[rule.endpoint].__name__
                if described.body is not None:
                    operation["requestBody"] = {
                        "required": not _may_be_empty(described.body),
                        "content": _bodies(rule, described.body, components),
                    }
                if described.query is not None:
                    operation["parameters"] = [
                        *operation["parameters"],
                        *_parameters(described.query, components),
                    ]
                operation["responses"] = {
                    str(status): _response(status, answer, components)
                    for status, answer in described.answers.items()
                }
                for status in described.problems:
                    operation["responses"][str(status)] = _problem(
                        HTTPStatus(status).phrase, components
                    )
                operation["responses"]["default"] = _problem("Refused, or failed", components)
        return paths, components

    def build_path_parameter(self, name: str, converter: BaseConverter) -> dict[str, Any]:
        parameter = super().build_path_parameter(name, converter)
        if name == "session_id":
            parameter["schema"] = _schema(SessionId, {})
        return parameter


def _may_be_empty(body: Any) -> bool:
    """Whether the endpoint takes no body at all, which counts as `{}`."""
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
        [model], ref_template="#/components/schemas/{name}"
    )
    components.update(found)
    return schema


def _content(mimetype: str, model: Any, components: dict[str, Any]) -> dict[str, Any]:
    return {mimetype: {"schema": _schema(model, components)}}


def _bodies(rule: Rule, model: Any, components: dict[str, Any]) -> dict[str, Any]:
    content = _content("application/json", model, components)
    if "PATCH" in (rule.methods or ()):
        content[MERGE_PATCH] = content["application/json"]
    return content


def _parameters(model: type[msgspec.Struct], components: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": field.encode_name,
            "in": "query",
            "required": False,
            "schema": _schema(field.type, components),
        }
        for field in msgspec.structs.fields(model)
    ]


def _response(status: int, model: Any, components: dict[str, Any]) -> dict[str, Any]:
    if model is None:
        return {"description": HTTPStatus(status).phrase}
    return {
        "description": getdoc(model) or HTTPStatus(status).phrase,
        "content": _content("application/json", model, components),
    }


def _problem(description: str, components: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": _content(MIMETYPE, ProblemOut, components)}
