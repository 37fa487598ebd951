"""Text that others wrote, on its way to a terminal: it may not steer it, and has to fit.

Rules:

- Whatever is printed of what a database or a service says goes through `line`, `visible` or
  `ascii_json`: an escape sequence in a title must not clear the screen, or type for the user.
- Widths are in columns of the terminal: Chinese characters take two, accents none.
"""

import re
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Sequence

from attrs import frozen

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_GAP = "  "
"""Between two columns of a table."""

LEAST = 12
"""Columns of the terminal that are left to a text that is cut: less of it would say nothing."""


def visible(text: str) -> str:
    """Keeps text from steering the terminal: escape sequences become their names."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def line(text: str) -> str:
    """The same for what belongs on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def ascii_json(text: bytes) -> str:
    """JSON that says the same in the 95 characters that every terminal and encoding has.

    Beyond them JSON has characters in its strings only, and white space between its tokens.
    """
    return _NOT_PLAIN.sub(_escaped, text.decode())


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character in "\n\r\t":
        return " "
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))


def width_of(text: str) -> int:
    """Columns that a terminal shows it in."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me")
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def cut(text: str, width: int) -> str:
    """As much of it as there is room for, with a sign that there is more."""
    if width_of(text) <= width:
        return text
    left = width - 1
    for at, character in enumerate(text):
        left -= width_of(character)
        if left < 0:
            return text[:at] + "…"
    return text


def terminal_width() -> int | None:
    """Columns that there are; `None`: who reads this is no terminal, and has room for all."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@frozen
class Column:
    """A column of a table."""

    name: str
    cells: Sequence[str]
    """Each one line."""
    is_number: bool = False
    """Numbers stand to the right."""
    gives: int = 0
    """Where there is no room, the highest is cut first; 0: never."""
    goes: bool = False
    """Whether it is left out rather than that those which give less are cut."""


def table(columns: Sequence[Column], room: int | None) -> Iterator[str]:
    """The lines of a table, the names first; within `room` columns of a terminal, if it can be."""
    shown, widths = _fitted(columns, room)
    for row in zip(*([one.name, *one.cells] for one in shown), strict=True):
        cells = [
            _padded(cut(cell, widths[one.name]), widths[one.name], to_the_right=one.is_number)
            for one, cell in zip(shown, row, strict=True)
        ]
        yield _GAP.join(cells).rstrip()


def _fitted(columns: Sequence[Column], room: int | None) -> tuple[Sequence[Column], dict[str, int]]:
    """Those columns that are shown, and how wide each is."""
    widths = {one.name: max(map(width_of, [one.name, *one.cells])) for one in columns}
    if room is None:
        return columns, widths
    excess = sum(widths.values()) + len(_GAP) * (len(columns) - 1) - room
    for one in sorted(columns, key=lambda column: -column.gives):
        if one.goes and excess > widths[one.name] - LEAST:
            return _fitted([other for other in columns if other is not one], room)
        if one.gives and excess > 0:
            given = min(excess, max(0, widths[one.name] - LEAST))
            widths[one.name] -= given
            excess -= given
    return columns, widths


def _padded(text: str, width: int, *, to_the_right: bool) -> str:
    padding = " " * (width - width_of(text))
    return padding + text if to_the_right else text + padding
