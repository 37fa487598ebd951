"""The numbers of lives that begin: taken ahead, so that a batch can be sent without an answer."""

from attrs import define, field

from persistence.postgres.connections import Connection
from persistence.postgres.schema import NUMBERS

_NEXT = "SELECT nextval('agent_runtime.session_no') FROM generate_series(1, %s)"


@define(eq=False)
class Numbers:
    """Numbers that no other store has, and no life yet. Of one thread at a time."""

    _free: list[int] = field(factory=list)
    """The lowest last."""

    def has(self, count: int) -> bool:
        """Whether there are so many."""
        return len(self._free) >= count

    def ensure(self, connection: Connection, count: int) -> None:
        """Takes more, unless there are so many. No transaction gives one back, whatever its end."""
        if self.has(count):
            return
        blocks = -(-(count - len(self._free)) // NUMBERS)
        found = [first for (first,) in connection.execute(_NEXT, (blocks,))]
        taken = [first + n for first in sorted(found) for n in range(NUMBERS)]
        self._free = taken[::-1] + self._free

    def take(self) -> int:
        """The next one. Who asks for more than there are has not ensured them."""
        return self._free.pop()
