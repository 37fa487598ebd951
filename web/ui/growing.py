"""What is shown of a message that is still being written, until the message takes its place.

A draft's parts have names, and by these it is known what grows:

==========================  =======================================
`content`, `text:…`         a text for people
`reasoning:…`, `thinking:…` a text of reasoning
`tool:<name>:<call's id>`   the arguments of a tool's call, as JSON
==========================  =======================================

The colon and what follows may be absent where there is one of its kind. Parts of other names are
not shown before their message is there.
"""

from hashlib import blake2b
from typing import Any, Literal

from attrs import define, field, frozen

Growth = Literal["text", "reasoning", "tool"]

_KINDS: dict[str, Growth] = {
    **dict.fromkeys(("content", "text"), "text"),
    **dict.fromkeys(("reasoning", "thinking"), "reasoning"),
    "tool": "tool",
}


@frozen
class Grown:
    """What is new of a draft."""

    id: str
    """Of the message that it is to be."""
    role: str = "assistant"
    part: str | None = None
    """`None`: no part has grown."""
    text: str = ""
    offset: int = 0
    """Characters of the draft that were told before: 0 begins it, or begins it anew."""


@define
class Shown:
    """A part of which something was shown."""

    id: str
    kind: Growth
    tool: str = ""
    """Its name, where it is one."""
    length: int = 0
    is_open: bool = True
    _digest: Any = field(factory=lambda: blake2b(digest_size=16))

    @classmethod
    def of(cls, message_id: str, part: str) -> "Shown | None":
        """What will be shown under this name; `None`: nothing is."""
        front, _, rest = part.partition(":")
        kind = _KINDS.get(front)
        if kind is None:
            return None
        if kind != "tool":
            return cls(f"{message_id}:{part}", kind)
        name, _, call_id = rest.partition(":")
        return cls(call_id, kind, name) if call_id else None

    def add(self, text: str) -> None:
        """So much more was shown. Only its digest is kept, as there may be many who look on."""
        self.length += len(text)
        self._digest.update(text.encode("utf-8", "surrogatepass"))

    def rest_of(self, text: str) -> str | None:
        """What of the final text was not shown; `None`: another text was."""
        if len(text) < self.length:
            return None
        begun = text[: self.length].encode("utf-8", "surrogatepass")
        if blake2b(begun, digest_size=16).digest() != self._digest.digest():
            return None
        return text[self.length :]
