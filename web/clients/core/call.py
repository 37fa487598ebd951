"""One exchange with the service, without a word about how it travels.

Whatever carries calls (a connection, a runtime in the same process) is a `Transport`: it has
`exchange` for answers that come as a whole, and `open` for those that are read as they come.
"""

import json
from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote, urlencode

from attrs import field, frozen

from web.clients.errors import AgentRuntimeError

PREFIX = "/api/v1"

Pairs = tuple[tuple[str, str], ...]

T = TypeVar("T")

USUAL_SILENCE = 60.0
"""Seconds. The service answers a write within its own commit timeout, which is below that."""


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
    silence: float = USUAL_SILENCE
    """Seconds for which the service may say nothing before it is taken to be away."""

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
        """The content. Integers are exact, however large. Raises `AgentRuntimeError`."""
        return said_in(self.content)


class Answer(Protocol):
    """A reply that is read as it comes, by one thread at one time."""

    @property
    def status(self) -> int:
        """As `Reply` has it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """As `Reply` has them."""

    def next(self) -> bytes:
        """The next piece; `b""`: that was all. Raises `ServiceUnreachable`: it broke off."""

    def close(self) -> None:
        """Reads no more of it. Said twice, it is the same."""


class Transport(Protocol):
    """What carries a call to the service. Used by any number of threads at one time."""

    def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""

    def open(self, call: Call) -> Answer:
        """The same, of an answer that is to be read as it comes. Raises `ServiceUnreachable`."""

    def close(self) -> None:
        """Gives up what it holds. Said twice, it is the same."""


class AsyncAnswer(Protocol):
    """An `Answer` whose pieces are awaited."""

    @property
    def status(self) -> int:
        """As `Reply` has it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """As `Reply` has them."""

    async def next(self) -> bytes:
        """The next piece; `b""`: that was all. Raises `ServiceUnreachable`: it broke off."""

    async def aclose(self) -> None:
        """Reads no more of it. Said twice, it is the same."""


class AsyncTransport(Protocol):
    """A `Transport` that is awaited. Used by any number of tasks of one event loop."""

    async def exchange(self, call: Call) -> Reply:
        """Sends a call once. Raises `ServiceUnreachable`."""

    async def open(self, call: Call) -> AsyncAnswer:
        """The same, of an answer that is to be read as it comes. Raises `ServiceUnreachable`."""


@frozen
class Ask(Generic[T]):
    """A call, and what its answer means."""

    call: Call
    read: Callable[[Reply], T]
    answers: Collection[int] = ()
    """Statuses of 400 and above that are no refusal."""


@frozen
class Pages(Generic[T]):
    """An answer that comes in pages."""

    ask: Callable[[str | None], Ask[tuple[list[T], str | None]]]
    """Of the cursor that the page before gave, `None` for the first one: what is on the page, and
    the next one's cursor, `None`: it was the last one."""


Steps = Generator[Ask[Any], Any, T]
"""Several calls: each is yielded, and its answer, or its error, comes back in."""


def said_in(content: bytes | str) -> Any:
    """What JSON of the service says. Raises `AgentRuntimeError`: it is none."""
    try:
        return json.loads(content)
    except ValueError as error:
        raise AgentRuntimeError(
            f"This is no answer of agent-runtime, is the address right? {content[:60]!r}"
        ) from error


# Made once: `json.dumps` would make one for each value.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def content_of(value: object) -> bytes:
    """A value as JSON. Raises `ValueError` if JSON, or UTF-8, cannot say it."""
    return _ENCODER.encode(value).encode()
