"""A message that another program wrote, as any framework can take it: role and text alone."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

OURS = frozenset({"role", "content", "id", "metadata"})
"""Members that are expressed, or are not the conversation's."""

REDACTED = "[redacted]"
"""What the service puts in the place of a value."""

_TEXTS = (None, "text", "input_text", "output_text")


@frozen
class Plain:
    """A message's role and text."""

    role: str
    text: str
    lossy: Sequence[str]
    """Members of the message that are not in it."""

    @property
    def message(self) -> dict[str, str]:
        """As frameworks have it."""
        return {"role": self.role, "content": self.text}


def plain(message: Mapping[str, Any]) -> Plain:
    """A message's role and text, as the service's histories have them."""
    content = message.get("content")
    parts = content if content is not None else message.get("parts")
    if isinstance(parts, list):
        texts = [part for part in parts if _is_text(part)]
        lossy = [] if len(texts) == len(parts) else ["content"]
        said = "\n\n".join(part["text"] for part in texts)
    else:
        lossy = [] if content is None or isinstance(content, str) else ["content"]
        said = content if isinstance(content, str) else ""
        if lossy:
            said = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    ignored = OURS | {"parts"} if isinstance(parts, list) else OURS
    lossy += [name for name in message if name not in ignored]
    return Plain(str(message["role"]), said, lossy)


def is_redacted(message: Mapping[str, Any]) -> bool:
    """Whether something of it was redacted, beside its metadata: what that repeats counts no more.

    Who wrote just the marker is taken for redacted, too.
    """
    shown = {name: value for name, value in message.items() if name != "metadata"}
    return json.dumps(REDACTED) in json.dumps(shown)


def _is_text(part: object) -> bool:
    return (
        isinstance(part, dict)
        and isinstance(part.get("text"), str)
        and part.get("type") in _TEXTS
        and not part.get("thought")
    )
