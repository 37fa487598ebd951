"""What is known of the entries that are not in memory: of those that are no messages, the outline.

Which entries count, how many messages they are, and which record a key has follow from numbers,
kinds and keys alone. So a session of any length is rewound, forked and searched for its records
with what is here; only what a body says is read from the store.

It is packed, as nobody knows how many there are: a framework that keeps its state in records writes
a hundred thousand of them.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

from runtime.session.entries.marks import Marks
from runtime.session.entries.moments import MOMENT_SIZE, packed, unpacked
from runtime.store.entries import DROPPED, MESSAGE, Entry, Mark

_FORM = 0xFF
"""What of a form is kept: all but the size of a call, which is with the body."""


class Outline:
    """The marks of one life's entries, from the first one to some number; its actor's own."""

    __slots__ = ("_forms", "_key_ends", "_keys", "_kind_names", "_kinds", "_moments", "_seqs")

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self._seqs = array("Q")
        self._kinds = bytearray()
        """Places in `_kind_names`."""
        self._kind_names: list[str] = []
        self._forms = bytearray()
        self._moments = bytearray()
        self._keys = bytearray()
        self._key_ends = array("Q")
        """The keys, one behind the other, and where each ends. An empty one is none."""
        for mark in marks:
            self.add(*mark)

    def add(self, seq: int, kind: str, key: str | None, at: str, form: int) -> None:
        """Adds a mark behind the last one. Raises `ValueError` for a time that is not ours."""
        assert kind != MESSAGE, "messages are counted by what they are not"
        if kind not in self._kind_names:
            self._kind_names.append(kind)
        self._moments += packed(at)
        self._seqs.append(seq)
        self._kinds.append(self._kind_names.index(kind))
        self._forms.append(form & _FORM)
        if key is not None:
            self._keys += key.encode()
        self._key_ends.append(len(self._keys))

    def add_all(self, marks: Marks) -> None:
        """Adds marks behind the last one."""
        for name in marks.kind_names:
            if name not in self._kind_names:
                self._kind_names.append(name)
        codes = bytes(map(self._kind_names.index, marks.kind_names))
        self._kinds += marks.kinds.translate(codes.ljust(256))
        self._seqs.extend(marks.seqs)
        self._forms += marks.forms
        self._moments += marks.moments
        ends = accumulate(map(len, marks.keys), initial=len(self._keys))
        next(ends)
        self._key_ends.extend(ends)
        self._keys += b"".join(marks.keys)

    def kind(self, seq: int) -> str:
        """The kind of the entry of this number."""
        place = self._place(seq)
        return MESSAGE if place is None else self._kind_names[self._kinds[place]]

    def entry(self, seq: int) -> Entry:
        """The entry of this number, which is no message, without its body, call and chain."""
        place = self._place(seq)
        assert place is not None, f"entry {seq} is a message"
        start = self._key_ends[place - 1] if place else 0
        return Entry(
            seq,
            self._kind_names[self._kinds[place]],
            self._keys[start : self._key_ends[place]].decode() or None,
            unpacked(self._moments[MOMENT_SIZE * place : MOMENT_SIZE * (place + 1)]),
            b"",
            b"",
            None,
            self._forms[place],
        )

    def form(self, seq: int) -> int:
        """What that says of its form, at a tenth of the cost."""
        place = self._place(seq)
        assert place is not None, f"entry {seq} is a message"
        return self._forms[place]

    def of_kind(self, kind: str, low: int, high: int) -> Iterator[int]:
        """The numbers of the entries of a kind, which is not `message`, from `low` to `high`."""
        if kind not in self._kind_names:
            return
        code = self._kind_names.index(kind)
        place, end = bisect_left(self._seqs, low), bisect_right(self._seqs, high)
        while (place := self._kinds.find(code, place, end)) >= 0:
            yield self._seqs[place]
            place += 1

    def others(self, low: int, high: int) -> "array[int]":
        """The numbers of all of them from `low` to `high`: what is between are messages."""
        return self._seqs[bisect_left(self._seqs, low) : bisect_right(self._seqs, high)]

    def count(self, low: int, high: int) -> int:
        """How many of them there are from `low` to `high`."""
        return max(0, bisect_right(self._seqs, high) - bisect_left(self._seqs, low))

    def drop(self, seq: int) -> None:
        """The body of this entry is gone."""
        place = self._place(seq)
        assert place is not None, f"entry {seq} is a message"
        self._forms[place] |= DROPPED

    def _place(self, seq: int) -> int | None:
        place = bisect_left(self._seqs, seq)
        return place if place < len(self._seqs) and self._seqs[place] == seq else None
