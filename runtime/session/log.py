"""A session's entries in memory, in the order of their numbers; what is on disk is kept packed.

Rules:

- Entries are only ever added, at the end. So a `Stretch` stays what it is, whatever comes later.
  (`take_back` is for a call that is refused half-way, before anybody could have seen its entries.)
- The entries up to `settled` are those that the store has. They are packed: one piece of JSON with
  a comma behind each body, and columns for the rest. A list of objects would take up to three times
  the memory of short messages, and the garbage collector would walk through all of it again and
  again. Where messages follow on each other it also is, but for brackets, what a history answers.
- The others are *fresh*: kept as they came, since the next delta takes them as they are.
- Entries below `first` are not in memory. Asking for one raises `Needs`.
- Only the event loop's thread adds and settles. Any thread may read: what is packed is written
  before `_tail` says so, and `_tail` is one object, which is replaced.
"""

import re
from array import array
from binascii import unhexlify
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, repeat

from attrs import frozen

from runtime.session.chain import LINK_SIZE
from runtime.store import CALL_SIZE, DROPPED, PLAIN, Entry, Row, Wanted

MESSAGE = "message"
"""The one kind that the log knows of: histories are cut out of it."""

_FULL = 1024 * 1024
"""Bytes of a piece that is not merged any more: one stretch of the event loop never moves much more
than what an append brings, however much is there."""

_TIME_SIZE = 9
"""Bytes of a packed timestamp: its digits, two in a byte."""
_TIME_LENGTHS = {len("2025-12-31T08:45:00.000Z")}
_TIME_DIGITS = bytes.maketrans(b"Z", b"0")
_TIME_MARKS = b"-T:."

_SHOWN, _TRANSFORMED = 16, 32
"""In `_forms`, beside an entry's own form: a message whose body a history shows as it is, or one
that is transformed."""
_FORM = 15
_NARROW = 1 << 32
_RUNS = re.compile(b"[\x10-\x1f]+|[\x20-\x2f]")


class Needs(Exception):
    """What a command lacks in memory. It has changed nothing; it is called again with it."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class Log:
    """The entries of one life of a session; its actor's own."""

    __slots__ = (
        "_calls",
        "_chains",
        "_dropped",
        "_ends",
        "_forms",
        "_key_ends",
        "_keys",
        "_kind_names",
        "_kinds",
        "_metadata",
        "_packed",
        "_tail",
        "_times",
        "first",
        "last",
        "root",
    )

    def __init__(self, root: bytes, first: int = 1) -> None:
        self.root = root
        """The chain before entry 1."""
        self.first = first
        """The number of the first entry in memory."""
        self._packed: tuple[list[bytes], array[int]] = [], array("Q")
        """Settled bodies in pieces, a comma behind each, and where each piece begins in all of
        them. A piece is merged with the one before it when it is as large, until that is full: so
        there are few, none has room in reserve, and each byte moves seldom. Replaced as one, for
        readers in threads."""
        self._ends = array("I")
        """Where the comma behind each settled body ends. Made wider when 4 GiB are not enough."""
        self._times = bytearray()
        self._chains = bytearray()
        self._forms = bytearray()
        self._kinds = bytearray()
        """Places in `_kind_names`."""
        self._kind_names: list[str] = []
        self._keys = bytearray()
        self._key_ends = array("I")
        """The keys of the settled entries, one behind the other, and where each ends, up to the
        last entry that has one: mostly none has. An empty one is none."""
        self._metadata: dict[int, bytes] = {}
        self._calls: dict[int, tuple[str, int]] = {}
        """Both by index, of the settled entries that have any. A call's with its size."""
        self._dropped: dict[int, bytes] = {}
        """By index: what stands in the place of a body that the store has dropped since."""
        self._tail: tuple[int, list[Entry]] = 0, []
        """How many entries are settled, and the fresh ones behind them."""
        self.last = first - 1
        """The number of the last entry; 0 if there is none."""

    @classmethod
    def of_rows(cls, root: bytes, rows: Sequence[Row]) -> "Log":
        """A log of stored entries; a tenth of the time that objects would take.

        Raises `ValueError` for rows that are not this program's.
        """
        log = cls(root, rows[0][0] if rows else 1)
        if rows:
            log._pack(*zip(*rows, strict=True))
            log._tail = len(rows), []
            log.last = rows[-1][0]
        return log

    @property
    def settled(self) -> int:
        """Entries up to this number are in the store."""
        return self.first - 1 + self._tail[0]

    @property
    def fresh(self) -> Sequence[Entry]:
        """The entries that the store does not have."""
        return self._tail[1]

    def entry(self, seq: int) -> Entry:
        """The entry of this number, from 1 to `last`. Raises `Needs`."""
        index = seq - self.first
        if index < 0:
            raise Needs(Wanted(seqs=(seq,)))
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled]
        call, size = self._calls.get(index, (None, 0))
        return Entry(
            seq,
            self._kind_names[self._kinds[index]],
            self._key(index),
            _moment(self._times[_TIME_SIZE * index : _TIME_SIZE * (index + 1)]),
            self._dropped.get(index)
            or self._cut(self._ends[index - 1] if index else 0, self._ends[index] - 1),
            bytes(self._chains[LINK_SIZE * index : LINK_SIZE * (index + 1)]),
            self._metadata.get(index),
            self._forms[index] & _FORM | size << CALL_SIZE,
            call,
        )

    def at(self, seq: int) -> str:
        """The time of a resident entry."""
        index = seq - self.first
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled].at
        return _moment(self._times[_TIME_SIZE * index : _TIME_SIZE * (index + 1)])

    def kind(self, seq: int) -> str:
        """The kind of a resident entry."""
        index = seq - self.first
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled].kind
        return self._kind_names[self._kinds[index]]

    def chain(self, seq: int) -> bytes:
        """The chain behind the entry of this number, from 0 to `last`. Raises `Needs`."""
        if seq == 0:
            return self.root
        index = seq - self.first
        if index < 0:
            raise Needs(Wanted(seqs=(seq,)))
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled].chain
        return bytes(self._chains[LINK_SIZE * index : LINK_SIZE * (index + 1)])

    def of_kind(self, kind: str, low: int, high: int, *, backwards: bool = False) -> Iterator[int]:
        """The numbers of resident entries of a kind, from `low` to `high`, or the other way."""
        settled, fresh = self._tail
        start = self.first + settled
        loose = [
            entry.seq
            for entry in fresh[max(0, low - start) : max(0, high + 1 - start)]
            if entry.kind == kind
        ]
        begin, end = max(0, low - self.first), max(0, min(settled, high + 1 - self.first))
        if backwards:
            yield from reversed(loose)
        if kind in self._kind_names and begin < end:
            code = self._kind_names.index(kind)
            # Found by C, also where there is one in ten thousand.
            if backwards:
                index = self._kinds.rfind(code, begin, end)
                while index >= 0:
                    yield index + self.first
                    index = self._kinds.rfind(code, begin, index)
            else:
                index = self._kinds.find(code, begin, end)
                while index >= 0:
                    yield index + self.first
                    index = self._kinds.find(code, index + 1, end)
        if not backwards:
            yield from loose

    def append(self, entry: Entry) -> None:
        """Adds a fresh entry, which follows on the last one."""
        self._tail[1].append(entry)
        self.last = entry.seq

    def take_back(self, last: int) -> None:
        """Removes the fresh entries behind number `last`, which nobody has seen."""
        settled, fresh = self._tail
        assert last >= self.settled, "what the store has stays"
        self._tail = settled, fresh[: last - self.settled]
        self.last = last

    def settle(self, last: int) -> None:
        """Takes note that the store has the entries up to this number."""
        before, fresh = self._tail
        settled = fresh[: last - self.settled]
        if len(settled) == 1:
            self._pack_one(settled[0])
            self._tail = before + 1, fresh[1:]
        elif settled:
            self._pack(
                [entry.seq for entry in settled],
                [entry.kind for entry in settled],
                [entry.key for entry in settled],
                [entry.at for entry in settled],
                [entry.body for entry in settled],
                [entry.chain for entry in settled],
                [entry.metadata for entry in settled],
                [entry.form for entry in settled],
                [entry.call for entry in settled],
            )
            self._tail = before + len(settled), fresh[len(settled) :]

    def drop(self, seq: int, instead: bytes) -> None:
        """The body of a settled entry is gone; this stands in its place."""
        index = seq - self.first
        if 0 <= index < self._tail[0]:
            self._dropped[index] = instead
            self._forms[index] |= DROPPED

    def count(self, kind: str, low: int, high: int) -> int:
        """How many resident entries from `low` to `high` are of this kind."""
        settled, fresh = self._tail
        start = self.first + settled
        found = sum(
            entry.kind == kind for entry in fresh[max(0, low - start) : max(0, high + 1 - start)]
        )
        if kind in self._kind_names:
            code = self._kind_names.index(kind)
            begin, end = max(0, low - self.first), min(settled, high - self.first + 1)
            found += self._kinds.count(code, begin, max(begin, end))
        return found

    def keyed(self) -> "Iterator[tuple[int, str, str]]":
        """Number, kind and key of each resident entry that has a key."""
        text, start = self._keys.decode(), 0
        bytewise = len(text) == len(self._keys)
        for index, end in enumerate(self._key_ends):
            if end > start:
                key = text[start:end] if bytewise else self._keys[start:end].decode()
                yield index + self.first, self._kind_names[self._kinds[index]], key
                start = end
        for entry in self._tail[1]:
            if entry.key is not None:
                yield entry.seq, entry.kind, entry.key

    def calls(self) -> "Iterator[tuple[int, str]]":
        """Number and call of each resident entry that began a call with an id."""
        for index, (call, _) in self._calls.items():
            yield index + self.first, call
        for entry in self._tail[1]:
            if entry.call is not None:
                yield entry.seq, entry.call

    def shown(self, low: int, high: int) -> "Iterator[bytes | Entry]":
        """The messages from `low` to `high`, for a history: pieces of JSON, or entries.

        A piece is of one message or several whose bodies are shown as they are, with commas between
        them. An entry is a message that is shown otherwise. Raises `Needs`.
        """
        if low < self.first and low <= high:
            raise Needs(Wanted(seqs=range(low, min(self.first, high + 1))))
        settled, fresh = self._tail
        begin, end = low - self.first, high - self.first + 1
        # A copy, a byte an entry: while a search lasts, what it goes through cannot grow, and the
        # reader of a long history may take its time.
        forms = bytes(self._forms[begin : max(begin, min(end, settled))])
        for run in _RUNS.finditer(forms):
            index = begin + run.start()
            if forms[run.start()] & _SHOWN:
                start = self._ends[index - 1] if index else 0
                yield self._cut(start, self._ends[begin + run.end() - 1] - 1)
            else:
                yield self.entry(index + self.first)
        for entry in fresh[max(0, begin - settled) : max(0, end - settled)]:
            if entry.kind == MESSAGE:
                yield entry.body if entry.form & PLAIN else entry

    def _pack(
        self,
        seqs: Sequence[int],
        kinds: Sequence[str],
        keys: Sequence[str | None],
        times: Sequence[str],
        bodies: Sequence[bytes],
        chains: Sequence[bytes],
        metadata: Sequence[bytes | None],
        forms: Sequence[int],
        calls: Sequence[str | None],
    ) -> None:
        """Adds entries, at least one, to what is packed. Each column in one piece, for speed."""
        index = len(self._ends)
        if seqs[0] != self.first + index or seqs[-1] != seqs[0] + len(seqs) - 1:
            raise ValueError("stored entries do not follow on each other")
        digits = "".join(times).encode().translate(_TIME_DIGITS, _TIME_MARKS)
        if len(digits) != 2 * _TIME_SIZE * len(times) or {*map(len, times)} != _TIME_LENGTHS:
            raise ValueError("a stored entry's time is not one of this program's")
        self._times += unhexlify(digits)
        start = self._ends[-1] if index else 0
        piece = b",".join([*bodies, b""])
        sizes = [len(body) + 1 for body in bodies]
        sizes[0] += start
        self._widen(sum(sizes))
        self._ends.extend(accumulate(sizes))
        self._chains += b"".join(chains)
        if any(calls):
            self._calls.update(
                (place, (call, form >> CALL_SIZE))
                for place, (call, form) in enumerate(zip(calls, forms, strict=True), index)
                if call is not None
            )
            forms = [form & _FORM for form in forms]
        if len(set(kinds)) == 1:  # as most often; and then nothing is done entry by entry
            self._kinds += bytes((self._code(kinds[0]),)) * len(kinds)
            self._forms += bytes(forms).translate(_MESSAGES if kinds[0] == MESSAGE else None)
        else:
            self._kinds += bytes(map(self._code, kinds))
            self._forms += bytes(map(_form, kinds, forms))
        if any(keys):
            self._pad_keys(index)
            encoded = [b"" if key is None else key.encode() for key in keys]
            ends = [len(key) for key in encoded]
            ends[0] += len(self._keys)
            self._keys += b"".join(encoded)
            self._key_ends.extend(accumulate(ends))
        if any(metadata):
            self._metadata.update(
                (place, value) for place, value in enumerate(metadata, index) if value is not None
            )
        self._add_piece(piece, start)

    def _pack_one(self, entry: Entry) -> None:
        """The same for a single entry: what most commits bring, in a quarter of the time."""
        index = len(self._ends)
        start = self._ends[-1] if index else 0
        self._times += unhexlify(entry.at.encode().translate(_TIME_DIGITS, _TIME_MARKS))
        self._widen(start + len(entry.body) + 1)
        self._ends.append(start + len(entry.body) + 1)
        self._chains += entry.chain
        self._forms.append(_form(entry.kind, entry.form & _FORM))
        self._kinds.append(self._code(entry.kind))
        if entry.key is not None:
            self._pad_keys(index)
            self._keys += entry.key.encode()
            self._key_ends.append(len(self._keys))
        if entry.metadata is not None:
            self._metadata[index] = entry.metadata
        if entry.call is not None:
            self._calls[index] = entry.call, entry.form >> CALL_SIZE
        self._add_piece(entry.body + b",", start)

    def _add_piece(self, piece: bytes, start: int) -> None:
        pieces, starts = self._packed[0].copy(), self._packed[1][:]
        while pieces and len(pieces[-1]) <= len(piece) and len(pieces[-1]) < _FULL:
            piece = pieces.pop() + piece
            start = starts.pop()
        pieces.append(piece)
        starts.append(start)
        self._packed = pieces, starts

    def _key(self, index: int) -> str | None:
        """The key of a settled entry."""
        if index >= len(self._key_ends):
            return None
        start = self._key_ends[index - 1] if index else 0
        return self._keys[start : self._key_ends[index]].decode() or None

    def _pad_keys(self, index: int) -> None:
        """Entries up to this one, not included, have no further keys."""
        self._key_ends.extend(repeat(len(self._keys), index - len(self._key_ends)))

    def _widen(self, end: int) -> None:
        if end >= _NARROW and self._ends.typecode == "I":
            self._ends = array("Q", self._ends)

    def _code(self, kind: str) -> int:
        """The kind's place in `_kind_names`."""
        if kind not in self._kind_names:
            self._kind_names.append(kind)
        return self._kind_names.index(kind)

    def _cut(self, start: int, end: int) -> bytes:
        """The packed bodies from `start` to `end`."""
        pieces, starts = self._packed
        place = bisect_right(starts, start) - 1
        found = [pieces[place][start - starts[place] : end - starts[place]]]
        for later in range(place + 1, len(pieces)):
            if starts[later] >= end:
                break
            found.append(pieces[later][: end - starts[later]])
        return found[0] if len(found) == 1 else b"".join(found)


def _form(kind: str, form: int) -> int:
    """What is kept in `_forms`."""
    if kind != MESSAGE:
        return form
    return form | (_SHOWN if form & PLAIN else _TRANSFORMED)


_MESSAGES = bytes(_form(MESSAGE, form) for form in range(16)) + bytes(240)
"""The same for messages, as a table."""


def _moment(packed: bytes | bytearray) -> str:
    t = packed.hex()
    return f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:14]}.{t[14:17]}Z"


@frozen(eq=False)
class Stretch:
    """The messages of a log within some intervals, as they were at one moment.

    Nothing is copied until somebody looks.
    """

    log: Log
    intervals: tuple[tuple[int, int], ...]
    """Ascending, apart, none open."""

    def __iter__(self) -> Iterator[Entry]:
        for low, high in self.intervals:
            for seq in self.log.of_kind(MESSAGE, low, high):
                yield self.log.entry(seq)

    def __len__(self) -> int:
        return sum(1 for low, high in self.intervals for _ in self.log.of_kind(MESSAGE, low, high))

    def shown(self) -> Iterator[bytes | Entry]:
        """As `Log.shown`, through all intervals."""
        for low, high in self.intervals:
            yield from self.log.shown(low, high)
