"""How far an audit has got, for whoever waits for it."""

from collections.abc import Callable

from attrs import define, field

from persistence.auditing.rows import DraftRow, LifeRow
from runtime import Row

Progress = Callable[[str, int, int], object]
"""Called with what is being done (a word), the entries that it is through with, and those that
there are in all."""

TELL_EVERY = 1_000
"""Entries between two calls: some ten milliseconds."""


@define(eq=False)
class Telling:
    """A `Sink` that counts what comes, and keeps nothing of it."""

    _tell: Progress
    _total: int
    _entries: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        # What comes before the first entry takes its time, too.
        self._tell("checking", 0, self._total)

    def life(self, row: LifeRow) -> None:
        """The next life."""

    def entry(self, no: int, row: Row) -> None:  # noqa: ARG002
        """The next entry."""
        self._entries += 1
        if self._entries % TELL_EVERY == 0:
            self._tell("verifying", self._entries, self._total)

    def draft(self, row: DraftRow) -> None:
        """The next chunk."""
