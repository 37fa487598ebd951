"""A large message, read in pieces: what of it has a place of its own is taken out on the way."""

from collections.abc import Callable
from typing import Any

from attrs import define, field
from msgspec import Raw

from runtime.errors import InvalidInput
from runtime.session.bodies.encoding import encode
from runtime.session.bodies.normal import Members, edited, is_text
from runtime.session.rules import MAX_ROLE, check_role


@define
class LargeMessage:
    """The members that do not stay where they were sent, and all others."""

    front: Members = field(factory=dict)
    """Of `role`, `content` and `metadata` those that there are; see `Edit`."""
    id: Any = None
    is_plain: bool = True
    """Whether a history shows it as it is."""
    replaced: int = 0
    """Lone surrogates that became U+FFFD."""
    _rest: bytes = b"{}"

    @classmethod
    def read(cls, text: bytes, where: str, is_key: Callable[[Any], bool]) -> "LargeMessage":
        """Reads one. Its id is not among the others if it is the message's key.

        Raises `InvalidInput`, naming `where`.
        """
        sent = cls()
        treatments: set[bool] = set()

        def edit(found: Members) -> None:
            for name in ("role", "content", "metadata"):
                if name in found:
                    sent.front[name] = found.pop(name)
            if "id" in found:
                sent.id = found["id"]
                taken = is_key(sent.id)
                treatments.add(taken)
                if taken:
                    del found["id"]
            sent.is_plain &= (
                "id" not in found and None not in found.values() and is_text(found.get("name", ""))
            )

        sent._rest, sent.replaced = edited(text, where, edit)
        if len(treatments) > 1:
            # The name came twice, and the last one, which counts, asks for the other treatment.
            taken = is_key(sent.id)
            return cls.read(text, where, lambda _: taken)
        sent.is_plain &= is_text(sent.front.get("content"))
        return sent

    def body(self, where: str) -> bytes:
        """The message without its metadata, and its id if that is its key. `InvalidInput`."""
        role = self.front.get("role")
        if isinstance(role, Raw):
            raise InvalidInput(f"{where}: role: must be text of 1 to {MAX_ROLE} characters")
        try:
            front: Members = {"role": check_role(role)}
        except InvalidInput as error:
            raise InvalidInput(f"{where}: {error}") from None
        if "content" in self.front:
            front["content"] = self.front["content"]
        begin = encode(front, where)
        return begin if self._rest == b"{}" else b"".join((begin[:-1], b",", self._rest[1:]))
