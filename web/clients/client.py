"""AgentRuntimeClient: the API, for programs that wait."""

from collections.abc import Iterator
from typing import Self, TypeVar

from web.clients.calls.terms import USUAL, Terms
from web.clients.core.asking import ask, each, walk
from web.clients.core.call import Ask, Pages, Steps, Transport
from web.clients.core.course import Stream
from web.clients.core.place import Place
from web.clients.core.streaming import Streaming
from web.clients.core.wire import Wire
from web.clients.holding import Turn
from web.clients.methods import Methods
from web.clients.writing import Draft

T = TypeVar("T")


class AgentRuntimeClient(Methods):
    """The API of one service. Used by any number of threads at one time.

    Every call raises `Refused` or `ServiceUnreachable`, see `web.clients.errors`. A call whose
    answer got lost is sent again where that is safe, which all appends of entries are.
    """

    def __init__(
        self, url: str | None = None, *, token: str | None = None, runtime: Transport | None = None
    ) -> None:
        """`url` and `token`: without them, `AGENT_RUNTIME_URL` and `AGENT_RUNTIME_TOKEN`.

        `runtime`: a runtime in this process, in place of a URL, see `web.clients.embedded`. It
        stays open when the client is closed.
        """
        self._owned = Wire(Place.of(url, token)) if runtime is None else None
        transport: Transport | None = runtime if self._owned is None else self._owned
        assert transport is not None
        self.transport: Transport = transport

    def close(self) -> None:
        """Closes the connections. Said twice, it is the same."""
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def draft(
        self, session_id: str, message_id: str, *, role: str = "assistant", terms: Terms = USUAL
    ) -> Draft:
        """A message to be written piece by piece, in a `with` block; its end finishes it."""
        return Draft(self, session_id, message_id, role, terms)

    def turn(self, session_id: str, holder: str, *, ttl: float = 60.0) -> Turn:
        """A turn, taken when a `with` block begins, and ended with it."""
        return Turn(self, session_id, holder, ttl)

    def ask(self, wanted: Ask[T]) -> T:
        """Sends a call of `web.clients.calls`."""
        return ask(self.transport, wanted)

    def each(self, wanted: Pages[T]) -> Iterator[T]:
        """What is on all pages of one."""
        return each(self.transport, wanted)

    def walk(self, steps: Steps[T]) -> T:
        """Sends several, one after the other."""
        return walk(self.transport, steps)

    def stream(self, wanted: Stream[T]) -> Streaming[T]:
        """Reads the answer of one as it comes."""
        return Streaming(self.transport, wanted)
