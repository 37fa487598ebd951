"""A database with one very long session, and others that are short beside it."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from random import Random

from attrs import field, frozen

from benchmarks import resident
from benchmarks.stores import fill_one
from benchmarks.workload import Message, text
from runtime.session.kind import New
from runtime.session.message import from_json

SIZE = 10_000
"""Characters of a message: what a tool returns. A hundred thousand of them are a gigabyte."""

PREFIX = "long-"
LONG = f"{PREFIX}0"


@frozen(slots=False)
class Gigabyte:
    """Where it is, and what is in it."""

    path: Path
    length: int
    """Messages of the long session."""
    short: int
    """Messages of each of the others. So many that these, too, are not all in memory."""
    others: tuple[str, ...] = field(
        default=tuple(f"{resident.OTHERS}{number}" for number in range(5)), init=False
    )
    """The ids of the others."""

    def make(self) -> None:
        """Fills the database."""
        fill_one(self.path, LONG, self._news(self.length))
        for other in self.others:
            fill_one(self.path, other, self._news(self.short))

    def message(self, seq: int) -> Message:
        """The message of this number, from 1 on; of all numbers another one, and as long."""
        start = seq * 7919 % SIZE  # a prime that divides no power of ten
        content = f"{seq:06}{self._prose[start : start + SIZE - 6]}"
        return {"role": "user", "content": content, "id": f"message-{seq:08x}"}

    def _news(self, length: int) -> Iterator[New]:
        return (from_json(self.message(seq)) for seq in range(1, length + 1))

    @cached_property
    def _prose(self) -> str:
        return text(2 * SIZE, Random(0))  # noqa: S311 -- it only varies the text
