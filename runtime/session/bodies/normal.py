"""The normal form of JSON: the bytes that are kept of a value, whatever its size.

They are what `encode(parse(text))` gives: no spaces, numbers and escapes in one way of writing, of
members of one name the last. Large texts come to the same bytes in pieces, with never more of them
as objects than one piece has.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from attrs import define, field
from msgspec import Raw

from runtime.errors import InvalidInput
from runtime.session.bodies.encoding import MAX_DEPTH, check_depth, encode, parse, read_as
from runtime.session.bodies.pieces import PIECE, WHOLE, Cutter, give_way

Members = dict[str, Any]
Edit = Callable[[Members], None]
"""Takes some of an object's members out; is given all of them, some at a time. A value of more than
`PIECE` bytes may be a `Raw` of its normal form, others are plain."""

_SHARDS = 256


def normal(text: bytes, where: str, *, around: int = 0, whole: int = WHOLE) -> tuple[bytes, int]:
    """A value's normal form, and how many lone surrogates became U+FFFD.

    `around` are the levels that will lie around it. Raises `InvalidInput`, naming `where`.
    """
    if len(text) <= whole:
        value, replaced = parse(text, where, around=around)
        return encode(value, where), replaced
    reader = _Reader(Cutter(text, where, min(whole, PIECE)))
    pieces = reader.value(around + 1)
    reader.cutter.end()
    return b"".join(pieces), reader.replaced


def edited(text: bytes, where: str, edit: Edit, *, whole: int = WHOLE) -> tuple[bytes, int]:
    """The normal form of an object of which `edit` has seen all members, and its lone surrogates.

    Raises `InvalidInput`, naming `where`: also for what is no object.
    """
    if len(text) <= whole:
        value, replaced = parse(text, where)
        if not isinstance(value, dict):
            raise InvalidInput(f"{where}: must be a JSON object")
        edit(value)
        return encode(value, where), replaced
    reader = _Reader(Cutter(text, where, min(whole, PIECE)))
    if reader.cutter.peek() != b"{":
        raise InvalidInput(f"{where}: must be a JSON object")
    pieces = reader.object(1, edit)
    reader.cutter.end()
    return b"".join(pieces), reader.replaced


@define
class Apart:
    """The children of an array or object, one after the other, as they were sent: none is decoded.

    What is wrong behind a child is not known when it comes, and what is wrong within a long one is
    not looked for.
    """

    text: bytes
    where: str
    replaced: int = field(default=0, init=False)
    """Lone surrogates that became U+FFFD in what came so far."""

    def elements(self) -> Iterator[bytes]:
        """Of an array. Raises `InvalidInput`, naming `where`."""
        for cutter, run in self._runs(b"[", "a list"):
            if run is None:
                yield cutter.skip()
            else:
                yield from map(bytes, self._read(run, list[Raw]))

    def members(self) -> Iterator[tuple[str, bytes]]:
        """Of an object. A name may come more than once: the last counts. Raises likewise."""
        for cutter, run in self._runs(b"{", "a JSON object"):
            if run is None:
                reader = _Reader(cutter)
                name, _ = reader.name()
                self.replaced += reader.replaced
                yield name, cutter.skip()
            else:
                for name, value in self._read(run, dict[str, Raw]).items():
                    yield name, bytes(value)

    def _runs(self, opening: bytes, what: str) -> Iterator[tuple[Cutter, bytes | None]]:
        cutter = Cutter(self.text, self.where)
        if cutter.peek() != opening:
            raise InvalidInput(f"{self.where}: must be {what}")
        if len(self.text) <= WHOLE:
            yield cutter, self.text
            return
        for run in cutter.children():
            yield cutter, run
        cutter.end()

    def _read(self, run: bytes, wanted: Any) -> Any:
        found, replaced = read_as(run, wanted, self.where)
        self.replaced += replaced
        return found


def is_text(value: object) -> bool:
    """Whether a member's value, as `Edit` gets it, is a text."""
    return isinstance(value, str) or (isinstance(value, Raw) and memoryview(value)[0] == ord('"'))


@define
class _Reader:
    """Reads on at its cutter's place, and counts what had to be replaced."""

    cutter: Cutter
    replaced: int = 0

    def value(self, level: int) -> list[bytes]:
        """The value that begins here; the outermost container's level is 1."""
        begins = self.cutter.peek()
        if begins == b"[":
            return self._array(level)
        if begins == b"{":
            return self.object(level)
        if begins == b'"':
            return self._string()
        return [encode(self._read(self.cutter.scalar()), self.cutter.where)]

    def name(self) -> tuple[str, bytes]:
        """The name that begins here, also as JSON, and the colon behind it."""
        written = self._string()
        self.cutter.colon()
        # In parts, as everything: a name is not short because it is one.
        parts = (msgspec.json.decode(b'"' + part + b'"') for part in written[1:-1])
        return "".join(parts), b"".join(written)

    def object(self, level: int, edit: Edit | None = None) -> list[bytes]:
        """The object that begins here."""
        self._check(level)
        runs: list[bytes] = []
        # By the run in which a name came first: what it means by now.
        later: dict[int, Members] = {}
        names = _Names()
        try:
            for run in self.cutter.children():
                whole = b""
                if run is None:
                    name, written = self.name()
                    value = b"".join(self.value(level + 1))
                    found = {name: Raw(value) if len(value) > PIECE else msgspec.json.decode(value)}
                    whole = b"".join((written, b":", value))
                else:
                    found = self._read(run, level)
                if edit is not None:
                    edit(found)
                for name, place in names.add(found, len(runs)):
                    later.setdefault(place, {})[name] = found.pop(name)
                if found:
                    runs.append(whole or encode(found, self.cutter.where)[1:-1])
        finally:
            names.clear()
        for place, values in later.items():
            mended = msgspec.json.decode(b"{" + runs[place] + b"}", type=dict[str, Raw])
            runs[place] = msgspec.json.encode(mended | values)[1:-1]
            give_way()
        return [b"{", *_separated(runs), b"}"]

    def _array(self, level: int) -> list[bytes]:
        self._check(level)
        found = [b"["]
        for run in self.cutter.children():
            if len(found) > 1:
                found.append(b",")
            if run is None:
                found += self.value(level + 1)
            else:
                found.append(encode(self._read(run, level), self.cutter.where)[1:-1])
        found.append(b"]")
        return found

    def _string(self) -> list[bytes]:
        within = [
            encode(self._read(part), self.cutter.where)[1:-1] for part in self.cutter.string()
        ]
        return [b'"', *within, b'"']

    def _read(self, text: bytes, level: int = 1) -> Any:
        value, replaced = read_as(text, Any, self.cutter.where)
        check_depth(value, text, self.cutter.where, around=level - 1)
        self.replaced += replaced
        return value

    def _check(self, level: int) -> None:
        if level > MAX_DEPTH:
            raise InvalidInput(f"{self.cutter.where}: nests deeper than {MAX_DEPTH} levels")


@define
class _Names:
    """Where the names of an object's members came first.

    In many small tables: one of a million names would be moved in one go when it grows, and let go
    in one go.
    """

    _shards: dict[int, dict[str, int]] = field(factory=dict)

    def add(self, names: Members, place: int) -> list[tuple[str, int]]:
        """The names that were there already, and where. The others are at `place`."""
        known = []
        for name in names:
            first = self._shards.setdefault(hash(name) % _SHARDS, {}).setdefault(name, place)
            if first != place:
                known.append((name, first))
        return known

    def clear(self) -> None:
        while self._shards:
            self._shards.popitem()


def _separated(runs: list[bytes]) -> Iterator[bytes]:
    for place, run in enumerate(runs):
        if place:
            yield b","
        yield run
