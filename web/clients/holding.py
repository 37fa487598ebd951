"""A turn for as long as a block lasts: who writes with its number is refused once it is lost.

It is not renewed by itself: a program that hangs would hold the session. Whoever works for longer
than the turn's time says `renew`, which tells as well whether somebody asks it to stop.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from attrs import define, field

from web.clients.calls import turns
from web.clients.calls.terms import Terms
from web.clients.calls.turns import Turn as Told
from web.clients.core.call import Ask
from web.clients.errors import AgentRuntimeError

if TYPE_CHECKING:
    from web.clients.client import AgentRuntimeClient


@define(eq=False)
class Holding:
    """A turn, whoever holds it."""

    session_id: str
    holder: str
    ttl: float
    told: Told | None = field(default=None, init=False)
    outcome: str | None = field(default=None, init=False)

    @property
    def terms(self) -> Terms:
        assert self.told is not None, "the block has not begun"
        return Terms(turn=self.told["turn"])

    def take(self) -> Ask[Told]:
        return turns.take_turn(self.session_id, self.holder, self.ttl)

    def renew(self) -> Ask[Told]:
        return turns.take_turn(self.session_id, self.holder, self.ttl, terms=self.terms)

    def end(self, error: BaseException | None) -> Ask[None]:
        assert self.told is not None, "the block has begun"
        outcome = self.outcome if error is None else type(error).__name__
        return turns.end_turn(self.session_id, self.told["turn"], outcome=outcome)

    @property
    def is_cancelled(self) -> bool:
        return self.told is not None and "cancelled" in self.told


class Turn:
    """A turn. It begins and ends with a `with` block."""

    def __init__(
        self, client: "AgentRuntimeClient", session_id: str, holder: str, ttl: float
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

    def renew(self) -> Told:
        """Holds it for as long again. `PreconditionFailed`: somebody else has it now."""
        told = self._client.ask(self._holding.renew())
        self._holding.told = told
        return told

    def note(self, outcome: str) -> None:
        """What came of it, to be said at its end."""
        self._holding.outcome = outcome

    def __enter__(self) -> Self:
        """Raises `Conflict`: somebody has a turn, whom the detail names."""
        told = self._client.ask(self._holding.take())
        self._holding.told = told
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._client.ask(self._holding.end(error))
        except AgentRuntimeError:
            if error is None:  # else the block's own error says more
                raise
