"""The sessions of a file, whoever wrote it: a first line each, and the entries' lines."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from attrs import field, frozen

from runtime import InvalidInput, is_heading, read_as
from web.formats import Conversation, NotATranscript, Source, Tally

OWN = "agent-runtime"


@frozen(eq=False)
class FileLine:
    """An entry's line."""

    text: bytes
    """Without its end."""
    number: int
    """The line of the file that it stands for."""
    done: int
    """Bytes of the file up to there."""


@frozen(eq=False)
class FileSession:
    """One session of a file."""

    heading: dict[str, Any]
    lines: Iterator[FileLine]
    """To be read before the next session is asked for."""
    number: int = 1
    """The line of the file at which it begins."""
    tally: Tally = field(factory=Tally)
    """What the lines that were read so far are."""
    transcript: Conversation | None = None
    """Of whom the lines are made, where another agent wrote the file."""


def sessions_of(path: Path, name: str, now: datetime) -> Iterator[FileSession]:
    """The sessions of a file, of a format or (`auto`) of whichever it is.

    Raises `NotATranscript`, `InvalidInput`, `OSError`.
    """
    if name == OWN or (name == "auto" and _is_own(path)):
        yield from _Own(path).sessions()
        return
    source = Source.open(path, None if name == "auto" else name)
    conversation = Conversation(source, now, source.session_id)
    lines = (
        FileLine(text, number, done) for number, (text, done) in enumerate(conversation.lines(), 1)
    )
    yield FileSession(
        conversation.heading, lines, tally=conversation.tally, transcript=conversation
    )


def _is_own(path: Path) -> bool:
    with path.open("rb") as file:
        return is_heading(file.readline(65_536))


class _Kind(msgspec.Struct):
    kind: str = ""
    at: str | None = None


class _Own:
    """Goes through a file of our own, which may have many sessions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next: FileLine | None = None
        """The first line of the session that comes."""

    def sessions(self) -> Iterator[FileSession]:
        with self._path.open("rb") as file:
            lines = self._numbered(file)
            self._next = next(lines, None)
            if self._next is None or not is_heading(self._next.text):
                raise NotATranscript("its first line does not say whose log it is")
            while self._next is not None:
                first, self._next = self._next, None
                tally = Tally()
                try:
                    heading = read_as(first.text, dict[str, Any], "The line")[0]
                except InvalidInput as error:
                    raise InvalidInput(f"line {first.number}: {error}") from None
                entries = self._until_next(lines, tally)
                yield FileSession(heading, entries, first.number, tally)
                for _ in entries:  # of one that was given up
                    pass

    def _until_next(self, lines: Iterator[FileLine], tally: Tally) -> Iterator[FileLine]:
        for line in lines:
            if is_heading(line.text):
                self._next = line
                return
            _count(line.text, tally)
            yield line

    def _numbered(self, file: Any) -> Iterator[FileLine]:
        done = 0
        for number, text in enumerate(file, 1):
            done += len(text)
            if text.strip():
                yield FileLine(text.rstrip(b"\r\n"), number, done)


def _count(text: bytes, tally: Tally) -> None:
    try:
        said = msgspec.json.decode(text, type=_Kind)
    except msgspec.MsgspecError:
        return  # whoever reads it says what is wrong
    tally.messages += said.kind == "message"
    tally.records += said.kind != "message"
    tally.first = tally.first or said.at
    tally.last = said.at or tally.last
