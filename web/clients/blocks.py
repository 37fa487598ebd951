"""A draft and a turn as blocks that are awaited."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from anyio import move_on_after

from web.clients.calls.messages import Appended
from web.clients.calls.terms import Terms
from web.clients.calls.turns import Turn as Told
from web.clients.errors import AgentRuntimeError
from web.clients.holding import Holding
from web.clients.writing import Drafting

if TYPE_CHECKING:
    from web.clients.awaited import AsyncAgentRuntimeClient

ENDING = 5.0
"""Seconds for which the end of a turn may hold up a program that is cancelled."""


class AsyncDraft:
    """A message that is being written. Used in an `async with` block, by one task at one time."""

    def __init__(
        self,
        client: "AsyncAgentRuntimeClient",
        session_id: str,
        message_id: str,
        role: str,
        terms: Terms,
    ) -> None:
        self._client = client
        self._drafting = Drafting(session_id, message_id, role, terms)

    async def append(self, text: str, part: str = "content") -> None:
        """Adds to a part. The session must be there. Raises as `append_draft` does."""
        await self._client.walk(self._drafting.append(text, part))

    async def finish(self, message: Mapping[str, Any] | None = None) -> Appended:
        """Puts the message in the draft's place: with its parts as members, or this one."""
        return await self._client.walk(self._drafting.finish(message))

    async def drop(self) -> None:
        """Takes it back."""
        await self._client.ask(self._drafting.drop())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and not self._drafting.is_over:
            await self.finish()


class AsyncTurn:
    """A turn. It begins and ends with an `async with` block."""

    def __init__(
        self, client: "AsyncAgentRuntimeClient", session_id: str, holder: str, ttl: float
    ) -> None:
        self._client = client
        self._holding = Holding(session_id, holder, ttl)

    @property
    def terms(self) -> Terms:
        """For each write that is to pass only while this turn holds."""
        return self._holding.terms

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked it to stop, as of the last answer."""
        return self._holding.is_cancelled

    async def renew(self) -> Told:
        """Holds it for as long again. `PreconditionFailed`: somebody else has it now."""
        told = await self._client.ask(self._holding.renew())
        self._holding.told = told
        return told

    def note(self, outcome: str) -> None:
        """What came of it, to be said at its end."""
        self._holding.outcome = outcome

    async def __aenter__(self) -> Self:
        """Raises `Conflict`: somebody has a turn, whom the detail names."""
        told = await self._client.ask(self._holding.take())
        self._holding.told = told
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            # Also where it is cancelled: else nobody could work before the turn's time is over.
            with move_on_after(ENDING, shield=True):
                await self._client.ask(self._holding.end(error))
        except AgentRuntimeError:
            if error is None:  # else the block's own error says more
                raise
