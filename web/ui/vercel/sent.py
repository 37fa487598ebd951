"""A UI message becomes a message of the log, and comes back as it was."""

from collections.abc import Mapping
from typing import Any

NAME = "vercel_ai"
"""In the metadata of a message: the rest of the UI message that it was."""

ROLES = ("system", "user", "assistant")

_OWN = frozenset({"id", "role", "parts"})
"""Members that the message has where everybody looks for them."""

MAX_ID = 256
"""Characters: a message's key has no more."""


class NoUiMessage(ValueError):
    """It says which member is wrong."""


def as_message(ui_message: Mapping[str, Any]) -> dict[str, Any]:
    """The message that is kept; its `id` is its key. Raises `NoUiMessage`."""
    found = checked(ui_message)
    rest = {name: value for name, value in found.items() if name not in _OWN}
    return {
        "role": found["role"],
        "parts": found["parts"],
        "id": found["id"],
        "metadata": {NAME: rest},
    }


def as_ui_message(message: Mapping[str, Any], key: str, rest: Mapping[str, Any]) -> dict[str, Any]:
    """The UI message that a message was. `rest`: what its metadata has of it."""
    return {"id": key, "role": message["role"], **rest, "parts": message["parts"]}


def checked(ui_message: object) -> Mapping[str, Any]:
    """It, if it is one. Raises `NoUiMessage`."""
    if not isinstance(ui_message, Mapping):
        raise NoUiMessage("must be an object with id, role and parts")
    sent_id, role, parts = (ui_message.get(name) for name in ("id", "role", "parts"))
    if not isinstance(sent_id, str) or not 0 < len(sent_id) <= MAX_ID:
        raise NoUiMessage(f"id: must be text of 1 to {MAX_ID} characters")
    if role not in ROLES:
        raise NoUiMessage(f"role: must be one of {', '.join(ROLES)}")
    if not isinstance(parts, list):
        raise NoUiMessage("parts: must be a list")
    for place, part in enumerate(parts):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise NoUiMessage(f"parts[{place}]: must be an object with a type")
    return ui_message
