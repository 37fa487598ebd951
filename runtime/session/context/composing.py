"""A context: what a model is told of a session.

It is put together from the newest message backwards, so of a long session no more is looked at than
what is told.
"""

from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from runtime.errors import DoesNotFit
from runtime.session.context.cutting import Cutting, NoRoom, Room
from runtime.session.context.reading import shape_of, speaker_of
from runtime.session.context.step import Step, single
from runtime.session.context.steps import Steps
from runtime.session.entries.forms import sent_of
from runtime.session.entries.tail import Said


@frozen(kw_only=True)
class Limits:
    """How much is told at the most."""

    max_bytes: int
    """Of JSON: the list of messages, without spaces."""
    max_messages: int | None = None


@frozen(kw_only=True)
class Fixed:
    """What is told whatever else is."""

    instructions: Sequence[bytes] = ()
    """The messages of the system with which the session begins, as JSON."""
    summary: bytes | None = None
    """What is told in the place of messages that are not."""
    before: bytes | None = None
    """The last of these that a user said: told where no other begins the context."""


@frozen
class Composed:
    """What is told."""

    messages: Sequence[bytes]
    """As JSON."""
    interrupted: Sequence[str]
    """The ids of calls whose results were made up; a tool's name where its calls have none."""


@define(eq=False)
class Composer:
    """Takes messages, the newest first, until it has enough."""

    _fixed: Fixed
    _limits: Limits
    _front: Sequence[Step] = field(init=False)
    """What comes first in any case."""
    _opens: bool = field(init=False)
    """Whether any message may follow on that."""
    _before: Step | None = field(init=False)
    """What a user said, where that has to be told as well."""
    _steps: Steps = field(init=False)
    _cutting: Cutting = field(init=False)

    def __attrs_post_init__(self) -> None:
        fixed, limits = self._fixed, self._limits
        front = [single(text, "system") for text in fixed.instructions]
        before = None if fixed.before is None else single(fixed.before, "user")
        self._opens = False
        if fixed.summary is not None:
            speaker = speaker_of(fixed.summary)
            summary = single(fixed.summary, speaker)
            if speaker == "user":
                front.append(summary)
                self._opens = True
            elif speaker == "system":
                front.append(summary)
            elif before is not None:
                # An assistant's words do not begin a conversation.
                front += (before, summary)
                self._opens = True
        self._before = None if self._opens else before
        self._front = front
        count = limits.max_messages
        # Each message has a comma or a bracket behind it, and the first one a bracket before it.
        whole = Room(limits.max_bytes - 1, limits.max_bytes if count is None else count)
        room = whole.without(front)
        if not room.is_enough:
            raise self._does_not_fit(())
        self._steps, self._cutting = Steps(), Cutting(room)

    def take(self, messages: Iterable[Said]) -> bool:
        """Takes messages, each older than those before it; says whether it wants more.

        Raises `DoesNotFit`.
        """
        # Bound once: there may be thousands of messages, each looked at within microseconds.
        steps_of, cutting = self._steps.add, self._cutting
        add = cutting.add
        try:
            for body, key, metadata, form in messages:
                for step in steps_of(sent_of(body, key, metadata, form), shape_of(body)):
                    add(step)
                    if cutting.is_done:
                        return False
        except NoRoom as error:
            raise self._does_not_fit(error.steps) from None
        return True

    def end(self) -> Composed:
        """What is told. Raises `DoesNotFit`."""
        try:
            if not self._cutting.is_done:
                for step in self._steps.end():
                    self._cutting.add(step)
                    if self._cutting.is_done:
                        break
            steps = self._cutting.end(opens=self._opens, before=self._before)
        except NoRoom as error:
            raise self._does_not_fit(error.steps) from None
        told = [*self._front, *steps]
        return Composed(
            [text for step in told for text in step.texts],
            [call for step in told for call in step.interrupted],
        )

    def _does_not_fit(self, steps: Sequence[Step]) -> DoesNotFit:
        least = [*self._front, *steps]
        size = 1 + sum(step.size for step in least)
        return DoesNotFit(size, sum(step.count for step in least))
