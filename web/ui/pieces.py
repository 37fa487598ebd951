"""What a message says, in whatever form an agent wrote it."""

from typing import Any

from attrs import frozen


@frozen
class Said:
    """A text for people."""

    text: str


@frozen
class Thought:
    """A text of reasoning."""

    text: str


@frozen
class Called:
    """A tool is called."""

    id: str
    name: str
    given: Any
    """Its arguments: a value, or a text that is no JSON."""
    text: str | None = None
    """The arguments as they were written, where that was a text."""


@frozen
class Came:
    """What came of a call."""

    id: str
    """The call's."""
    value: Any
    error: str | None = None
    """`None`: it went well."""


@frozen
class File:
    """A picture, a sound, a document."""

    media_type: str
    url: str
    """Where it is, or all of it as `data:`."""
    name: str | None = None


@frozen
class Other:
    """What no interface here has a word for."""

    where: str
    """The member, or the type of the part."""


Piece = Said | Thought | Called | Came | File | Other
