"""What of a message matters to a context: who speaks, which tools it calls, what it answers.

A call, or a result, is either the message itself, or a member of it (`part is None`), or one of the
parts in its `content` or `parts`.

What is made of each message is a tuple with names: a frozen class takes three times as long to
make, and of a thousand messages that is a fifth of the whole time.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from attrs import frozen

from runtime.session.context.speakers import Speaker

Where = Literal["content", "parts"]


@frozen
class Form:
    """A way of writing calls and their results."""

    family: str
    """Where neither a call nor a result has an id, they belong together only within a family."""
    is_part: bool
    """Whether the result is a part of a message, or a message of its own."""
    result: Callable[["Call"], dict[str, Any]]
    """The result, a part or a message, of a call that was interrupted."""
    is_loose: bool = False
    """Whether a call and its result belong together by their name where only one has an id."""
    is_unique: bool = False
    """Whether no two calls in a context may have one id."""
    goes_on: bool = False
    """Whether the assistant's next messages belong to one answer with this call, so that results
    come behind them all."""


class Call(NamedTuple):
    """A tool is called."""

    id: str | None
    name: str
    form: Form
    part: int | None = None
    """Its place among the message's parts."""

    @property
    def shown(self) -> str:
        """What it is called in an answer: its id, or its tool where it has none."""
        return self.id or self.name


class Result(NamedTuple):
    """What came of a call."""

    id: str | None
    name: str
    family: str
    part: int | None = None
    """Its place among the message's parts."""
    is_loose: bool = False


class Shape(NamedTuple):
    """One message."""

    speaker: Speaker
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    """Either all are parts, or there is one, and it is the message."""
    where: Where = "content"
    """The member that has its parts."""
    size: int = 0
    """How many parts there are."""

    @property
    def is_plain(self) -> bool:
        """Whether it only says something."""
        return not self.calls and not self.results

    @property
    def is_result(self) -> bool:
        """Whether the message itself is a result, and nothing else."""
        return len(self.results) == 1 and self.results[0].part is None

    @property
    def has_rest(self) -> bool:
        """Whether it has parts that are no results."""
        return self.size > len(self.results)

    @property
    def goes_on(self) -> bool:
        """Whether its calls let the assistant's next messages belong to the same answer."""
        return (
            # Of most the first one tells.
            bool(self.calls)
            and self.calls[0].form.goes_on
            and all(call.form.goes_on for call in self.calls)
        )
