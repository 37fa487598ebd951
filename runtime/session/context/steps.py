"""From messages to steps, the newest first: what was moved apart is brought together.

Rules:

- Results stand right behind the message of their calls, wherever they came: no provider lets
  anything come between. Only the items of one answer of OpenAI's Responses API, which are messages
  of their own, have theirs behind all of them.
- A call without a result gets one. A result without its call is left out, as is a second one.
- Messages are taken one by one and given out as soon as nothing that is older can change them. So a
  context looks at no more of a log than it shows, and a few messages more.
"""

from collections.abc import Sequence

from attrs import define, field

from runtime.config import MiB
from runtime.session.context.editing import with_parts
from runtime.session.context.loose import Pool
from runtime.session.context.reading import are_thoughts, shape_of
from runtime.session.context.shape import Shape
from runtime.session.context.step import Step, rest_of, single, step_of
from runtime.session.context.told import Told

LARGEST = 32 * MiB
"""Bytes of the largest context. Anthropic takes requests of 32 MB
(https://docs.claude.com/en/api/overview), and others are not far from that."""


@define(eq=False)
class Steps:
    """Takes messages, and gives steps, both the newest first."""

    _pool: Pool = field(factory=lambda: Pool(LARGEST))
    _used: set[str] = field(factory=set)
    """Ids of calls that may not come a second time."""
    _following: Told | None = None
    """The last message, if it has results among its parts: it belongs to the next one if that has
    their calls. Then there is no run."""
    _run: list[Told] = field(factory=list)
    """The last messages, if all are an assistant's: with an older one they may be one answer."""
    _run_size: int = 0
    _place: int = 0

    def add(self, text: bytes, shape: Shape) -> Sequence[Step]:
        """Takes a message that is older than those before it; gives the steps that are done."""
        if shape.is_plain and shape.speaker != "assistant":
            step = single(text, shape.speaker)
            if not self._run and self._following is None:
                return (step,)
            done = self.end()
            done.append(step)
            return done
        self._place += 1
        told = Told(text, shape, self._place)
        if shape.results:
            done = self.end()
            self._pool.add(told)
            if not shape.is_result:
                self._following = told
        elif shape.calls and not shape.goes_on:
            done = self._calling(told)
        else:
            done = [] if self._following is None else self._end_following()
            self._run.append(told)
            self._run_size += len(text)
            if self._run_size > LARGEST:
                done += self._end_run()
        return done

    def end(self) -> list[Step]:
        """Gives what is left when nothing older comes."""
        if self._following is not None:
            return self._end_following()
        return self._end_run() if self._run else []

    def _calling(self, told: Told) -> list[Step]:
        done = self._end_run() if self._run else []
        calling = self._without_repeated(told)
        if calling is None:
            return done
        if calling.shape.calls:
            step, is_hosted = step_of((calling,), self._pool, self._following)
            if is_hosted:
                self._following = None
        else:
            step = single(calling.text, calling.shape.speaker)
        if self._following is not None:
            done += self._end_following()
        done.append(step)
        return done

    def _end_following(self) -> list[Step]:
        following, self._following = self._following, None
        rest = None if following is None else rest_of(following)
        return [] if rest is None else [rest]

    def _end_run(self) -> list[Step]:
        run, self._run, self._run_size = self._run, [], 0
        done: list[Step] = []
        # The last of them that calls is the oldest: results come behind it.
        for at in range(len(run) - 1, -1, -1):
            if not run[at].shape.is_plain:
                done.append(step_of(run[at::-1], self._pool)[0])
                run = run[at + 1 :]
                break
        done += [single(told.text, told.shape.speaker) for told in run]
        return done

    def _without_repeated(self, told: Told) -> Told | None:
        """The message without calls whose ids a later one has; `None` if nothing is left."""
        repeated: set[int] = set()
        for call in told.shape.calls:
            if call.form.is_unique and call.part is not None and call.id is not None:
                if call.id in self._used:
                    repeated.add(call.part)
                self._used.add(call.id)
        if not repeated:
            return told
        left = [part for place, part in enumerate(told.parts) if place not in repeated]
        text = with_parts(told.text, told.shape.where, left)
        shape = shape_of(text)
        return Told(text, shape, told.place) if shape.calls or not are_thoughts(left) else None
