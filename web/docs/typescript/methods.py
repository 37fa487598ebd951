"""From operations to methods, and to their types."""

import json
import re

from web.docs.typescript.operations import EVENTS, JSON, LINES, Operation
from web.docs.typescript.types import commented, type_of

NAMED_FREELY = {"listSessions": "metadata?: { [name: string]: string }"}
"""Parameters that the document cannot list, as anybody names them."""


def method(operation: Operation) -> str:
    """A method of the class, in JavaScript."""
    parameters = [*operation.segments, "options = {}"]
    path = re.sub(r"\{(\w+)\}", r"${segment(\1)}", operation.path)
    sent = [f'verb: "{operation.verb}"', f"path: `{path}`", "options"]
    if query := _query(operation):
        sent.append(f"query: {json.dumps(query)}")
    if operation.body is not None:
        parameters.insert(-1, "body" if operation.is_body_needed else "body = {}")
        sent += _body(operation)
    if operation.verb in ("GET", "PATCH") or operation.has_id:
        sent.append("repeatable: true")
    if operation.answers:
        sent.append(f"answers: {json.dumps(operation.answers)}")
    way = {EVENTS: "follow_", LINES: "lines_"}.get(operation.answer_type, "ask_")
    call = f"this.{way}({{ {', '.join(sent)} }})"
    # Whatever goes wrong comes by the promise, a name that no path can have as well.
    begin = "async " if way == "ask_" else ""
    return f"  {begin}{operation.name}({', '.join(parameters)}) {{\n    return {call};\n  }}\n"


def heads(found: list[Operation]) -> str:
    """The options that go into a head, and the names of its fields."""
    known = {option: head for operation in found for option, head in operation.heads.items()}
    return f"const HEADS = {json.dumps(known)};\n\n"


def signature(operation: Operation) -> str:
    """The same method's type, with what it does."""
    parameters = [f"{name}: string" for name in operation.segments]
    if operation.body is not None:
        needed = "" if operation.is_body_needed else "?"
        parameters.append(f"body{needed}: {_body_type(operation)}")
    parameters.append(f"options?: {_options(operation)}")
    comment = commented(list(operation.said), "  ")
    return f"{comment}  {operation.name}({', '.join(parameters)}): {_returned(operation)};\n"


def _query(operation: Operation) -> list[str]:
    return [*operation.query, *(["metadata"] if operation.name in NAMED_FREELY else [])]


def _body(operation: Operation) -> list[str]:
    if operation.body_type != JSON:
        return ["body", f'type: "{operation.body_type}"']
    body = "identified(body)" if operation.has_id else "body"
    return [f"body: JSON.stringify({body})"]


def _body_type(operation: Operation) -> str:
    assert operation.body is not None
    is_text = operation.body_type != JSON
    return "string | Uint8Array | Blob" if is_text else type_of(operation.body)


def _options(operation: Operation) -> str:
    members = []
    for name, schema in operation.query.items():
        one = type_of(schema)
        several = schema.get("type") == "array"
        members.append(f"{name}?: {f'string | {one}' if several else one}")
    if operation.name in NAMED_FREELY:
        members.append(NAMED_FREELY[operation.name])
    members += [f"{name}?: string | number" for name in operation.heads]
    kind = "FollowOptions" if operation.answer_type == EVENTS else "CallOptions"
    return f"{{ {'; '.join(members)} }} & {kind}" if members else kind


def _returned(operation: Operation) -> str:
    if operation.answer_type == LINES:
        return "AsyncGenerator<string, void, undefined>"
    if operation.answer is None:
        return "Promise<void>"
    if operation.answer_type == EVENTS:
        data = operation.answer["properties"]["data"]["contentSchema"]
        return f"AsyncGenerator<ServerEvent<{type_of(data)}>, void, undefined>"
    empty = " | undefined" if operation.may_be_empty else ""
    return f"Promise<{type_of(operation.answer)}{empty}>"
