"""A request and its answer, as every server here hands them over.

Rules:

- A head is what was sent: the method exactly as it was written, the path still percent-encoded,
  nothing repaired. Who looks at it decides what it means, once.
- A body is read only when somebody asks for it, piece by piece. Who never asks, never invites it.
- An answer is a value. Nobody holds a connection in the hand while making one.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from typing import Protocol

from attrs import field, frozen

Buffers = tuple[bytes | memoryview, ...]
"""An answer's body that is all there, in several places: it is sent from where it lies.

The views are of bytes that nobody changes. What is short is better copied: each place costs as much
as copying a KiB.
"""

Chunks = AsyncGenerator[bytes, None]
"""An answer's body in pieces. Whoever sends it closes it, also when the client goes.

The head leaves with the first piece: who has nothing to say for long, and wants to be heard at
once, begins with something. What fails before the first piece is an error like any other.
"""


class ClientGone(OSError):
    """The client sends, or takes, nothing more: what it asked for has nobody to go to."""


class Headers:
    """A head's fields: names in lower case, each with all its values, in the order they came."""

    __slots__ = ("_values",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in fields:
            self._values.setdefault(name.lower(), []).append(value)

    @classmethod
    def grouped(cls, values: dict[str, list[str]]) -> "Headers":
        """Of what is grouped already: under each name, in lower case, its values. Keeps them."""
        headers = cls.__new__(cls)
        headers._values = values
        return headers

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Every field, those of one name together."""
        for name, values in self._values.items():
            for value in values:
                yield name, value

    def all(self, name: str) -> Sequence[str]:
        """All values of this name, which is in lower case; of none, an empty sequence."""
        return self._values.get(name, ())

    def get(self, name: str) -> str | None:
        """The values of this name as one, joined as RFC 9110 5.3 has it; `None`: there is none."""
        values = self._values.get(name)
        return None if values is None else ", ".join(values)


class Body(Protocol):
    """What comes behind a head: from a socket here, or from another server."""

    @property
    def announced(self) -> int | None:
        """Bytes, as the head says; `None`: it does not say, and the end shows itself."""

    async def receive(self) -> bytes:
        """The next piece; `b""` at the end, and from then on. Raises `ClientGone`."""


@frozen(kw_only=True)
class Request:
    """One request. `path` begins behind the place where the service is mounted, its `root`."""

    method: str
    path: str
    """As it was sent; a character stands for a byte."""
    query: str = ""
    """What stands behind the question mark, still encoded."""
    headers: Headers
    body: Body = field(repr=False)
    root: str = ""


@frozen
class Response:
    """One answer. Its length, its date and whether the connection stays are the server's to say."""

    status: int
    body: bytes | Buffers | Chunks = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    is_endless: bool = False
    """Whether a body in pieces has no end of its own: a server that stops does not wait for it."""
