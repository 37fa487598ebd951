"""A session's messages in the order of their numbers; what is on disk is kept packed.

Rules:

- Messages are only ever added, at the end. So an `Excerpt` stays what it is, whatever comes later.
- The first `settled` messages are those that the store has. They are packed: one piece of JSON
  with a comma behind each message, and columns for the rest. A list of objects would take up to
  three times the memory of short messages, and the garbage collector would walk through all of it
  again and again. It also is, but for its brackets, what `GET …/history` answers.
- The others are *fresh*: kept as they came, since the next delta takes them as they are.
- Only the event loop's thread adds and settles. Any thread may read: what is packed is written
  before `_tail` says so, and `_tail` is one object, which is replaced.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

from runtime.clock import TIMESTAMP_SIZE
from runtime.session.message import Entry


class Transcript(Sequence[Entry]):
    """The messages of one session; its actor's own. `transcript[0]` is message number 1."""

    __slots__ = ("_bodies", "_ends", "_ids", "_metadata", "_numbers", "_tail", "_timestamps")

    def __init__(self) -> None:
        self._bodies = bytearray()
        self._ends = array("Q")
        """Where the comma behind each settled message ends in `_bodies`."""
        self._timestamps = bytearray()
        self._ids: list[str | None] = []
        """Those of the settled messages, up to the last one that has any: mostly nobody has."""
        self._metadata: dict[int, bytes] = {}
        """By index, of the settled messages that have any."""
        self._tail: tuple[int, list[Entry]] = 0, []
        """How many messages are settled, and the fresh ones behind them."""
        self._numbers: dict[str, int] = {}
        """The number of each message that has an id, settled or fresh."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Transcript":
        """A transcript of these, all settled."""
        transcript = cls()
        transcript.extend(entries)
        transcript.settle(len(transcript))
        return transcript

    @classmethod
    def of_columns(
        cls,
        bodies: Sequence[bytes],
        timestamps: Sequence[str],
        ids: Sequence[str | None],
        metadata: Sequence[bytes | None],
    ) -> "Transcript":
        """The same from what a store has, column by column; a tenth of the time.

        Raises `ValueError` for a timestamp that is none.
        """
        if set(map(len, timestamps)) - {TIMESTAMP_SIZE}:
            raise ValueError("a stored message's timestamp is not one of this program's")
        transcript = cls()
        if bodies:
            transcript._pack(bodies, timestamps, ids, metadata)
            transcript._tail = len(bodies), []
            transcript._numbers.update(
                (known, number) for number, known in enumerate(ids, start=1) if known is not None
            )
        return transcript

    @property
    def settled(self) -> int:
        """The number of messages that the store has."""
        return self._tail[0]

    @property
    def fresh(self) -> Sequence[Entry]:
        """The messages that the store does not have."""
        return self._tail[1]

    def __len__(self) -> int:
        settled, fresh = self._tail
        return settled + len(fresh)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same messages; how many are settled does not matter."""
        return isinstance(other, Transcript) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment] # it grows

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> "Excerpt": ...
    def __getitem__(self, place: int | slice) -> "Entry | Excerpt":
        if isinstance(place, slice):
            return Excerpt(self, _consecutive(range(len(self))[place]))
        return self._entry(range(len(self))[place])

    def number_of(self, message_id: str) -> int | None:
        """The number of the message that came with this id."""
        return self._numbers.get(message_id)

    def extend(self, entries: Iterable[Entry]) -> None:
        """Adds fresh messages. Those that have an id must have new ones."""
        settled, fresh = self._tail
        for entry in entries:
            fresh.append(entry)
            if entry.id is not None:
                self._numbers[entry.id] = settled + len(fresh)

    def settle(self, count: int) -> None:
        """Takes note that the store has the first `count` of the fresh messages."""
        before, fresh = self._tail
        if settled := fresh[:count]:
            self._pack(
                [entry.body for entry in settled],
                [entry.timestamp for entry in settled],
                [entry.id for entry in settled],
                [entry.metadata for entry in settled],
            )
            self._tail = before + len(settled), fresh[count:]

    def _pack(
        self,
        bodies: Sequence[bytes],
        timestamps: Sequence[str],
        ids: Sequence[str | None],
        metadata: Sequence[bytes | None],
    ) -> None:
        """Adds messages, at least one, to what is packed. Each column in one piece, for speed."""
        first = len(self._ends)
        sizes = [len(body) + 1 for body in bodies]
        sizes[0] += len(self._bodies)
        self._bodies += b",".join([*bodies, b""])
        self._timestamps += "".join(timestamps).encode()
        self._ends.extend(accumulate(sizes))
        if any(ids):
            self._ids.extend([None] * (first - len(self._ids)))
            self._ids.extend(ids)
        if any(metadata):
            self._metadata.update(
                (index, value) for index, value in enumerate(metadata, first) if value is not None
            )

    def _entry(self, index: int) -> Entry:
        settled, fresh = self._tail
        if index >= settled:
            return fresh[index - settled]
        start = TIMESTAMP_SIZE * index
        return Entry(
            bytes(self._bodies[self._offset(index) : self._ends[index] - 1]),
            self._timestamps[start : start + TIMESTAMP_SIZE].decode(),
            self._ids[index] if index < len(self._ids) else None,
            self._metadata.get(index),
        )

    def _offset(self, index: int) -> int:
        return self._ends[index - 1] if index else 0

    def _joined(self, places: range) -> list[bytes | bytearray]:
        """The bodies at these consecutive places, with commas between them; in parts to join."""
        parts: list[bytes | bytearray] = []
        settled, fresh = self._tail
        if places.start < settled and places:
            end = self._ends[min(places.stop, settled) - 1] - 1
            # A copy, not a view: a bytearray cannot grow while somebody looks at it.
            parts.append(self._bodies[self._offset(places.start) : end])
        for entry in fresh[max(0, places.start - settled) : max(0, places.stop - settled)]:
            if parts:
                parts.append(b",")
            parts.append(entry.body)
        return parts


def _consecutive(places: range) -> range:
    if places.step != 1:
        raise ValueError("an excerpt is of consecutive messages, in their order")
    return places


class Excerpt(Sequence[Entry]):
    """Consecutive messages of a transcript; nothing is copied until somebody looks."""

    __slots__ = ("_places", "_transcript")

    def __init__(self, transcript: Transcript, places: range) -> None:
        self._transcript = transcript
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Entry: ...
    @overload
    def __getitem__(self, place: slice) -> "Excerpt": ...
    def __getitem__(self, place: int | slice) -> "Entry | Excerpt":
        if isinstance(place, slice):
            return Excerpt(self._transcript, _consecutive(self._places[place]))
        return self._transcript[self._places[place]]

    def __iter__(self) -> Iterator[Entry]:
        return map(self._transcript._entry, self._places)

    def json(self) -> bytes:
        """The messages' bodies as a JSON array."""
        return b"".join([b"[", *self._transcript._joined(self._places), b"]"])
