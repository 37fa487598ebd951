"""Which steps are told, where not all fit: the newest exchanges, whole.

An *exchange* begins with what a user says, with instructions right before it or between, and has
everything up to the next one.

Rules:

- Cut is between exchanges: one that does not fit is left out, and all before it.
- Only if not even the newest fits, it is cut itself: it keeps what the user said, and its newest
  steps. An agent that has worked by itself for long would have no context otherwise.
- If not even the user's last message and the newest step fit, there is no context: `DoesNotFit`
  says what would be needed.
- Of what comes before the first user's message nothing is told: a context begins with one.
"""

from collections.abc import Iterable, Sequence

from attrs import define, field

from runtime.session.context.step import Step, rest_of


@define
class Room:
    """So much can be told."""

    size: int
    """Bytes."""
    count: int
    """Messages."""

    @property
    def is_enough(self) -> bool:
        """Whether what was taken from it was there."""
        return self.size >= 0 and self.count >= 0

    def take(self, step: Step) -> None:
        """Makes it smaller by this step."""
        self.size -= step.size
        self.count -= step.count

    def without(self, steps: Iterable[Step]) -> "Room":
        """What these leave of it."""
        left = Room(self.size, self.count)
        for step in steps:
            left.take(step)
        return left


class NoRoom(Exception):
    """Not even these steps fit, and no less can be told."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self.steps = steps


@define(eq=False)
class Cutting:
    """Takes steps, the newest first, and keeps those that are told."""

    _room: Room
    """What the exchanges that are kept leave."""
    is_done: bool = False
    """Whether nothing older will be told."""
    _kept: list[Step] = field(factory=list)
    """Of the exchanges that fit, the newest first."""
    _body: list[Step] = field(factory=list)
    """Of the exchange that is being taken in, the newest steps: all that could be told."""
    _is_cut: bool = False
    """Whether the body is more than what is here."""
    _opening: list[Step] = field(factory=list)
    """The last steps, if they may be its beginning: of users, and instructions."""
    _said: int | None = None
    """The newest of a user among them."""
    _left: Room = field(init=False)
    """What this exchange leaves of the room."""

    def __attrs_post_init__(self) -> None:
        self._left = self._room.without(())

    def add(self, step: Step) -> None:
        """Takes a step that is older than those before it. Raises `NoRoom`."""
        if step.speaker in ("user", "system"):
            self._opening.append(step)
            if self._said is None and step.speaker == "user":
                self._said = len(self._opening) - 1
        else:
            if self._said is not None:
                self._keep()
            self._no_opening()
            if not self._is_cut:
                self._body.append(step)
        left = self._left
        left.size -= step.size
        left.count -= step.count
        if left.size >= 0 and left.count >= 0:
            return
        # The exchange does not fit: it only grows.
        self._is_cut = True
        if self._kept or self._said is not None:
            self._finish()

    def end(self, *, opens: bool = False, before: Step | None = None) -> Sequence[Step]:
        """The steps that are told, in their order: nothing older comes.

        `opens`: whether anything may follow on what stands before them. `before`: what a user said
        earlier, to be told if not. Raises `NoRoom`.
        """
        if not self.is_done:
            if self._said is None:
                self._no_opening()
                if not opens:
                    self._begin(before)
            self._finish()
        return self._kept[::-1]

    def _no_opening(self) -> None:
        """What may have been a beginning was none."""
        self._body += self._opening
        self._opening, self._said = [], None

    def _begin(self, before: Step | None) -> None:
        """Finds a beginning for steps that have none, or lets go of them."""
        if before is None:
            said = max((at for at, step in enumerate(self._body) if step.answer), default=None)
            answer = None if said is None else self._body[said].answer
            self._body, self._is_cut = self._body[: said or 0], False
            self._left = self._room.without(self._body)
            before = None if answer is None else rest_of(answer)
        elif self._kept and not self._body:
            return
        if before is not None:
            self._opening, self._said = [before], 0
            self._left.take(before)

    def _keep(self) -> None:
        """The exchange is there from its beginning, and fits."""
        self._kept += (*self._body, *self._opening)
        self._room = Room(self._left.size, self._left.count)
        self._body, self._opening, self._said = [], [], None

    def _finish(self) -> None:
        """Nothing older will be told."""
        if not self._is_cut and self._left.is_enough:
            self._keep()
        elif not self._kept:
            self._kept = self._part()
        self.is_done = True

    def _part(self) -> list[Step]:
        """What is told of an exchange that does not fit, where there is no other."""
        said = [] if self._said is None else [self._opening[self._said]]
        until_then = self._opening[: len(said) and (self._said or 0) + 1]
        for opening in (until_then, said):
            steps, left = _fitting(self._body, self._room.without(opening))
            if steps or (not self._body and left.is_enough):
                older = self._opening[len(opening) :] if opening is until_then else []
                if len(steps) < len(self._body):
                    older = []
                return [*steps, *opening, *_fitting(older, left)[0]]
        raise NoRoom([*said, *self._body[:1]])


def _fitting(steps: Iterable[Step], room: Room) -> tuple[list[Step], Room]:
    """The first of them, as many as fit, and what they leave."""
    found: list[Step] = []
    for step in steps:
        left = room.without([step])
        if not left.is_enough:
            break
        found.append(step)
        room = left
    return found, room
