"""A file of a transcript: which format it is in, and its lines.

A file of JSON lines is read line by line, however long it is; one that is a single JSON value is
read whole.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from runtime import InvalidInput, encode, read_as
from web.formats.table import FORMATS, of_document, of_lines
from web.formats.told import Format, Line

FIRST = 100
"""Lines that are looked at to find out what a file is."""


class NotATranscript(Exception):
    """The file is of no format that is known; the message says what was looked for."""


@frozen(kw_only=True)
class Source:
    """A file that can be read, once or again."""

    path: Path
    format: type[Format]
    session_id: str
    modified: datetime
    _parts: Sequence[Any] | None
    """Of a file that is one value."""

    @classmethod
    def open(cls, path: Path, name: str | None = None) -> "Source":
        """Looks into a file. `name` is the format's; `None`: whichever it is.

        Raises `NotATranscript`, `OSError`.
        """
        first = [line.value for line in _first(path)]
        parts: Sequence[Any] | None = None
        found = None if name is None else FORMATS[name]
        if len(first) < 2 or not isinstance(first[0], dict | list):
            document = _document(path)
            if found is not None:
                parts = found.unpack(document)
            elif (known := of_document(document)) is not None:
                found, parts = known
        if parts is None and found is None:
            found = of_lines(first)
        if found is None or not first:
            wanted = name or ", ".join(sorted(FORMATS))
            raise NotATranscript(f"it is none of {wanted}")
        told = first if parts is None else parts[:FIRST]
        return cls(
            path=path,
            format=found,
            session_id=found().session_id(told) or _name_of(path, told[0]),
            modified=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            parts=parts,
        )

    def lines(self) -> Iterator[tuple[Line, int]]:
        """The lines, each with the bytes of the file up to its end. Raises `OSError`."""
        if self._parts is None:
            yield from _lines(self.path)
            return
        size, count = self.path.stat().st_size, len(self._parts)
        for number, part in enumerate(self._parts, 1):
            yield Line(number, part), size * number // count


def _lines(path: Path) -> Iterator[tuple[Line, int]]:
    done = 0
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            done += len(text)
            if text.strip():
                line = _line(number, text)
                is_whole = line.is_json or text.endswith(b"\n")
                yield line if is_whole else evolve(line, is_cut=True), done


def _first(path: Path) -> list[Line]:
    found: list[Line] = []
    for line, _ in _lines(path):
        found.append(line)
        if len(found) == FIRST:
            break
    return found


def _line(number: int, text: bytes) -> Line:
    try:
        return Line(number, read_as(text.strip(), Any, "The line")[0])
    except InvalidInput:
        return Line(number, text.decode(errors="replace").rstrip("\r\n"), is_json=False)


def _document(path: Path) -> Any:
    """The value that a file is; `None`: it is none."""
    text = path.read_bytes()
    try:
        return read_as(text, Any, "The file")[0]
    except InvalidInput:
        pass
    try:  # Python's own writer says NaN, and reads it
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _name_of(path: Path, first: Any) -> str:
    """What a file is called that does not say whose it is: many are named alike.

    So its first line goes in, which stays when the file grows.
    """
    name = path.name.split(".")[0]
    if name in ("", "api_conversation_history", "ui_messages", "wire", "context"):
        name = path.absolute().parent.name or "transcript"
    return f"{name}-{blake2b(encode(first, 'line'), digest_size=4).hexdigest()}"
