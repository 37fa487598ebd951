"""A log's newest entries, those in memory; what of them is on disk is kept packed.

Rules:

- Entries are only ever added, at the end. So a `Stretch` stays what it is, whatever comes later.
  (`take_back` is for a call that is refused half-way, before anybody could have seen its entries.)
- The entries up to `settled` are packed, and in the store: one piece of JSON with
  a comma behind each body, and columns for the rest. A list of objects would take up to three times
  the memory of short messages, and the garbage collector would walk through all of it again and
  again. Where messages follow on each other it also is, but for brackets, what a history answers.
- The others are *fresh*: kept as they came, since the next delta takes them as they are.
- Entries below `first` are not here. Asking for one raises `Needs`. When there is too much, a
  shorter tail takes this one's place; whoever reads this one goes on with what it has.
- Only the event loop's thread adds and settles. Any thread may read: what is packed is written
  before `_tail` says so, and `_tail` is one object, which is replaced.
"""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, repeat

from attrs import frozen

from runtime.session.entries.chain import LINK_SIZE
from runtime.session.entries.marks import Marks
from runtime.session.entries.moments import MOMENT_SIZE, packed, packed_own, unpacked
from runtime.store.entries import (
    CALL_SIZE,
    DROPPED,
    MESSAGE,
    NUMBER_ID,
    PLAIN,
    TEXT_ID,
    Entry,
    Row,
    Wanted,
)

_FULL = 1024 * 1024
"""Bytes of a piece that is not merged any more: one stretch of the event loop never moves much more
than what an append brings, however much is there."""

_SHORT = 16 * 1024
"""Bytes that follow on each other in a history, below which to copy them takes less time than to
make views of where they lie, and to put an answer together of several places."""

_COLUMNS = 24
"""Bytes that an entry takes beside its texts."""

_SHOWN, _TRANSFORMED = 32, 64
"""In `_forms`, beside an entry's own form: a message whose body a history shows as it is, or one
that is transformed."""
_FORM = 31
_NARROW = 1 << 32
_FAR = 1 << 30
"""Where places are that are made smaller when a tail is cut."""
_RUNS = re.compile(b"[\x20-\x3f]+|[\x40-\x5f]")


@frozen
class Kept:
    """The body of a message that a history shows in another form than it is kept in."""

    body: bytes


Piece = bytes | memoryview | Kept
"""What a history shows: one message or several whose bodies are shown as they are, as JSON with
commas between them, mostly where the tail has them; or one that is shown otherwise."""


Said = tuple[bytes, str | None, bytes | None, int]
"""Of a message: its body, key, metadata and form."""


class Needs(Exception):
    """What a command lacks in memory. It has changed nothing; it is called again with it."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class Tail:
    """The newest entries of one life of a session; its actor's own."""

    __slots__ = (
        "_before",
        "_calls",
        "_chains",
        "_dropped",
        "_ends",
        "_forms",
        "_key_ends",
        "_key_start",
        "_keys",
        "_kind_names",
        "_kinds",
        "_metadata",
        "_packed",
        "_start",
        "_tail",
        "_times",
        "first",
        "last",
        "root",
        "size",
    )

    def __init__(self, root: bytes, first: int = 1, before: bytes | None = None) -> None:
        self.root = root
        """The chain before entry 1."""
        self.first = first
        """The number of the first entry in memory."""
        self._before = root if before is None else before
        """The chain before the first entry in memory."""
        self._packed: tuple[list[bytes], array[int]] = [], array("Q")
        """Settled bodies in pieces, a comma behind each, and where each piece begins. A piece is
        merged with the one before it when it is as large, until that is full: so there are few,
        none has room in reserve, and each byte moves seldom. Replaced as one, for readers in
        threads."""
        self._start = 0
        """Where the first body begins. Such places go on from one tail to the next, so that a cut
        has nothing to count anew; from time to time they are made smaller."""
        self._ends = array("I")
        """Where the comma behind each settled body ends. Made wider when 4 GiB are not enough."""
        self._times = bytearray()
        self._chains = bytearray()
        self._forms = bytearray()
        self._kinds = bytearray()
        """Places in `_kind_names`."""
        self._kind_names: list[str] = []
        self._keys = bytearray()
        self._key_start = 0
        """Where the first key begins, as `_start`."""
        self._key_ends = array("I")
        """The keys of the settled entries, one behind the other, and where each ends, up to the
        last entry that has one: mostly none has. An empty one is none."""
        self._metadata: dict[int, bytes] = {}
        self.size = 0
        """Bytes that what is settled takes in memory, about."""
        self._calls: dict[int, tuple[str, int]] = {}
        """Both by index, of the settled entries that have any. A call's with its size."""
        self._dropped: dict[int, bytes] = {}
        """By index: what stands in the place of a body that the store has dropped since."""
        self._tail: tuple[int, list[Entry]] = 0, []
        """How many entries are settled, and the fresh ones behind them."""
        self.last = first - 1
        """The number of the last entry; 0 if there is none."""

    @classmethod
    def of_rows(
        cls, root: bytes, rows: Sequence[Row], before: bytes | None = None, last: int = 0
    ) -> "Tail":
        """The tail of a log that is stored up to `last`; a tenth of the time that objects take.

        `before` is the chain before the first row, the root if that is `None`. Raises `ValueError`
        for rows that are not this program's.
        """
        tail = cls(root, rows[0][0] if rows else last + 1, before)
        if rows:
            tail._pack(*zip(*rows, strict=True))
            tail._tail = len(rows), []
            tail.last = rows[-1][0]
        return tail

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
            unpacked(self._times[MOMENT_SIZE * index : MOMENT_SIZE * (index + 1)]),
            self._dropped.get(index) or self._cut(self._begin(index), self._ends[index] - 1),
            bytes(self._chains[LINK_SIZE * index : LINK_SIZE * (index + 1)]),
            self._metadata.get(index),
            self._forms[index] & _FORM | size << CALL_SIZE,
            call,
        )

    def body(self, seq: int) -> tuple[bytes, int]:
        """Body and form of a resident entry: in a fifth of the time that all of it takes."""
        index = seq - self.first
        settled, fresh = self._tail
        if index >= settled:
            entry = fresh[index - settled]
            return entry.body, entry.form
        body = self._dropped.get(index)
        if body is None:
            body = self._cut(self._begin(index), self._ends[index] - 1)
        return body, self._forms[index] & _FORM

    def said(self, low: int, high: int) -> Iterator[Said]:
        """What the resident messages from `low` to `high` say, the newest first.

        In a fifth of the time that `entry` takes for each. Any thread may ask.
        """
        settled, fresh = self._tail
        start = self.first + settled
        for entry in reversed(fresh[max(0, low - start) : max(0, high + 1 - start)]):
            if entry.kind == MESSAGE:
                yield entry.body, entry.key, entry.metadata, entry.form
        begin, end = max(0, low - self.first), max(0, min(settled, high + 1 - self.first))
        if MESSAGE not in self._kind_names or begin >= end:
            return
        # Behind `_tail`: what that says is settled, is in these. They only grow, or are replaced.
        code, ends, forms = self._kind_names.index(MESSAGE), self._ends, self._forms
        (pieces, starts), metadata, first = self._packed, self._metadata, self._start
        place = len(pieces) - 1
        index = self._kinds.rfind(code, begin, end)
        while index >= 0:
            low_end, high_end = ends[index - 1] if index else first, ends[index] - 1
            while starts[place] > low_end:
                place -= 1
            piece, offset = pieces[place], starts[place]
            form = forms[index] & _FORM
            yield (
                # No body lies in two pieces: they are merged, and never cut.
                piece[low_end - offset : high_end - offset],
                self._key(index) if form & (TEXT_ID | NUMBER_ID) else None,
                metadata.get(index),
                form,
            )
            index = self._kinds.rfind(code, begin, index)

    def at(self, seq: int) -> str:
        """The time of a resident entry."""
        index = seq - self.first
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled].at
        return unpacked(self._times[MOMENT_SIZE * index : MOMENT_SIZE * (index + 1)])

    def kind(self, seq: int) -> str:
        """The kind of a resident entry."""
        index = seq - self.first
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled].kind
        return self._kind_names[self._kinds[index]]

    def chain(self, seq: int) -> bytes:
        """The chain behind the entry of this number, from 0 to `last`. Raises `Needs`."""
        index = seq - self.first
        if index == -1:
            return self._before
        if seq == 0:
            return self.root
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

    def annotated(self, low: int, high: int) -> list[int]:
        """The numbers of the resident messages from `low` to `high` that have metadata."""
        settled, fresh = self._tail
        places = list(self._metadata)  # ascending; in one step, as threads may look here
        begin = bisect_left(places, low - self.first)
        end = bisect_left(places, min(settled, high + 1 - self.first))
        found = [place + self.first for place in places[begin:end]]
        found += (
            entry.seq for entry in fresh if low <= entry.seq <= high and entry.metadata is not None
        )
        return found

    def others(self, low: int, high: int) -> list[int]:
        """The numbers of the settled entries from `low` to `high` that are no messages."""
        kinds = self._kinds[max(0, low - self.first) : max(0, high + 1 - self.first)]
        names = self._kind_names
        return [seq for seq, code in enumerate(kinds, low) if names[code] != MESSAGE]

    def marks(self, low: int, high: int) -> Marks:
        """The same entries in outline: their bodies are not even cut out."""
        seqs = self.others(low, high)
        places = [seq - self.first for seq in seqs]
        times = self._times
        return Marks(
            seqs,
            self._kind_names,
            bytes([self._kinds[place] for place in places]),
            bytes([self._forms[place] & _FORM for place in places]),
            b"".join([times[MOMENT_SIZE * at : MOMENT_SIZE * (at + 1)] for at in places]),
            [self._key_bytes(place) for place in places],
        )

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

    def beyond(self, size: int) -> int:
        """The number of the first of the newest settled entries that take at most so much.

        One more than that of the last settled one if even that is too large.
        """
        settled, _ = self._tail
        key_ends, longest = self._key_ends, len(self._key_ends)
        places = list(self._metadata)
        metadata = [0, *accumulate(map(len, self._metadata.values()))]

        def size_before(index: int) -> int:
            bodies = self._begin(index) - self._start
            keys = key_ends[min(index, longest) - 1] - self._key_start if index and longest else 0
            return bodies + keys + metadata[bisect_left(places, index)] + _COLUMNS * index

        gone = bisect_left(range(settled), self.size - size, key=size_before)
        return self.first + gone

    def cut(self, first: int) -> "Tail":
        """The same log with the entries from `first` on, at most `settled + 1`, in memory."""
        settled, fresh = self._tail
        index = first - self.first
        tail = Tail(self.root, first, self.chain(first - 1))
        tail._start = self._begin(index)
        if index < settled:
            tail._packed = self._packed_from(tail._start)
            tail._ends = self._ends[index:]
        tail._times = self._times[MOMENT_SIZE * index :]
        tail._chains = self._chains[LINK_SIZE * index :]
        tail._forms, tail._kinds = self._forms[index:], self._kinds[index:]
        tail._kind_names = self._kind_names.copy()
        if index < len(self._key_ends):
            tail._key_start = self._key_ends[index - 1] if index else self._key_start
            tail._keys = self._keys[tail._key_start - self._key_start :]
            tail._key_ends = self._key_ends[index:]
        tail._metadata = {at - index: value for at, value in self._metadata.items() if at >= index}
        bodies = tail._end - tail._start
        metadata = sum(map(len, tail._metadata.values()))
        tail.size = bodies + metadata + len(tail._keys) + _COLUMNS * (settled - index)
        tail._calls = {at - index: value for at, value in self._calls.items() if at >= index}
        tail._dropped = {at - index: value for at, value in self._dropped.items() if at >= index}
        tail._tail = settled - index, fresh.copy()
        tail.last = self.last
        if max(tail._start, tail._key_start) >= _FAR:
            tail._begin_anew()
        return tail

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

    def keyed(self, before: int | None = None) -> "Iterator[tuple[int, str, str]]":
        """Number, kind and key of each resident entry that has a key.

        `before`: only of those below this number, all of them settled.
        """
        ends = self._key_ends if before is None else self._key_ends[: before - self.first]
        size, start = ends[-1] - self._key_start if ends else 0, 0
        text = self._keys[:size].decode()
        bytewise = len(text) == size
        for index, end in enumerate(map((-self._key_start).__add__, ends)):
            if end > start:
                key = text[start:end] if bytewise else self._keys[start:end].decode()
                yield index + self.first, self._kind_names[self._kinds[index]], key
                start = end
        if before is not None:
            return
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

    def shown(self, low: int, high: int) -> "list[Piece]":
        """The messages from `low` to `high`, for a history: what is long where it lies.

        Raises `Needs`.
        """
        if low > high:
            return []
        if low < self.first:
            raise Needs(Wanted(seqs=range(low, min(self.first, high + 1))))
        settled, fresh = self._tail
        begin, end = low - self.first, high - self.first + 1
        found = self._packed_shown(begin, min(end, settled)) if begin < settled else []
        if end > settled:
            found += [
                entry.body if entry.form & PLAIN else Kept(entry.body)
                for entry in fresh[max(0, begin - settled) : end - settled]
                if entry.kind == MESSAGE
            ]
        return found

    def _packed_shown(self, begin: int, end: int) -> "list[Piece]":
        """The messages among the packed entries from the one at `begin` to before that at `end`."""
        found: list[Piece] = []
        # A copy, a byte an entry: while a search lasts, what it goes through cannot grow, and
        # threads may look here.
        forms = bytes(self._forms[begin:end])
        stop = 0
        while (run := _RUNS.search(forms, stop)) is not None:
            start, stop = run.span()
            index = begin + start
            cut_from = self._begin(index)
            cut_to = self._ends[begin + stop - 1] - 1
            if not forms[start] & _SHOWN:
                found.append(Kept(self._cut(cut_from, cut_to)))
            elif cut_to - cut_from < _SHORT:
                found.append(self._cut(cut_from, cut_to))
            else:
                found += self._views(cut_from, cut_to)
        return found

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
        self._times += packed(*times)
        start = self._end
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
            ends[0] += self._key_start + len(self._keys)
            self._keys += b"".join(encoded)
            self._key_ends.extend(accumulate(ends))
            self.size += sum(map(len, encoded))
        if any(metadata):
            self._metadata.update(
                (place, value) for place, value in enumerate(metadata, index) if value is not None
            )
            self.size += sum(len(value) for value in metadata if value is not None)
        self._add_piece(piece, start)
        self.size += len(piece) + _COLUMNS * len(seqs)

    def _pack_one(self, entry: Entry) -> None:
        """The same for a single entry: what most commits bring, in a quarter of the time."""
        index = len(self._ends)
        start = self._end
        self._times += packed_own(entry.at)
        end = start + len(entry.body) + 1
        if end >= _NARROW:
            self._widen(end)
        self._ends.append(end)
        self._chains += entry.chain
        self._forms.append(_form(entry.kind, entry.form & _FORM))
        self._kinds.append(self._code(entry.kind))
        if entry.key is not None:
            self._pad_keys(index)
            key = entry.key.encode()
            self._keys += key
            self._key_ends.append(self._key_start + len(self._keys))
            self.size += len(key)
        if entry.metadata is not None:
            self._metadata[index] = entry.metadata
            self.size += len(entry.metadata)
        if entry.call is not None:
            self._calls[index] = entry.call, entry.form >> CALL_SIZE
        self._add_piece(entry.body + b",", start)
        self.size += end - start + _COLUMNS

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
        return self._key_bytes(index).decode() or None

    def _key_bytes(self, index: int) -> bytes:
        """The same, encoded; an empty one is none."""
        if index >= len(self._key_ends):
            return b""
        base = self._key_start
        start = self._key_ends[index - 1] - base if index else 0
        return bytes(self._keys[start : self._key_ends[index] - base])

    def _pad_keys(self, index: int) -> None:
        """Entries up to this one, not included, have no further keys."""
        end = self._key_start + len(self._keys)
        self._key_ends.extend(repeat(end, index - len(self._key_ends)))

    def _widen(self, end: int) -> None:
        if end >= _NARROW and self._ends.typecode == "I":
            self._ends = array("Q", self._ends)

    def _begin_anew(self) -> None:
        """Makes the places of bodies and keys as small as they can be."""
        pieces, starts = self._packed
        self._packed = pieces, _lowered(starts, self._start)
        self._ends = _lowered(self._ends, self._start)
        self._key_ends = _lowered(self._key_ends, self._key_start)
        self._start = self._key_start = 0

    @property
    def _end(self) -> int:
        """Where the comma behind the last settled body ends."""
        return self._ends[-1] if self._ends else self._start

    def _begin(self, index: int) -> int:
        """Where a settled body begins."""
        return self._ends[index - 1] if index else self._start

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

    def _packed_from(self, start: int) -> tuple[list[bytes], "array[int]"]:
        """The pieces from there on, where a body begins: but for the first one they stay."""
        pieces, starts = self._packed
        place = bisect_right(starts, start) - 1
        first = pieces[place][start - starts[place] :]
        return [first, *pieces[place + 1 :]], array("Q", [start, *starts[place + 1 :]])

    def _views(self, start: int, end: int) -> "list[memoryview]":
        """The same where they lie, each without the comma at its end."""
        pieces, starts = self._packed
        found = []
        for place in range(bisect_right(starts, start) - 1, bisect_left(starts, end)):
            low, piece = starts[place], memoryview(pieces[place])
            found.append(piece[max(0, start - low) : min(end - low, len(piece) - 1)])
        return found


def _lowered(places: "array[int]", by: int) -> "array[int]":
    return array(places.typecode, [place - by for place in places])


def _form(kind: str, form: int) -> int:
    """What is kept in `_forms`."""
    if kind != MESSAGE:
        return form
    return form | (_SHOWN if form & PLAIN else _TRANSFORMED)


_MESSAGES = bytes(_form(MESSAGE, form) for form in range(32)) + bytes(224)
"""The same for messages, as a table."""
