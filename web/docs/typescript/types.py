"""From the document's schemas to types."""

import json
from collections.abc import Iterator

from web.docs.typescript.operations import Json, operations

PRIMITIVES = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def type_of(schema: Json) -> str:
    """A schema as a type."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            # In this order, each once: several may be the same to TypeScript.
            return " | ".join(dict.fromkeys(type_of(one) for one in schema[union]))
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    kind = schema.get("type")
    if kind == "array":
        inner = type_of(schema.get("items", {}))
        return f"({inner})[]" if "|" in inner else f"{inner}[]"
    if kind == "object":
        return _object(schema)
    return PRIMITIVES.get(kind, "unknown") if isinstance(kind, str) else "unknown"


def declarations(document: Json) -> Iterator[str]:
    """A type for each of the document's components."""
    sent = _sent(document)
    for name, schema in document["components"]["schemas"].items():
        comment = commented([schema.get("description", name)])
        if schema.get("type") != "object" or "properties" not in schema:
            yield f"{comment}export type {name} = {type_of(schema)};\n"
            continue
        is_open = name in sent and schema.get("additionalProperties") is not False
        members = "".join(_members(schema, is_open=is_open))
        yield f"{comment}export interface {name} {{\n{members}}}\n"


def commented(lines: list[str], indent: str = "") -> str:
    """A comment, as editors show it."""
    text = "\n".join(lines).strip().replace("*/", "* /").splitlines()
    if len(text) == 1:
        return f"{indent}/** {text[0]} */\n"
    inside = "".join(f"{indent} * {line}".rstrip() + "\n" for line in text)
    return f"{indent}/**\n{inside}{indent} */\n"


def _members(schema: Json, *, is_open: bool) -> Iterator[str]:
    for name, member in schema["properties"].items():
        optional = "" if name in schema.get("required", ()) else "?"
        if "description" in member:
            yield commented([member["description"]], "  ")
        yield f"  {json.dumps(name)}{optional}: {type_of(member)};\n"
    if is_open:  # whoever sends it may have more in it
        yield "  [member: string]: unknown;\n"


def _object(schema: Json) -> str:
    others = schema.get("additionalProperties")
    properties = schema.get("properties", {})
    if not properties:
        inner = type_of(others) if isinstance(others, dict) else "unknown"
        return f"{{ [name: string]: {inner} }}"
    members = []
    for name, member in properties.items():
        optional = "" if name in schema.get("required", ()) else "?"
        members.append(f"{json.dumps(name)}{optional}: {type_of(member)}")
    if isinstance(others, dict):
        types = dict.fromkeys([type_of(others), *map(type_of, properties.values()), "undefined"])
        members.append(f"[name: string]: {' | '.join(types)}")
    return f"{{ {'; '.join(members)} }}"


def _sent(document: Json) -> set[str]:
    """The components that are part of what a client sends."""
    components = document["components"]["schemas"]
    found: set[str] = set()
    waiting = [operation.body for operation in operations(document) if operation.body is not None]
    while waiting:
        for name in _named(waiting.pop()) - found:
            found.add(name)
            waiting.append(components[name])
    return found


def _named(schema: object) -> set[str]:
    """The components to which a schema refers."""
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if "$ref" in schema else set()
        return own.union(*map(_named, schema.values()))
    return set().union(*map(_named, schema)) if isinstance(schema, list) else set()
