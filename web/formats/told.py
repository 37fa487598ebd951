"""What a line of a transcript tells, and what a format is."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from attrs import frozen


@frozen
class Line:
    """A line of a file, or a part of a file that is one JSON value."""

    number: int
    """From 1."""
    value: Any
    """Of plain JSON; the text itself where that is none."""
    is_json: bool = True
    is_cut: bool = False
    """Whether it is the last one, and nobody came to its end: what writes the file was not done."""


@frozen(kw_only=True)
class Told:
    """An entry that a line becomes."""

    kind: Literal["message", "record", "settings"]
    body: Any
    """A message as it is to be sent, the value of a record, or a patch of the settings."""
    at: object = None
    """The moment, in any way of writing; without one it is that of what is before."""
    key: str | None = None
    is_unknown: bool = False
    """Of a record: whether nobody knows what the line means."""


class Format:
    """How one agent writes. An object reads one file, from its first line on."""

    name: ClassVar[str]

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        """Whether a file is of this format, whose first lines, or only value, are these."""
        raise NotImplementedError

    @classmethod
    def unpack(cls, document: Any) -> Sequence[Any] | None:  # noqa: ARG003
        """The parts of a file that is one JSON value, in place of lines; `None`: none of ours."""
        return None

    def session_id(self, first: Sequence[Any]) -> str | None:  # noqa: ARG002
        """What the first lines call the session; `None`: nothing."""
        return None

    def tell(self, line: Line) -> Iterator[Told]:
        """What a line tells: at least one entry."""
        raise NotImplementedError


def objects(values: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Those that are objects."""
    return [value for value in values if isinstance(value, Mapping)]


def text(value: Any) -> str | None:
    """A text that is not empty, or nothing."""
    return value if isinstance(value, str) and value else None


def without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The same without some members."""
    return {name: inner for name, inner in value.items() if name not in names}


def record(line: Line, at: object = None, *, is_unknown: bool = False) -> Told:
    """A line as it is."""
    return Told(kind="record", body=line.value, at=at, is_unknown=is_unknown)


def settings(at: object = None, **patch: Any) -> Told:
    """What the session is called, or where it is at work."""
    return Told(kind="settings", body=patch, at=at)


def is_message(value: Any) -> bool:
    """Whether it is one as providers take it."""
    return isinstance(value, Mapping) and 0 < len(text(value.get("role")) or "") <= 64


def moment_of(written: object) -> datetime | None:
    """The moment that is meant, if any is: a text as ISO 8601 has it, or a number since 1970."""
    try:
        if isinstance(written, str):
            found = datetime.fromisoformat(written)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        if isinstance(written, int | float) and not isinstance(written, bool) and written > 0:
            # In seconds it would be the year 5138.
            return datetime.fromtimestamp(written / 1000 if written > 1e11 else written, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None
