"""What the two sides of a move do, whatever stores they are.

A move is an audit of the one store that hands on what it reads to the other one, and then an audit
of what arrived. Neither takes more memory for a large store than for a small one.
"""

from collections.abc import Callable, Generator
from typing import Protocol

from attrs import define, field, frozen

from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import DraftRow, LifeRow, Sink
from persistence.used import UsedRow
from runtime import MiB, Row, text_size

Progress = Callable[[str, int, int], object]
"""Called with what is being done (a word or two), the entries that this is through with, and those
that there are in all."""

BATCH_ROWS = 5_000
"""Rows that are written at once: with more, bulk statements gain nothing."""

BATCH_BYTES = 4 * MiB
"""Bytes of text that are written at once, or one row's more: this many are in memory, a few times
over."""


class Source(Protocol):
    """A store that is moved from. Until the end nobody changes it, not even this process."""

    @property
    def entries(self) -> int:
        """How many there are, as the rows of the sessions say."""

    @property
    def next_no(self) -> int:
        """A number that no life here has ever had, nor any number above it."""

    def audit(self, tally: Tally, sink: Sink) -> Generator[Problem, None, None]:
        """What is wrong with it; hands on all that is kept of lives, but of those being purged."""


class Target(Protocol):
    """A new store that is moved to. Before `keep` nothing of it is there for anybody else."""

    def write(self, batch: "Batch") -> None:
        """Takes what comes next. Raises `StoreError`."""

    def finish(self, tally: Tally, next_no: int) -> None:
        """Takes note that this was all. Numbers of new lives begin with `next_no`, or above it."""

    def audit(self, tally: Tally, sink: Sink) -> Generator[Problem, None, None]:
        """What is wrong with what has arrived; hands it on as a source does."""

    def keep(self) -> None:
        """Makes it the store of its name, at once and as a whole. Raises `StoreError`."""


@frozen
class Batch:
    """Rows that are to be written together. What an entry or a draft is of, is there by then."""

    lives: list[LifeRow] = field(factory=list)
    entries: list[tuple[int, Row]] = field(factory=list)
    """With the number of the life."""
    drafts: list[DraftRow] = field(factory=list)
    used: list[UsedRow] = field(factory=list)


@define(eq=False)
class Batches:
    """A sink that gathers what comes. `flush` writes the rest."""

    _write: Callable[[Batch], None]
    _batch: Batch = field(factory=Batch, init=False)
    _rows: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    def life(self, row: LifeRow) -> None:
        self._batch.lives.append(row)
        self._gathered(0 if row.settings is None else len(row.settings.metadata))

    def entry(self, no: int, row: Row) -> None:
        self._batch.entries.append((no, row))
        self._gathered(text_size(row))

    def used(self, row: UsedRow) -> None:
        self._batch.used.append(row)
        self._gathered(0)

    def draft(self, row: DraftRow) -> None:
        self._batch.drafts.append(row)
        self._gathered(len(row.body))

    def flush(self) -> None:
        """Writes what has been gathered."""
        batch, self._batch = self._batch, Batch()
        self._rows = self._bytes = 0
        self._write(batch)

    def _gathered(self, size: int) -> None:
        self._rows += 1
        self._bytes += size
        if self._rows >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            self.flush()
