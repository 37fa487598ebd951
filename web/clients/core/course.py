"""An answer that is read as it comes, without a word about how it travels.

A course says what to send, takes the pieces of the answer, and decides what a break means. Who
carries it out (`streaming`, `awaiting`) opens, reads, sleeps, and decides nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from attrs import define, evolve, field, frozen

from web.clients.core.call import Call, Reply
from web.clients.core.parsing import Event, Events, Lines
from web.clients.core.patience import LONGEST, asked_pause, pause_before_again, spread
from web.clients.errors import AgentRuntimeError, NotFound, ServiceUnreachable, refusal_of

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Outcome = Reply | ServiceUnreachable | None
"""Why nothing more comes: a refusal, a break, or `None`: the answer has its end."""

AGAIN = 1.0
"""Seconds after which a stream that broke off is asked for again, if the service did not say."""


class Course(Protocol[T_co]):
    """One reading of an answer, from its begin to its end."""

    @property
    def call(self) -> Call:
        """What is sent now."""

    @property
    def expected(self) -> str:
        """The type of an answer that is one."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read."""

    def feed(self, piece: bytes) -> Iterable[T_co]:
        """What this piece of the answer completes."""

    def stopped(self, outcome: Outcome) -> tuple[Iterable[T_co], float | None]:
        """What else there is when no more pieces come, and after how many seconds to send `call`.

        `None`: not again, it is over. Raises `Refused`, `ServiceUnreachable`.
        """


def check_type(course: Course[object], headers: Mapping[str, str]) -> None:
    """Raises `AgentRuntimeError`: another program answers, which nobody would notice else."""
    found = headers.get("content-type", "")
    if found.partition(";")[0].strip() != course.expected:
        said = f"{found or 'nothing'} where {course.expected} was to come"
        raise AgentRuntimeError(f"This is no answer of agent-runtime, is the address right? {said}")


@frozen
class Stream(Generic[T]):
    """An answer that can be read as it comes."""

    begin: Callable[[], Course[T]]


@define(eq=False)
class Begin:
    """The tries before the first piece: those of any other call."""

    call: Call
    tries: int = 0

    def again(self, outcome: Reply | ServiceUnreachable) -> float:
        """Seconds before the next try. Raises `Refused`, `ServiceUnreachable`: there is none."""
        self.tries += 1
        pause = pause_before_again(self.call, self.tries, outcome)
        if pause is None:
            raise refusal_of(outcome)
        return pause


@define(eq=False)
class LinesOf:
    """The lines of an answer. What breaks off in the middle is an error: lines have no places."""

    call: Call
    expected: str = field(default="application/jsonl", init=False)
    is_over: bool = field(default=False, init=False)
    _begin: Begin | None = field(init=False)
    _lines: Lines = field(factory=Lines, init=False)

    def __attrs_post_init__(self) -> None:
        self._begin = Begin(self.call)

    def feed(self, piece: bytes) -> Iterable[bytes]:
        self._begin = None
        return self._lines.feed(piece)

    def stopped(self, outcome: Outcome) -> tuple[Iterable[bytes], float | None]:
        if outcome is None:
            self.is_over = True
            rest = self._lines.end()
            return ([rest] if rest else []), None
        if self._begin is None:
            raise refusal_of(outcome)
        return (), self._begin.again(outcome)


@define(eq=False)
class Following:
    """Events, also across breaks: asked for again behind the last one, until there are no more."""

    _asked: Call
    _is_one: bool
    """Whether it is of one session, which may be deleted."""
    _with_alive: bool
    _patience: float
    """Seconds of pauses, after which a service that is away is an error."""
    expected: str = field(default="text/event-stream", init=False)
    is_over: bool = field(default=False, init=False)
    _begin: Begin | None = field(init=False)
    _events: Events = field(factory=Events, init=False)
    _waited: float = field(default=0.0, init=False)
    _breaks: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._begin = Begin(self._asked)

    @property
    def call(self) -> Call:
        cursor = self._events.cursor
        if cursor is None:
            return self._asked
        # It wins over `after` in the query, and is how a browser goes on.
        return evolve(self._asked, headers=(*self._asked.headers, ("Last-Event-ID", cursor)))

    def feed(self, piece: bytes) -> Iterable[Event]:
        self._begin = None
        self._waited, self._breaks = 0.0, 0
        found = []
        for event in self._events.feed(piece):
            self.is_over |= event.name == "deleted"
            if event.name != "alive" or self._with_alive:
                found.append(event)
        return found

    def stopped(self, outcome: Outcome) -> tuple[Iterable[Event], float | None]:
        if self.is_over:
            return (), None
        if self._begin is not None and outcome is not None:
            return (), self._begin.again(outcome)
        # What had begun to come and has no end is lost: it is sent again behind the same place.
        self._events = Events(self._events.cursor, self._events.retry)
        usual = min((self._events.retry or AGAIN) * 2**self._breaks, LONGEST)
        pause = spread(usual)
        if outcome is not None:
            error = refusal_of(outcome)
            if isinstance(error, NotFound) and self._is_one:
                # It was there: it was deleted while nobody listened.
                self.is_over = True
                return [Event("deleted", {}, self._events.cursor)], None
            if isinstance(outcome, Reply):
                if outcome.status < 500:
                    raise error
                pause = asked_pause(outcome, pause)
            elif outcome.is_final:
                raise error
            if self._waited + pause > self._patience:
                raise error
        self._breaks += 1
        self._waited += pause
        return (), pause
