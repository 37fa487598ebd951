"""AsyncAgentRuntimeClient: the API, for programs that await it, under asyncio or trio."""

from collections.abc import AsyncIterator
from typing import Self, TypeVar

from web.clients.blocks import AsyncDraft, AsyncTurn
from web.clients.calls.terms import USUAL, Terms
from web.clients.core.async_wire import AsyncWire
from web.clients.core.awaiting import AsyncPaging, AsyncStreaming, ask, walk
from web.clients.core.call import Ask, Pages, Steps
from web.clients.core.course import Stream
from web.clients.core.place import Place
from web.clients.methods import Methods

T = TypeVar("T")


class AsyncAgentRuntimeClient(Methods):
    """The API of one service. Used by any number of tasks of one event loop.

    The calls are those of `AgentRuntimeClient`, and raise the same.
    """

    def __init__(self, url: str | None = None, *, token: str | None = None) -> None:
        """`url` and `token`: without them, `AGENT_RUNTIME_URL` and `AGENT_RUNTIME_TOKEN`."""
        self._wire = AsyncWire(Place.of(url, token))

    async def aclose(self) -> None:
        """Closes the connections. Said twice, it is the same."""
        await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    def draft(
        self, session_id: str, message_id: str, *, role: str = "assistant", terms: Terms = USUAL
    ) -> AsyncDraft:
        """A message to be written piece by piece, in an `async with` block; its end finishes it."""
        return AsyncDraft(self, session_id, message_id, role, terms)

    def turn(self, session_id: str, holder: str, *, ttl: float = 60.0) -> AsyncTurn:
        """A turn, taken when an `async with` block begins, and ended with it."""
        return AsyncTurn(self, session_id, holder, ttl)

    async def ask(self, wanted: Ask[T]) -> T:
        """Sends a call of `web.clients.calls`."""
        return await ask(self._wire, wanted)

    def each(self, wanted: Pages[T]) -> AsyncIterator[T]:
        """What is on all pages of one."""
        return AsyncPaging(self._wire, wanted)

    async def walk(self, steps: Steps[T]) -> T:
        """Sends several, one after the other."""
        return await walk(self._wire, steps)

    def stream(self, wanted: Stream[T]) -> AsyncStreaming[T]:
        """Reads the answer of one as it comes."""
        return AsyncStreaming(self._wire, wanted)
