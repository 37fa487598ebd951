"""A message of AG-UI becomes an entry of the log, and comes back as it was.

Turns of text, calls and results are messages, in the form of OpenAI's Chat Completions, which
AG-UI's is but for the names of two members: so contexts know the calls. Activities and reasoning
are for interfaces alone, and become records: no model is to be told them.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

NAME = "ag_ui"
"""In the metadata of a message: the rest of what it was. Records begin with it, and a slash."""

STATE = f"{NAME}/state"
"""The record that has the state that agent and interface share."""

RECORDS = f"{NAME}/message/"
"""How the records of messages begin."""

MAX_ID = 256
"""Characters: a message's key has no more."""

_ROLES = ("developer", "system", "assistant", "user", "tool")
_RECORDED = ("activity", "reasoning")

_RENAMED = {"toolCalls": "tool_calls", "toolCallId": "tool_call_id"}
_PLAIN = ("role", "content", "name")


class NoMessage(ValueError):
    """It says which member is wrong."""


@frozen
class Sent:
    """An entry to append."""

    kind: str
    """`message` or `record`."""
    key: str
    body: dict[str, Any]


def as_entry(message: object) -> Sent:
    """The entry of a message. Raises `NoMessage`."""
    if not isinstance(message, Mapping):
        raise NoMessage("must be an object with id and role")
    sent_id, role = message.get("id"), message.get("role")
    if not isinstance(sent_id, str) or not 0 < len(sent_id) <= MAX_ID:
        raise NoMessage(f"id: must be text of 1 to {MAX_ID} characters")
    if role in _RECORDED:
        return Sent("record", RECORDS + sent_id, {"value": dict(message)})
    if role not in _ROLES:
        raise NoMessage(f"role: must be one of {', '.join((*_ROLES, *_RECORDED))}")
    body: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in message.items():
        if name in _RENAMED and value is not None:
            body[_RENAMED[name]] = value
        elif name in _PLAIN:
            body[name] = value
        elif name != "id":
            rest[name] = value
    return Sent("message", sent_id, {**body, "metadata": {NAME: rest}})


def as_it_was(message: Mapping[str, Any], key: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    """The message that an entry was made of. `rest`: what its metadata has of it."""
    named = {ours: theirs for theirs, ours in _RENAMED.items()}
    found: dict[str, Any] = {"id": key}
    for name, value in message.items():
        if name in named or name in _PLAIN:
            found[named.get(name, name)] = value
    return {**found, **rest}
