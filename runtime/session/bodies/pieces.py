"""Large JSON text, cut into pieces: none takes the decoder more than some milliseconds.

Rules:

- One call into C holds the interpreter's lock for as long as it takes, also in a worker thread: 16
  MiB of small lists are most of a second in which nobody else is answered. So what is long is never
  given to one call. `give_way` is called behind each piece.
- A piece is a *run*: some children of one array or object, all of them whole. A child that is
  longer than a run is itself cut into pieces.
- Where a run ends is found by a pattern that knows strings and brackets and nothing else. Whether
  it is JSON, the decoder says, run by run: an array is one if each of its runs is, with brackets
  around it, and none is empty.
- Nothing here counts levels: whoever goes into a child does.
"""

import re
from collections.abc import Iterator
from functools import cache
from time import sleep
from typing import NoReturn

from attrs import define, field

from runtime.errors import InvalidInput

PIECE = 16 * 1024
"""Bytes of a piece. The densest takes the decoder a millisecond."""

WHOLE = 64 * 1024
"""Bytes of the largest text that is decoded whole, and of the longest number: the densest text of
this size takes some milliseconds, and nearly all texts are shorter."""

COPIED_WHOLE = 1024 * 1024
"""Bytes of a part that is copied at once. From there on `bytes.join` gives the lock away."""

_LEAST = 256
"""Bytes that are looked at for a run, at least."""

NESTED = 128
"""Levels within a run that the pattern knows. A deeper child counts as a long one."""


AWAKENING = 20e-6
"""Seconds in which another thread wakes up. Linux adds 50 microseconds (its timer slack)."""


CONTAINERS = 500
"""Arrays and objects of a run, about. Python looks for garbage once there are 700 more of them than
before, and of five million, most of which live for a moment, it would look through all that the
process has, dozens of times."""


def give_way() -> None:
    """Lets other threads have the interpreter's lock, if any waits for it.

    Python itself would let them wait for five milliseconds each time. And a moment that is too
    short to wake up in does not help them: who releases the lock and takes it again at once starves
    all others, as each release begins their five milliseconds anew.
    """
    sleep(AWAKENING)


_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'


@cache  # to compile it takes a tenth of the time of a start, and few texts need it
def _run() -> re.Pattern[bytes]:
    """Whole children with a comma behind each; or up to the bracket that ends the container.

    All repetitions are possessive: nothing is tried twice, however the text is made.
    """
    within = rb'(?:[^][{}"]++|' + _STRING + rb")*+"
    for _ in range(NESTED - 1):
        within = rb'(?:[^][{}"]++|' + _STRING + rb"|[\[{]" + within + rb"[\]}])*+"
    child = rb'(?:[^][{}",]++|' + _STRING + rb"|[\[{]" + within + rb"[\]}])*+"
    return re.compile(rb"(?:" + child + rb",)*+(" + child + rb"[\]}])?+", re.DOTALL)


def _copied(text: bytes, start: int, end: int) -> bytes:
    """A part of a text.

    To copy 16 MiB takes ten milliseconds, so a long part is copied in pieces: what joins them gives
    the interpreter's lock away.
    """
    if end - start < COPIED_WHOLE:
        return text[start:end]
    return b"".join([text[at : min(at + WHOLE, end)] for at in range(start, end, WHOLE)])


_TEXT = re.compile(
    # The inside of a string, never cut between two escapes that are one character together: of the
    # first one the next has to be seen.
    rb'(?:[^"\\]++|\\(?:[^u]|u(?:(?![dD][89abAB])[0-9a-fA-F]{4}'
    rb"|[dD][89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?=[^\\]|\\[^u]|\\u[^dD]|\\u[dD][^c-fC-F])))))*+",
    re.DOTALL,
)
_SPACE = re.compile(rb"[ \t\n\r]*+")
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*+")
_BLANK = b" \t\n\r"
_CONTINUED = frozenset(bytes((byte,)) for byte in range(0x80, 0xC0))
"""Bytes of UTF-8 that no character begins with."""
_PAIRS = {b"[": b"]", b"{": b"}"}


@define
class Cutter:
    """A place in a JSON text, which moves on as it is read. All raise `InvalidInput`."""

    text: bytes
    where: str
    """What the text is, for whoever is told that it is not JSON."""
    piece: int = PIECE
    at: int = field(default=0, init=False)
    _reach: int = field(init=False)
    """Bytes that are looked at for a run. Halved when they held no whole child, so that little is
    looked at in vain, however long children lie in each other; doubled when they did."""

    def __attrs_post_init__(self) -> None:
        self._reach = self.piece

    def peek(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        while True:
            start = self.at
            found = _SPACE.match(self.text, start, start + 16 * self.piece)
            assert found is not None, "it may be empty"
            self.at = found.end()
            if self.at < start + 16 * self.piece:
                return self.text[self.at : self.at + 1]
            give_way()

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            self.refuse("trailing characters")

    def refuse(self, why: str) -> NoReturn:
        raise InvalidInput(f"{self.where} is not JSON: {why} (byte {self.at})")

    def children(self) -> Iterator[bytes | None]:
        """The children of the array or object that begins here.

        Yields runs, with brackets around them; and `None` for a child that is longer, which whoever
        asked then has to read, or to skip, before the next is asked for. Of an object's, its name
        comes first.
        """
        opening = self.peek()
        closing = _PAIRS[opening]
        self.at += 1
        if self.peek() == closing:
            self.at += 1
            return
        while True:
            start = self.at
            found = _run().match(self.text, start, start + self._reach)
            assert found is not None, "it may be empty"
            if found.end() > start:
                run = self.text[start : found.end() - 1]
                ends = found[1] is not None
                self.at = found.end() - 1
                if not run.strip(_BLANK) or (ends and self.text[self.at : self.at + 1] != closing):
                    self.refuse("invalid character")
                self.at += 1
                self._reach = self._next_reach(run)
                yield opening + run + closing
                give_way()
                if ends:
                    return
                continue
            self._reach = max(min(_LEAST, self.piece), self._reach // 2)
            yield None
            behind = self.peek()
            if behind not in (b",", closing):
                self.refuse("invalid character" if behind else "it ends too early")
            self.at += 1
            if behind == closing:
                return

    def _next_reach(self, run: bytes) -> int:
        within = run.count(b"[") + run.count(b"{")
        as_dense = len(run) * CONTAINERS // (within + 1)
        return max(
            min(_LEAST, self.piece), min(self.piece, max(self._reach, 2 * len(run)), as_dense)
        )

    def string(self) -> Iterator[bytes]:
        """The string that begins here: pieces of what is within, each with quotes around it."""
        if self.peek() != b'"':
            self.refuse("a string was expected")
        self.at += 1
        while self.text[self.at : self.at + 1] != b'"':
            start = self.at
            found = _TEXT.match(self.text, start, start + self.piece)
            assert found is not None, "it may be empty"
            self.at = found.end()
            if self.at == start + self.piece:
                while self.text[self.at : self.at + 1] in _CONTINUED and self.at > start:
                    self.at -= 1  # to a character's first byte
            if self.at == start:
                self.refuse("invalid escape, or a string without an end")
            yield b'"' + self.text[start : self.at] + b'"'
            give_way()
        self.at += 1

    def scalar(self) -> bytes:
        """The number, or the word, that begins here."""
        self.peek()
        found = _SCALAR.match(self.text, self.at, self.at + WHOLE + 1)
        assert found is not None, "it may be empty"
        if len(found[0]) > WHOLE:
            raise InvalidInput(f"{self.where}: a number has more than {WHOLE} characters")
        if not found[0]:
            self.refuse("invalid character" if self.peek() else "it ends too early")
        self.at = found.end()
        return found[0]

    def colon(self) -> None:
        """What stands between a name and its value."""
        if self.peek() != b":":
            self.refuse("a colon was expected")
        self.at += 1

    def skip(self) -> bytes:
        """The value that begins here, as it was sent: that it is JSON, its reader will see."""
        self.peek()
        start = self.at
        self._skip(1)
        return _copied(self.text, start, self.at)

    def _skip(self, level: int) -> None:
        begins = self.peek()
        if begins in _PAIRS:
            if level > NESTED:
                raise InvalidInput(f"{self.where} nests deeper than {NESTED} levels")
            for run in self.children():
                if run is None:
                    if begins == b"{":
                        self._skip_string()
                        self.colon()
                    self._skip(level + 1)
        elif begins == b'"':
            self._skip_string()
        else:
            self.scalar()

    def _skip_string(self) -> None:
        for _ in self.string():
            pass
