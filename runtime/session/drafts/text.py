"""A text that only grows, and is read from any place on while it does.

Rules:

- A position counts characters: code points, as Python's text does.
- Small pieces gather, and from `PIECE` characters on they become one. So each character is copied
  once while the text grows, a thousand pieces a second cost no object each for long, and what is
  near the end is found without copying what is before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

from attrs import define, field

PIECE = 4096
"""Characters that small pieces gather to. A text of four million is a thousand pieces then."""


@define(eq=False)
class Text:
    """What was added, in its order."""

    length: int = 0
    """Characters."""
    _pieces: list[str] = field(factory=list)
    """None is empty."""
    _starts: list[int] = field(factory=list)
    """The position of each piece's first character."""
    _gathered: int = 0
    """So many pieces are what smaller ones have gathered to, and stay as they are."""
    _join: Callable[[Iterable[str]], str] = "".join
    """All copying of more than one piece."""

    def add(self, text: str) -> None:
        """Appends to it."""
        if not text:
            return
        self._pieces.append(text)
        self._starts.append(self.length)
        self.length += len(text)
        first = self._gathered
        if self.length - self._starts[first] >= PIECE:
            if len(self._pieces) > first + 1:
                self._pieces[first:] = [self._join(self._pieces[first:])]
                del self._starts[first + 1 :]
            self._gathered += 1

    def since(self, position: int, limit: int | None = None) -> str:
        """What follows on this position, at most `limit` characters of it."""
        end = self.length if limit is None else min(position + limit, self.length)
        if position >= end:
            return ""
        low = bisect_right(self._starts, position) - 1
        high = bisect_left(self._starts, end) - 1
        begin, stop = position - self._starts[low], end - self._starts[high]
        if low == high:
            return self._pieces[low][begin:stop]
        inner = self._pieces[low + 1 : high]
        return self._join([self._pieces[low][begin:], *inner, self._pieces[high][:stop]])

    def pieces(self) -> list[str]:
        """All of it as it is now, without copying a character."""
        return self._pieces.copy()
