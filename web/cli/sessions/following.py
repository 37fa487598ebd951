"""The entries of a session as they are committed, read from the database: like `tail -f`.

A database tells nobody of its commits, so it is looked at again and again. A look with nothing new
costs two or three reads by number, however long the session is. It needs no service, and disturbs
none; whoever wants to be told at once follows the service's own stream.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from attrs import define, field

from runtime import (
    SECONDS,
    Entry,
    MiB,
    Row,
    SessionDamaged,
    StoreUnavailable,
    TrashedSession,
    Wanted,
    damaged,
)

T = TypeVar("T")

PAUSE = 0.25 * SECONDS
"""Between two looks: a person does not notice, and a thousandth of a processor is used."""

PATIENCE = 1 * SECONDS
"""Until a database that cannot be read is tried again."""

AT_ONCE = 100
"""Entries that are asked for, at most."""


class Finds(Protocol):
    """Whatever reads entries."""

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]: ...

    def trashed(self, no: int) -> TrashedSession | None: ...


@define(eq=False)
class Followed:
    """One life of a session, read from its beginning on."""

    _store: Finds
    session_id: str
    no: int
    _wait: Callable[[float], object] = field(default=time.sleep, kw_only=True)
    _last: int = field(default=0, init=False)
    """The number of the entry that was read last."""
    _smallest: tuple[int, int] | None = field(default=None, init=False)
    """The size and the number of the smallest entry so far: while that is there, so is the life."""

    def until(self, version: int) -> Iterator[Entry]:
        """The entries up to a version that is committed, however many they are.

        Raises `StoreError`.
        """
        while self._last < version:
            rows = self._store.find(
                self.no, Wanted(seqs=range(self._last + 1, version + 1), room=MiB)
            )
            if not rows:
                raise StoreUnavailable(
                    "The session was deleted for good while it was being printed"
                )
            yield from self._read(rows)

    def on(self, complain: Callable[[StoreUnavailable], object]) -> Iterator[Entry]:
        """The entries behind these, each once it is committed; ends when the session is deleted.

        While the database cannot be read, it is tried again, and `complain` is told once. Raises
        `StoreError` where that cannot help.
        """
        is_gone = False
        while not is_gone:
            # In this order: of what is gone, all entries have been committed.
            is_gone = self._patiently(self._is_gone, complain)
            while rows := self._patiently(self._new, complain):
                yield from self._read(rows)
            if not is_gone:
                self._wait(PAUSE)

    def _new(self) -> Sequence[Row]:
        first = self._last + 1
        return self._store.find(self.no, Wanted(seqs=range(first, first + AT_ONCE), room=MiB))

    def _is_gone(self) -> bool:
        if self._store.trashed(self.no) is not None:
            return True
        return self._smallest is not None and not self._store.find(
            self.no, Wanted(seqs=(self._smallest[1],))
        )

    def _read(self, rows: Sequence[Row]) -> Iterator[Entry]:
        for row in rows:
            entry = Entry(*row)
            if entry.seq != self._last + 1:
                raise damaged(self.session_id, f"entry {self._last + 1} is missing")
            self._last = entry.seq
            place = (entry.size, entry.seq)
            self._smallest = place if self._smallest is None else min(self._smallest, place)
            yield entry

    def _patiently(
        self, read: Callable[[], T], complain: Callable[[StoreUnavailable], object]
    ) -> T:
        has_complained = False
        while True:
            try:
                return read()
            except SessionDamaged:
                raise
            except StoreUnavailable as error:
                if not has_complained:
                    complain(error)
                has_complained = True
                self._wait(PATIENCE)
