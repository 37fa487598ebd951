"""Items as entries, and back.

Rules:

- An item is one entry. What somebody says, calls, gets as a result or thinks is a message; all else
  is a record. An item that has no role gets one in the log, and not in what is read back.
- What is read back is what was added, with its members in the same order. So the entry's metadata
  has their names, and what cannot stand in the entry as it is.
- A message that another program wrote is read as `{role, content}` alone, with a role that models
  of OpenAI take: a tool's result without its call is none, so it is told as the assistant's words.
"""

from collections.abc import Sequence
from typing import Any

from web.clients.calls.shapes import Message, NewEntry
from web.clients.shared.carrying import is_carried
from web.clients.shared.conversation import Framework, Item
from web.clients.shared.plain import plain

FRAMEWORK = Framework("openai_agents")

_ROLES = {role: role for role in ("user", "assistant", "system", "developer")}
_ROLES |= {"human": "user", "ai": "assistant", "model": "assistant"}
"""Of others' messages, as items have them."""

LONGEST_ROLE = 64
"""Characters that a message's role may have."""


def entry_of(item: Any) -> NewEntry:
    """An item as an entry. `item` is as JSON reads it."""
    role = _role(item)
    if role is None:
        return FRAMEWORK.record(item)
    # Metadata of its own stands where nobody else's is.
    shown: Message = {"role": role, **{n: v for n, v in item.items() if n != "metadata"}}
    envelope: Any = {"members": list(item)}
    if not is_carried(item):
        envelope = {"item": item}
    elif "metadata" in item:
        envelope["metadata"] = item["metadata"]
    return FRAMEWORK.message(shown, envelope)


def item_of(found: Item) -> tuple[Any, Sequence[str]]:
    """What was added; and what it lacks of another's message."""
    message, envelope = found.message, found.envelope
    if message is None:
        return envelope, ()
    match envelope:
        case {"item": item}:
            return item, ()
        case {"members": [*members]}:
            known = {**message, "metadata": envelope.get("metadata")}
            return {name: known[name] for name in members}, ()
    said = plain(message)
    role = _ROLES.get(said.role.lower())
    item = {"role": role or "assistant", "content": said.text}
    return item, said.lossy if role else ["role", *said.lossy]


def _role(item: Any) -> str | None:
    """Of an item as a message; `None`: it is none."""
    if not isinstance(item, dict):
        return None
    if "role" in item:
        role = item["role"]
        fits = isinstance(role, str) and 0 < len(role) <= LONGEST_ROLE and is_carried(role)
        return role if fits else None
    type_ = item.get("type")
    if not isinstance(type_, str):
        return None
    if type_.endswith("_output"):
        return "tool"
    # Without its reasoning, a model does not take a call back: so both are in contexts.
    return "assistant" if type_.endswith("_call") or type_ == "reasoning" else None
