"""Both clients have every call of the OpenAPI document, with its parameters and its answers.

So a new endpoint is missed here until `web/clients/calls/` has it. What else is not below the
API's own prefix speaks the protocols of others, whose own clients call it.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from inspect import isfunction, signature
from pkgutil import iter_modules
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from web.api.routes import PREFIX, whole_table
from web.clients import AgentRuntimeClient, AsyncAgentRuntimeClient, calls
from web.clients.core.call import Ask, Pages
from web.clients.core.course import Stream
from web.clients.methods import Methods
from web.docs import openapi

Json = dict[str, Any]

DOCUMENT = openapi.document(whole_table())
OPERATIONS: Mapping[str, tuple[str, Json]] = {
    operation["operationId"]: (method, operation)
    for path, methods in DOCUMENT["paths"].items()
    if path.startswith(f"{PREFIX}/") or path == "/health"
    for method, operation in methods.items()
}

AS_A_WHOLE = {
    "append_messages": {"messages"},
    "import_session": {"lines"},
    "patch_session": {"patch"},
    "report_usage": {"numbers", "id", "agent", "model"},
}
"""What stands for a body whose members are the caller's own."""

OURS = {
    "fork_session": {"new_session_id"},
    "undelete_session": {"new_session_id"},  # the path has the name already
    "list_sessions": {"metadata"},  # the document cannot list parameters with any name
    "follow_session": {"alive", "patience"},
    "follow_all": {"alive", "patience"},
}
"""What the document does not have, or has under a name that is taken."""

LEFT_OUT = {"list_pending": {"state"}}
"""It can have one value only."""

PRIMITIVES: Mapping[Any, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    NoneType: "null",
}


def made(name: str) -> Callable[..., Any]:
    """The function of this operation."""
    make: Callable[..., Any] = getattr(Methods, name).__wrapped__
    return make


def resolved(schema: Json) -> Json:
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def in_the_head(method: str, parameter: Json) -> str:
    if parameter["name"] == "Turn" and parameter["required"]:
        return "turn"
    return "if_none_match" if method == "get" else "terms"


def announced(name: str) -> set[str]:
    """The parameters that the document gives an operation, as Python writes them."""
    method, operation = OPERATIONS[name]
    found = set(OURS.get(name, ()))
    for parameter in operation["parameters"]:
        if parameter["in"] == "header":
            found.add(in_the_head(method, parameter))
            continue
        several = resolved(parameter["schema"]).get("type") == "array"
        plural = "es" if parameter["name"].endswith("x") else "s"
        found.add(
            parameter["name"] + (plural if several and parameter["name"] != "include" else "")
        )
    if name in AS_A_WHOLE:
        found |= AS_A_WHOLE[name]
    elif "requestBody" in operation:
        found |= resolved(operation["requestBody"]["content"]["application/json"]["schema"])[
            "properties"
        ].keys()
    return found - LEFT_OUT.get(name, set())


@pytest.mark.parametrize("client", [AgentRuntimeClient, AsyncAgentRuntimeClient])
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_is_a_method_of_both_clients(name: str, client: type) -> None:
    assert getattr(client, name).__wrapped__.__name__ == name


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_has_the_parameters_of_the_document(name: str) -> None:
    assert set(signature(made(name)).parameters) == announced(name)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_says_in_a_sentence_what_it_does(name: str) -> None:
    text = made(name).__doc__
    assert text is not None
    assert text.splitlines()[0].rstrip().endswith(".")


def answer_of(make: Callable[..., Any]) -> Any:
    """What a method returns; `None`: it is a stream."""
    returned = get_type_hints(make)["return"]
    return None if get_origin(returned) is Stream else get_args(returned)[-1]


def differences(shape: Any, schema: Json, where: str) -> Iterator[str]:
    """Where what a client announces is not what the document does."""
    schema = resolved(schema)
    if shape is Any or not schema.keys() - {"description"}:
        return
    kinds = schema.get("anyOf") or schema.get("oneOf") or []
    if is_typeddict(shape) and kinds:
        for one in kinds:
            unknown = resolved(one)["properties"].keys() - shape.__annotations__.keys()
            if unknown:
                yield f"{where} lacks {unknown}"
    elif is_typeddict(shape):
        members = get_type_hints(shape)
        if members.keys() != schema["properties"].keys():
            yield f"{where}: {members.keys() ^ schema['properties'].keys()}"
        if shape.__required_keys__ != set(schema.get("required", ())):
            yield f"{where}: {shape.__required_keys__ ^ set(schema.get('required', ()))} required"
        for name in members.keys() & schema["properties"].keys():
            yield from differences(members[name], schema["properties"][name], f"{where}.{name}")
    elif get_origin(shape) is list:
        yield from differences(get_args(shape)[0], schema["items"], f"{where}[]")
    elif get_origin(shape) in (Union, UnionType):
        announced = {PRIMITIVES[one] for one in get_args(shape)}
        if announced != {one["type"] for one in kinds}:
            yield f"{where}: {shape}"
    elif shape in PRIMITIVES:
        if schema.get("type", PRIMITIVES[shape]) != PRIMITIVES[shape]:
            yield f"{where} is {schema['type']}, and not {shape}"
    elif schema.get("type") != "object":
        yield f"{where} is {schema.get('type')}, and not {shape}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_answer_has_the_members_of_the_document(name: str) -> None:
    shape = answer_of(made(name))
    _, operation = OPERATIONS[name]
    answers = [
        operation["responses"][one]
        for one in ("200", "201", "204")
        if one in operation["responses"]
    ]
    contents = [
        one["content"]["application/json"]
        for one in answers
        if "application/json" in one.get("content", {})
    ]
    if shape is None:
        assert not contents
        return
    if NoneType in get_args(shape):
        assert "204" in operation["responses"]
        shape = get_args(shape)[0]
    if shape is NoneType:
        assert not contents
    for content in contents:
        assert list(differences(shape, content["schema"], shape.__name__)) == []


def functions() -> Iterator[Callable[..., Any]]:
    """All that make something that a client can send."""
    for found in iter_modules(calls.__path__):
        module = import_module(f"{calls.__name__}.{found.name}")
        for make in vars(module).values():
            if isfunction(make) and make.__module__ == module.__name__ and make.__name__[0] != "_":
                returned = get_type_hints(make).get("return")
                is_helper = found.name in ("terms", "paging")
                if not is_helper and get_origin(returned) is not None:
                    yield make


def test_every_function_of_the_calls_is_a_method() -> None:
    found = list(functions())
    assert len(found) > len(OPERATIONS)
    for make in found:
        assert getattr(Methods, make.__name__).__wrapped__ is make


def test_a_list_in_pages_has_a_method_for_all_of_it() -> None:
    paged = {
        name
        for name, (_, operation) in OPERATIONS.items()
        if {"limit"} & {parameter["name"] for parameter in operation["parameters"]}
    }
    iterated = {make for make in functions() if get_origin(get_type_hints(make)["return"]) is Pages}
    assert len(iterated) == len(paged) + 1  # a log also backwards


def test_a_method_shows_the_parameters_of_its_function() -> None:
    with AgentRuntimeClient() as client:
        assert str(signature(client.get_turn)) == "(session_id: str)"
    assert client.get_turn.__doc__ == made("get_turn").__doc__
    assert get_origin(get_type_hints(made("get_turn"))["return"]) is Ask
