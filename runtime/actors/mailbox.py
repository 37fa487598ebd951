"""A command in a mailbox, with the place for its only answer, which is settled once.

Who settles it decides what the caller may see (I2). The actor does at once where nothing that a
crash could take is shown; otherwise it keeps the answer here, and the persister settles it:

- once it is on disk, with what was kept, be it a value or a refusal;
- if the store fails: a read with its value, which says itself how much of it is on disk; a write,
  and a refusal that rests on what is not on disk, with the store's error.
"""

from collections.abc import Callable
from math import inf
from typing import Generic, TypeVar, cast

import trio

from runtime.errors import AgentRuntimeError, CallerError
from runtime.session.state import SessionState
from runtime.session.steps import Steps

R = TypeVar("R")


class Command(Generic[R]):
    """What is asked of a session: a callable on its state.

    It returns its answer, or, if it may take long, the `Steps` that come to it. It raises a
    `CallerError` if it refuses, or `Needs` if it lacks something in memory; in both cases it has
    changed nothing.
    """

    __slots__ = (
        "_answered",
        "_error",
        "_refusal",
        "_value",
        "confirm",
        "confirm_refusal",
        "deadline",
        "is_answered",
        "is_durable",
        "is_read",
        "work",
    )

    def __init__(
        self,
        work: Callable[[SessionState], R | Steps[R]],
        *,
        is_read: bool = False,
        confirm: bool = False,
        confirm_refusal: bool = False,
    ) -> None:
        self.work = work
        self.is_read = is_read
        """Whether it never changes anything."""
        self.confirm = confirm
        """Whether to answer only once the state that the answer rests on is on disk."""
        self.confirm_refusal = confirm_refusal
        """The same, for a refusal."""
        self.deadline = inf
        """Until when to hold the answer back at the longest, in trio's time."""
        self.is_durable = False
        """Once answered: whether what the answer rests on is on disk."""
        self.is_answered = False
        """Whether `wait` has something to say."""
        self._answered: trio.Event | None = None
        """For who waits already; `None`: nobody does."""
        self._value: R | None = None
        self._refusal: CallerError | None = None
        self._error: AgentRuntimeError | None = None

    def hold(self, value: R | None, refusal: CallerError | None = None) -> None:
        """Keeps the answer until `settle`."""
        self._value = value
        self._refusal = refusal

    def settle(self, error: AgentRuntimeError | None = None) -> None:
        """Answers with what is kept, or with this error."""
        if error is None:
            self.is_durable = True
        elif not self.is_read or self._refusal is not None:
            self._refusal, self._error = None, error
        self.answer()

    def answer(self) -> None:
        """Answers with what is kept, on disk or not."""
        self.is_answered = True
        if self._answered is not None:
            self._answered.set()

    def refuse(self, error: AgentRuntimeError) -> None:
        """Answers with this error, whatever is kept."""
        self._refusal, self._error = None, error
        self.answer()

    async def wait(self) -> R:
        """The answer, once; raises what the command was refused with. Always a checkpoint."""
        if self.is_answered:
            await trio.lowlevel.checkpoint()
        else:
            self._answered = trio.Event()
            await self._answered.wait()
        error = self._error or self._refusal
        if error is None:
            return cast(R, self._value)
        # A raised error has its frames, and they have this command, with all that was to be
        # written: kept here, it would be in a cycle, and stay until somebody looks for garbage.
        self._error = self._refusal = None
        try:
            raise error
        finally:
            del error
