"""A chat message, and the form in which the runtime carries it: JSON, encoded exactly once.

The encoded *body* is what `GET …/history` shows of a message: `role` and `content`, then those of
`name`, `tool_calls` and `tool_call_id` that were given, in this order, never a null. Actors, the
persister, the store and the responses pass these bytes on and never look inside.
"""

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec
from attrs import field, frozen

from runtime.errors import InvalidInput

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[str, ...] = get_args(Role)

MAX_DEPTH = 32
"""How deeply arrays and objects may nest in what a client sends, the outermost one counted.
Recursive readers (ours, the clients', SQLite's `json()`) stay far from their own limits."""

_MESSAGE_ID = re.compile(r"[ -~]{1,256}")
# Room for any UUID or hash with a prefix, and nothing that a log or a terminal would act upon.

_encode_json = msgspec.json.Encoder().encode


@frozen
class FunctionCall:
    """The function that a tool call names; `arguments` is the model's own JSON, as a string."""

    name: str
    arguments: str


@frozen
class ToolCall:
    """One call that an assistant message asks for."""

    id: str
    function: FunctionCall
    type: str = "function"


@frozen
class Entry:
    """A message as a session keeps it: encoded, with the time at which it came in."""

    body: bytes
    """The message's JSON as history shows it."""
    timestamp: str
    """UTC, `2025-12-31T08:45:00.000Z`."""
    id: str | None = None
    """The client's own id, which makes sending it again harmless."""
    metadata: bytes | None = None
    """The message's metadata, a JSON object."""

    @property
    def size(self) -> int:
        """Bytes of text that the entry holds in memory."""
        return len(self.body) + len(self.metadata or b"") + len(self.id or "")

    def same_message(self, other: "Entry") -> bool:
        """Whether both say the same; when they were said does not matter."""
        return self.body == other.body and self.metadata == other.metadata


@frozen(kw_only=True)
class Message:
    """A message of a conversation.

    Raises `InvalidInput` when encoded, if a value breaks a rule.
    """

    role: Role
    content: str | None = field(default="")
    """The text; `None` is kept as `""`, because the published clients require a string."""
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_call_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    """Anything else the client wants to keep with the message; not part of the history."""
    id: str | None = None
    """The client's id of the message, unique in its session."""

    def encode(self, timestamp: str) -> Entry:
        """Encodes the message as it is kept from here on.

        `timestamp` is the moment at which it came in. Raises `InvalidInput`.
        """
        if self.role not in ROLES:
            raise InvalidInput(f"role: {self.role!r} is none of {', '.join(ROLES)}")
        if self.id is not None and not _MESSAGE_ID.fullmatch(_text(self.id, "id")):
            raise InvalidInput("id: must be 1 to 256 printable ASCII characters")
        content = "" if self.content is None else _text(self.content, "content")
        body: dict[str, Any] = {"role": self.role, "content": content}
        if self.name is not None:
            body["name"] = _text(self.name, "name")
        if self.tool_calls is not None:
            body["tool_calls"] = [
                {
                    "id": _text(call.id, "tool_calls: id"),
                    "type": _text(call.type, "tool_calls: type"),
                    "function": {
                        "name": _text(call.function.name, "tool_calls: function.name"),
                        "arguments": _text(call.function.arguments, "tool_calls: arguments"),
                    },
                }
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            body["tool_call_id"] = _text(self.tool_call_id, "tool_call_id")
        metadata = None if self.metadata is None else encode_object(self.metadata, "metadata")
        return Entry(encode_json(body, "message"), timestamp, self.id, metadata)


def decode_message(entry: Entry) -> Message:
    """The message that was encoded as `entry`."""
    body = msgspec.json.decode(entry.body, type=dict[str, Any])
    calls = body.get("tool_calls")
    return Message(
        role=body["role"],
        content=body["content"],
        name=body.get("name"),
        tool_calls=None if calls is None else tuple(msgspec.convert(calls, list[ToolCall])),
        tool_call_id=body.get("tool_call_id"),
        metadata=None if entry.metadata is None else msgspec.json.decode(entry.metadata),
        id=entry.id,
    )


def _text(value: object, where: str) -> str:
    # JSON would take anything, and the clients that read it later would not.
    if not isinstance(value, str):
        raise InvalidInput(f"{where}: must be text, not {type(value).__name__}")
    return value


def encode_object(value: Mapping[str, Any], where: str) -> bytes:
    """Encodes a free-form JSON object.

    Raises `InvalidInput`, naming `where`, for what JSON cannot say or a reader could not bear.
    """
    check_tree(value, where)
    return encode_json(value, where)


def encode_json(value: object, where: str) -> bytes:
    """Encodes to JSON, or raises `InvalidInput` naming `where`."""
    try:
        return _encode_json(value)
    except UnicodeEncodeError:
        raise InvalidInput(f"{where}: has a lone surrogate, which is not text") from None
    except (TypeError, OverflowError, ValueError) as error:
        raise InvalidInput(f"{where}: {error}") from None


def check_tree(value: object, where: str) -> None:
    """Refuses what JSON cannot say or a recursive reader could not bear.

    NaN and infinities (msgspec would silently write them as null), anything that is not plain JSON,
    and arrays and objects nested deeper than `MAX_DEPTH`. Raises `InvalidInput` naming `where`.
    """
    level: list[object] = [value]
    for depth in itertools.count(1):
        inner: list[object] = []
        containers = 0
        for node in level:
            if isinstance(node, Mapping):
                if not all(isinstance(name, str) for name in node):
                    raise InvalidInput(f"{where}: the names of members must be text")
                containers += 1
                inner.extend(node.values())
            elif isinstance(node, list | tuple):
                containers += 1
                inner.extend(node)
            elif isinstance(node, float) and not math.isfinite(node):
                raise InvalidInput(f"{where}: {node} is not a JSON number")
            elif node is not None and not isinstance(node, str | int | float):
                raise InvalidInput(f"{where}: a {type(node).__name__} is not a JSON value")
        if containers == 0:
            return
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{where}: nests deeper than {MAX_DEPTH} levels")
        level = inner
