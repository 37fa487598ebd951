"""Results whose calls have not come yet, as messages are taken the newest first.

A call takes the oldest result behind it that fits, of those that no later call has taken. What no
call takes is an orphan, or says a second time what was said, and is not told.
"""

from attrs import define, field

from runtime.session.context.shape import Call, Result
from runtime.session.context.told import Told


@define(eq=False)
class Loose:
    """A result without its call."""

    result: Result
    told: Told
    """The message that it is, or is a part of."""
    is_lost: bool = False
    """Whether its text was not kept: there was no room."""
    is_taken: bool = False

    @property
    def is_message(self) -> bool:
        """Whether it is a message, whose text is here."""
        return self.result.part is None and not self.is_lost

    @property
    def text(self) -> bytes:
        """The message, or the part."""
        if self.is_lost:
            return b""
        part = self.result.part
        return self.told.text if part is None else self.told.parts[part]


@define(eq=False)
class Pool:
    """All of them, but only so many bytes of their texts: more fits into no context."""

    room: int
    _by_id: dict[str, list[Loose]] = field(factory=dict)
    _by_family: dict[str, list[Loose]] = field(factory=dict)
    """Those without an id, and those that may be found by their name; the newest first."""

    def add(self, told: Told) -> None:
        """Takes in the results of a message, which is older than all before it."""
        self.room -= len(told.text)
        is_lost = self.room < 0
        kept = Told(b"", told.shape, told.place) if is_lost else told
        for result in reversed(told.shape.results):
            loose = Loose(result, kept, is_lost)
            if result.id is not None:
                self._by_id.setdefault(result.id, []).append(loose)
            if result.id is None or result.is_loose:
                self._by_family.setdefault(result.family, []).append(loose)

    def take(self, call: Call) -> Loose | None:
        """The result of a call, which is older than all of them."""
        found = self._with_id(call.id) if call.id is not None else None
        if found is None and (call.id is None or call.form.is_loose):
            found = self._of_family(call)
        if found is not None:
            found.is_taken = True
        return found

    def _with_id(self, call_id: str) -> Loose | None:
        same = self._by_id.get(call_id, [])
        while same:
            found = same.pop()
            if not found.is_taken:
                return found
        return None

    def _of_family(self, call: Call) -> Loose | None:
        family = self._by_family.get(call.form.family, [])
        for place in range(len(family) - 1, -1, -1):
            found = family[place]
            if found.is_taken or _belongs(call, found.result):
                del family[place]
                if not found.is_taken:
                    return found
        return None


def _belongs(call: Call, result: Result) -> bool:
    """Whether they belong together, as one of them, or both, have no id."""
    if call.id is not None and result.id is not None:
        return False
    return not call.name or not result.name or call.name == result.name
