"""All entries of one life, wherever they are: the newest in memory, the others in the store.

Rules:

- Of the entries before the tail, the outline is here: whatever does not ask for a body is answered
  without the store.
- Where a body is asked for that is not here, `Needs` says which; the command is called again with
  it, and what was brought goes when the command is done.
- What has become long enough is cut: its oldest bodies go, and their marks are added to the
  outline. Only what the store has is cut.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from types import MappingProxyType

from attrs import evolve

from runtime.config import KiB, MiB
from runtime.session.entries.chain import dropped_body, new_root
from runtime.session.entries.departed import NOBODY, Departed
from runtime.session.entries.keys import Keys
from runtime.session.entries.outline import Outline
from runtime.session.entries.tail import Needs, Tail
from runtime.session.kind import Kinds
from runtime.store.entries import DROPPED, MESSAGE, Entry, Row, Wanted
from runtime.store.stored import StoredSession

NOTHING: Mapping[int, Entry] = MappingProxyType({})
UNSOUGHT = Wanted()
NO_MARKS = Outline()
"""Shared by all logs, and never added to: an empty container for each would be a tenth of a small
session's memory."""

PAGE_BYTES = 4 * MiB
"""Bytes of text that are read for one page, or one entry's more. A page of a thousand entries that
are as long as they can be would be 16 GiB."""

SLACK = 4
"""A tail is cut when it is longer than it should be by the fourth part of that, and then to what it
should be: each cut copies some of what stays."""

RUN = 64
"""Entries that are no messages and follow on each other are passed over in so many at a time, where
messages are looked for: a call may have brought ten thousand of them."""

CUT_AT_ONCE = 250
"""Entries that are cut at once: less than a millisecond, if none of them is a message; two where
ten thousand calls stay in memory."""

PACKED_AT_ONCE = 50
"""Entries that one stretch of the event loop packs: about a millisecond."""

PACKED_BYTES = 256 * KiB
"""Bytes of their text, or one entry's more: about as long."""

Brought = Sequence[tuple[Wanted, Sequence[Row]]]
"""What was wanted, and what there is of it."""


class Log:
    """The log of one life; its actor's own."""

    __slots__ = (
        "_brought",
        "_calls",
        "_departed",
        "_is_cutting",
        "_keys",
        "_kinds",
        "_sought",
        "outline",
        "settled",
        "tail",
    )

    def __init__(self, kinds: Kinds, tail: Tail, outline: Outline) -> None:
        self.tail = tail
        """The newest entries."""
        self.outline = outline
        """What is known of the others."""
        self.settled = tail.settled
        """Entries up to this number are in the store; the tail may have yet to pack some of them.
        """
        self._kinds = kinds
        self._is_cutting = False
        """Whether a cut has begun, and goes on."""
        self._keys = Keys(self._keyed, tail.first)
        """Of the entries in the tail; not of kinds whose keys repeat."""
        self._calls: dict[str, tuple[int, ...]] = {}
        """By the id of a call that begins in the tail: the first numbers of it. Several, if a
        rewind freed the id between."""
        self._departed: Departed | None = NOBODY if tail.first == 1 else None
        """The keys and calls of what is not in the tail; `None`: not all of them are known."""
        self._brought = NOTHING
        """Entries that are not in the tail, but were read for the present command."""
        self._sought = UNSOUGHT
        """What was read for the present command, whether there was such an entry or not."""
        for seq, call in tail.calls():
            self._calls[call] = (*self._calls.get(call, ()), seq)

    @classmethod
    def begin(cls, kinds: Kinds, root: bytes | None = None) -> "Log":
        """A log without entries."""
        return cls(kinds, Tail(new_root() if root is None else root), NO_MARKS)

    @classmethod
    def restored(cls, kinds: Kinds, stored: StoredSession) -> "Log":
        """A log as the store has it. Raises `ValueError` for rows that are not this program's."""
        last = stored.header.version
        tail = Tail.of_rows(stored.root, stored.entries, stored.before, last)
        if tail.last != last:
            raise ValueError(f"the log ends at {tail.last}, and the header says otherwise")
        return cls(kinds, tail, Outline(stored.outline) if stored.outline else NO_MARKS)

    # -- what is known of an entry -------------------------------------------------------------

    @property
    def root(self) -> bytes:
        """The chain before entry 1."""
        return self.tail.root

    @property
    def last(self) -> int:
        """The number of the last entry; 0 if there is none."""
        return self.tail.last

    @property
    def fresh(self) -> Sequence[Entry]:
        """The entries that the store does not have."""
        unpacked = self.settled - self.tail.settled
        return self.tail.fresh[unpacked:] if unpacked else self.tail.fresh

    def entry(self, seq: int) -> Entry:
        """The entry of this number. Raises `Needs`."""
        if seq >= self.tail.first:
            return self.tail.entry(seq)
        found = self._brought.get(seq)
        if found is None:
            raise Needs(Wanted(seqs=(seq,)))
        return found

    def body(self, seq: int) -> tuple[bytes, int]:
        """Its body and its form alone. Raises `Needs`."""
        if seq >= self.tail.first:
            return self.tail.body(seq)
        entry = self.entry(seq)
        return entry.body, entry.form

    def mark(self, seq: int) -> Entry:
        """The entry of this number, which is no message; before the tail it may have no body."""
        if seq >= self.tail.first:
            return self.tail.entry(seq)
        return self._brought.get(seq) or self.outline.entry(seq)

    def kind(self, seq: int) -> str:
        """The kind of the entry of this number."""
        return self.tail.kind(seq) if seq >= self.tail.first else self.outline.kind(seq)

    def chain(self, seq: int) -> bytes:
        """The chain behind the entry of this number, from 0 to `last`. Raises `Needs`."""
        brought = self._brought.get(seq)
        return self.tail.chain(seq) if brought is None else brought.chain

    # -- which entries there are ---------------------------------------------------------------

    def of_kind(self, kind: str, low: int, high: int) -> Iterator[int]:
        """The numbers of the entries of a kind, from `low` to `high`."""
        first = self.tail.first
        if low < first:
            if kind == MESSAGE:
                yield from self._early_messages(low, min(high, first - 1))
            else:
                yield from self.outline.of_kind(kind, low, min(high, first - 1))
        yield from self.tail.of_kind(kind, low, high)

    def back_from(self, kind: str, low: int, high: int) -> Iterator[int]:
        """The same, the other way."""
        yield from self.tail.of_kind(kind, low, high, backwards=True)
        first = self.tail.first
        if low < first:
            if kind == MESSAGE:
                yield from self._early_messages(low, min(high, first - 1), backwards=True)
            else:
                yield from reversed(list(self.outline.of_kind(kind, low, min(high, first - 1))))

    def others(self, low: int, high: int) -> Iterator[int]:
        """The numbers of the settled entries from `low` to `high` that are no messages."""
        yield from self.outline.others(low, high)
        tail, end = self.tail, min(high, self.settled)
        yield from tail.others(max(low, tail.first), min(end, tail.settled))
        for entry in tail.fresh:
            if low <= entry.seq <= end and entry.kind != MESSAGE:
                yield entry.seq

    def count_messages(self, low: int, high: int) -> int:
        """How many messages there are from `low` to `high`."""
        first = self.tail.first
        found = self.tail.count(MESSAGE, low, high)
        if low < first:
            end = min(high, first - 1)
            found += max(0, end + 1 - low) - self.outline.count(low, end)
        return found

    def seqs_of_key(self, kind: str, key: str) -> list[int]:
        """The numbers of the entries here of a kind with this key, also those that do not count."""
        resident = ((seq, self.tail.entry(seq)) for seq in self._keys.candidates(kind, key))
        return [
            seq
            for seq, entry in (*resident, *self._brought.items())
            if (entry.kind, entry.key) == (kind, key)
        ]

    def seqs_of_call(self, call: str) -> list[int]:
        """The first number that each call of this id was given, the last call first. `Needs`."""
        is_unknown = self._has_left(call) and call not in self._sought.calls
        if self.tail.first > 1 and is_unknown:
            raise Needs(Wanted(calls=(call,)))
        brought = (seq for seq, entry in self._brought.items() if entry.call == call)
        return sorted({*self._calls.get(call, ()), *brought}, reverse=True)

    # -- what is brought for a command ---------------------------------------------------------

    def need(self, seqs: Iterable[int], room: int | None = None) -> None:
        """Raises one `Needs` for all of these entries that are neither here nor were asked for."""
        first = self.tail.first
        lacking = [
            seq
            for seq in seqs
            if seq < first and seq not in self._brought and seq not in self._sought.seqs
        ]
        if lacking:
            raise Needs(Wanted(seqs=lacking, room=room))

    def is_here(self, seq: int) -> bool:
        """Whether `entry` gives the entry of this number."""
        return seq >= self.tail.first or seq in self._brought

    def need_keys(self, keys: Iterable[tuple[str, str]]) -> None:
        """Raises one `Needs` for all of these kinds and keys that were not asked for."""
        if self.tail.first > 1:
            lacking = [
                key
                for key in dict.fromkeys(keys)
                if key not in self._sought.keys
                # Of other kinds, keys are not kept.
                and (not self._kinds[key[0]].is_unique or self._has_left(key))
            ]
            if lacking:
                raise Needs(Wanted(keys=tuple(lacking)))

    def bring(self, wanted: Wanted, rows: Sequence[Row]) -> None:
        """Gives what the present command needs; `release` takes it away again.

        Raises `ValueError` if the store does not have what the log says.
        """
        asked = islice(wanted.seqs, None if wanted.room is None else 1)
        if missing := set(asked) - {row[0] for row in rows}:
            raise ValueError(f"entry {min(missing)} is missing")
        self._brought = {**self._brought, **{row[0]: self._as_known(Entry(*row)) for row in rows}}
        before = self._sought
        self._sought = Wanted(
            keys={*before.keys, *wanted.keys},
            calls={*before.calls, *wanted.calls},
            seqs={*before.seqs, *wanted.seqs},
        )

    def release(self) -> None:
        """The command is done: what was brought for it can go."""
        if self._brought or self._sought is not UNSOUGHT:
            self._brought, self._sought = NOTHING, UNSOUGHT

    # -- what changes it -----------------------------------------------------------------------

    def append(self, entry: Entry) -> None:
        """Adds a fresh entry, which follows on the last one."""
        self.tail.append(entry)
        if entry.key is not None and self._kinds[entry.kind].is_unique:
            self._keys.add(entry.seq, entry.kind, entry.key)
        if entry.call is not None:
            self._calls[entry.call] = (*self._calls.get(entry.call, ()), entry.seq)

    def take_back(self, last: int) -> list[Entry]:
        """Removes the fresh entries behind number `last`, which nobody has seen; returns them."""
        assert last >= self.settled, "what the store has stays"
        gone = [entry for entry in self.tail.fresh if entry.seq > last]
        for entry in reversed(gone):
            if entry.key is not None and self._kinds[entry.kind].is_unique:
                self._keys.remove(entry.seq, entry.kind, entry.key)
            if entry.call is not None:
                self._calls[entry.call] = self._calls[entry.call][:-1]
        self.tail.take_back(last)
        return gone

    def settle(self, last: int, resident_bytes: int | None) -> bool:
        """Takes note that the store has the entries up to this number, and settles some of them.

        Returns whether `settle_more` has more to do.
        """
        self.settled = last
        return self.settle_more(resident_bytes)

    def settle_more(self, resident_bytes: int | None) -> bool:
        """Packs some of what the store has, and cuts some of what is beyond so many bytes.

        `None`: nothing is cut. Returns whether there is more to do: all at once would hold up
        everybody else.
        """
        tail = self.tail
        last, size = tail.settled, 0
        if self.settled == last + 1:  # as most often
            last = self.settled
        for entry in islice(tail.fresh, min(PACKED_AT_ONCE, self.settled - last)):
            last, size = entry.seq, size + entry.size
            if size >= PACKED_BYTES:
                break
        tail.settle(last)
        if resident_bytes is not None:
            slack = 0 if self._is_cutting else resident_bytes // SLACK
            if tail.size > resident_bytes + slack:
                goal = tail.beyond(resident_bytes)
                self._cut(min(goal, tail.first + CUT_AT_ONCE))
                self._is_cutting = goal > self.tail.first
            if self._is_cutting:
                return True
        return self.tail.settled < self.settled

    def drop(self, seq: int) -> None:
        """The body of a settled record is gone."""
        if seq >= self.tail.first:
            if seq > self.tail.settled:
                self.tail.settle(seq)
            self.tail.drop(seq, dropped_body(self.tail.entry(seq)))
        else:
            self.outline.drop(seq)

    # -- inside ------------------------------------------------------------------------------

    def _as_known(self, entry: Entry) -> Entry:
        """The entry without its body, if that is gone but for the store, which has yet to hear."""
        is_early_mark = entry.kind != MESSAGE and entry.seq < self.tail.first
        if not is_early_mark or entry.form & DROPPED:
            return entry
        if not self.outline.form(entry.seq) & DROPPED:
            return entry
        return evolve(entry, body=dropped_body(entry), form=entry.form | DROPPED)

    def _cut(self, first: int) -> None:
        tail = self.tail
        if first == tail.first:
            return
        if self.outline is NO_MARKS:
            self.outline = Outline()
        self.outline.add_all(tail.marks(tail.first, first - 1))
        if self._departed is not None:
            keys = ((kind, key) for _, kind, key in self._keyed(first))
            calls = (call for seq, call in tail.calls() if seq < first)
            self._departed = self._departed.with_more([*keys, *calls])
        if self._calls:
            for seq, call in takewhile(lambda begun: begun[0] < first, tail.calls()):
                left = tuple(other for other in self._calls.pop(call) if other > seq)
                if left:
                    self._calls[call] = left
        self.tail = tail.cut(first)
        self._keys.cut(first)

    def _has_left(self, name: str | tuple[str, str]) -> bool:
        """Whether a call, or a kind and a key, may be before the tail."""
        return self._departed is None or self._departed.may_have(name)

    def _keyed(self, before: int | None = None) -> Iterator[tuple[int, str, str]]:
        return (keyed for keyed in self.tail.keyed(before) if self._kinds[keyed[1]].is_unique)

    def _early_messages(self, low: int, high: int, *, backwards: bool = False) -> Iterator[int]:
        # What is between all others; not looked for before it is asked for, as others may be many.
        others = self.outline.others(low, high)
        place, end = 0, len(others)
        if not backwards:
            while place < end:
                ahead = place + RUN - 1
                if ahead < end and others[ahead] == low + RUN - 1:
                    place, low = place + RUN, low + RUN
                    continue
                yield from range(low, others[place])
                low = others[place] + 1
                place += 1
            yield from range(low, high + 1)
        else:
            while end > 0:
                if end >= RUN and others[end - RUN] == high + 1 - RUN:
                    end, high = end - RUN, high - RUN
                    continue
                end -= 1
                yield from range(high, others[end], -1)
                high = others[end] - 1
            yield from range(high, low - 1, -1)
