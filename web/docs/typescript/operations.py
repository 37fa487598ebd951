"""The document's operations, as methods need them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from web.api.routes import PREFIX

Json = Mapping[str, Any]

LINES = "application/jsonl"
EVENTS = "text/event-stream"
JSON = "application/json"


@frozen(kw_only=True)
class Operation:
    """One call."""

    name: str
    """As a method."""
    verb: str
    path: str
    """A template: names of segments in braces."""
    said: Sequence[str]
    """What it does, line by line."""
    segments: Sequence[str]
    query: Mapping[str, Json]
    """The schema of each parameter."""
    heads: Mapping[str, str]
    """The fields of the head, by the names of the options that they are given with."""
    body: Json | None
    """Its schema, or what refers to it."""
    members: Json
    """Its members, and which of them are needed."""
    body_type: str
    is_body_needed: bool
    answer: Json | None
    """The schema of what it answers; of events and lines, of one of them."""
    answer_type: str
    may_be_empty: bool
    """Whether there may be no answer in an answer that is no refusal."""
    answers: Sequence[int]
    """Statuses of 400 and above that are no refusal."""

    @property
    def has_id(self) -> bool:
        """Whether the call has an id that the client can choose, which makes it repeatable."""
        if self.body is None or self.body_type != JSON:
            return False
        properties, needed = self.members.get("properties", {}), self.members.get("required", ())
        return "id" in properties and "id" not in needed


def operations(document: Json) -> Iterator[Operation]:
    """All of them, in the order of the document; but what speaks the protocols of others."""
    for path, methods in document["paths"].items():
        if path.startswith(f"{PREFIX}/") or path == "/health":
            for verb, told in methods.items():
                yield _operation(document, path, verb, told)


def _operation(document: Json, path: str, verb: str, told: Json) -> Operation:
    parameters = told["parameters"]
    body_type, body = _content(told.get("requestBody", {}))
    good = {
        int(status): _content(answer)
        for status, answer in told["responses"].items()
        if (status.isdigit() and JSON in answer.get("content", {JSON: None}))
        or (status.isdigit() and int(status) < 300)
    }
    contents = [content for content in good.values() if content[1] is not None]
    answer_type, answer = contents[0] if contents else (JSON, None)
    return Operation(
        name=re.sub(r"_(\w)", lambda found: found[1].upper(), told["operationId"]),
        verb=verb.upper(),
        path=path,
        said=[told["summary"], *told["description"].splitlines()],
        segments=[one["name"] for one in parameters if one["in"] == "path"],
        query={one["name"]: one["schema"] for one in parameters if one["in"] == "query"},
        heads={_option(one["name"]): one["name"] for one in parameters if one["in"] == "header"},
        body=body,
        members={} if body is None else _resolved(document, body),
        body_type=body_type,
        is_body_needed=told.get("requestBody", {}).get("required", False),
        answer=answer,
        answer_type=answer_type,
        may_be_empty=answer is not None and 204 in good,
        answers=[status for status in good if status >= 400],
    )


def _resolved(document: Json, schema: Json) -> Json:
    found: Json = schema
    while "$ref" in found:
        found = document["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return found


def _content(told: Json) -> tuple[str, Json | None]:
    for mimetype, content in told.get("content", {}).items():
        return mimetype, content["schema"]
    return JSON, None


def _option(head: str) -> str:
    return head.lower().replace("-", "_")
