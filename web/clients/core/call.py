"""One exchange with the service, without a word about how it travels.

Whatever carries calls (a connection, a runtime in the same process) has one method: `exchange`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote, urlencode

from attrs import field, frozen

PREFIX = "/api/v1"

Pairs = tuple[tuple[str, str], ...]

T = TypeVar("T")


@frozen(kw_only=True)
class Call:
    """What is asked of the service."""

    method: str
    path: str
    """Percent-encoded, from the service's own root on."""
    query: Pairs = ()
    headers: Pairs = ()
    content: bytes = field(default=b"", repr=False)
    content_type: str = "application/json"
    """Of the content, if there is any."""
    is_repeatable: bool = False
    """Whether it can be sent again when nobody knows what became of it: it has one effect, however
    often it comes."""

    @property
    def query_string(self) -> str:
        """The query as a URL has it."""
        return urlencode(self.query, quote_via=quote)


@frozen
class Reply:
    """What the service answered, whether it did as it was asked or not."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    content: bytes = field(repr=False)

    def json(self) -> Any:
        """The content. Integers are exact, however large."""
        return json.loads(self.content)


class Transport(Protocol):
    """What carries a call to the service. Used by any number of threads at one time."""

    def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""

    def close(self) -> None:
        """Gives up what it holds. Said twice, it is the same."""


@frozen
class Ask(Generic[T]):
    """A call, and what its answer means."""

    call: Call
    read: Callable[[Reply], T]


@frozen
class Pages(Generic[T]):
    """An answer that comes in pages."""

    ask: Callable[[str | None], Ask[tuple[list[T], str | None]]]
    """Of the cursor that the page before gave, `None` for the first one: what is on the page, and
    the next one's cursor, `None`: it was the last one."""


def content_of(value: object) -> bytes:
    """A value as JSON. Raises `ValueError` if JSON, or UTF-8, cannot say it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()
