"""Moves all sessions from one store to another: whole, or not at all.

Everything is looked at twice: when it is read, and when it has arrived. Each time the chains are
computed anew; and what one side of a move read and what the other one has come to the same digest.
"""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from hashlib import blake2b
from typing import Any

import msgspec
from attrs import define, field, frozen

from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import DraftRow, LifeRow, Sink
from persistence.transfer import Batches, Progress, Source, Target
from persistence.used import UsedRow
from runtime import CannotOpenStore, Row, StoreBroken

TELL_EVERY = 1_000
"""Entries between two calls of `progress`: some ten milliseconds."""

_encode = msgspec.msgpack.encode


@frozen(kw_only=True)
class Moved:
    """What `move` did."""

    sessions: int
    messages: int
    switches: int
    """Agent switches."""
    trashed: int
    """Sessions in the trash."""
    entries: int
    seconds: float


def move(source: Source, target: Target, name: str, progress: Progress | None = None) -> Moved:
    """Copies all that `source` has, which is called `name`, to `target`, and makes that a store.

    Raises `CannotOpenStore` if the source is damaged, and `StoreError`; there is no target then.
    """
    begun = time.monotonic()
    total = source.entries
    tell = progress or _ignore

    read = Tally()
    batches = Batches(target.write)
    sent = _Passing(batches, lambda done: tell("copying", done, total))
    if (problem := _first(source.audit(read, sent))) is not None:
        raise CannotOpenStore(
            f"{name} is damaged: {problem}",
            "Nothing was moved, and nothing is changed. `agent-runtime verify` lists all that is "
            "wrong; restore a backup, and move that",
        )
    batches.flush()
    target.finish(read, source.next_no)

    there = Tally()
    arrived = _Passing(None, lambda done: tell("verifying", done, total))
    problem = _first(target.audit(there, arrived))
    if problem is not None or (there, arrived.digest) != (read, sent.digest):
        raise StoreBroken(
            f"What was written is not what was read: {problem or 'other rows'}. Nothing was moved"
        )

    target.keep()
    return Moved(
        sessions=read.living,
        messages=read.messages,
        switches=read.switches,
        trashed=read.trashed,
        entries=read.entries,
        seconds=time.monotonic() - begun,
    )


def _first(problems: Generator[Problem, None, None]) -> str | None:
    """The first problem, if there is one: nothing is asked for more then."""
    with closing(problems):
        for _, sentence in problems:
            return sentence
    return None


@define(eq=False)
class _Passing:
    """A sink that hands on, and makes a digest of what comes."""

    _next: Sink | None
    _tell: Callable[[int], object]
    _digest: Any = field(factory=blake2b, init=False)
    _entries: int = field(default=0, init=False)

    @property
    def digest(self) -> bytes:
        """What tells whether the same came elsewhere."""
        return bytes(self._digest.digest())

    def life(self, row: LifeRow) -> None:
        self._digest.update(_encode(row))
        if self._next is not None:
            self._next.life(row)

    def entry(self, no: int, row: Row) -> None:
        seq, kind, key, at, _, chain, _, form, call = row
        # The chain has been found to say what the body and the metadata do.
        self._digest.update(_encode((seq, kind, key, at, chain, form, call)))
        self._entries += 1
        if self._entries % TELL_EVERY == 0:
            self._tell(self._entries)
        if self._next is not None:
            self._next.entry(no, row)

    def used(self, row: UsedRow) -> None:
        self._digest.update(_encode(row))
        if self._next is not None:
            self._next.used(row)

    def draft(self, row: DraftRow) -> None:
        self._digest.update(_encode(row))
        if self._next is not None:
            self._next.draft(row)


def _ignore(_what: str, _done: int, _total: int) -> None:
    """Nobody wants to know."""
