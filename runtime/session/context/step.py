"""A step of a conversation: what is told as a whole, or not at all.

That is one message; or calls with all their results.
"""

from collections.abc import Sequence

from attrs import define

from runtime.session.context.editing import made, of_parts, with_parts
from runtime.session.context.loose import Loose, Pool
from runtime.session.context.shape import Call
from runtime.session.context.speakers import Speaker
from runtime.session.context.told import Told

ENDLESS = 2**53 - 1
"""Bytes that no room has."""


@define(eq=False)
class Step:
    """Some messages in their order, as JSON."""

    texts: tuple[bytes, ...]
    speaker: Speaker
    """Of the first of them."""
    size: int
    """Bytes that they take in a list: each with a comma, or a bracket, behind it."""
    interrupted: tuple[str, ...] = ()
    """Calls whose results were made up."""
    answer: Told | None = None
    """The message that has the results, if a user says more in it."""

    @property
    def count(self) -> int:
        """How many messages they are."""
        return len(self.texts)


def single(text: bytes, speaker: Speaker) -> Step:
    """A message that is neither a call nor a result."""
    return Step((text,), speaker, len(text) + 1)


def rest_of(told: Told) -> Step | None:
    """A message without its results, if anything is left of it."""
    if not told.shape.has_rest:
        return None
    return single(with_parts(told.text, told.shape.where, told.rest), told.shape.speaker)


def step_of(
    callers: Sequence[Told], pool: Pool, following: Told | None = None
) -> tuple[Step, bool]:
    """The step of these messages, which call, in their order, and what came of it.

    Each result that is a message stays one. Those that are parts are in one message, which is the
    `following` one if that has some of them: the rest of it then comes behind them. Whether that
    is so is told too.
    """
    found: list[Loose] = []
    lacking: list[Call] = []
    for caller in callers:
        for call in caller.shape.calls:
            result = pool.take(call)
            if result is None:
                lacking.append(call)
            else:
                found.append(result)
    if len(callers) == len(found) == 1 and not lacking and found[0].is_message:
        [caller], text = callers, found[0].text  # a call and its result: most steps that call
        size = len(caller.text) + len(text) + 2
        return Step((caller.text, text), caller.shape.speaker, size), False
    found.sort(key=_order)
    texts = [caller.text for caller in callers]
    parts = [loose for loose in found if loose.result.part is not None]
    made_up = [made(call.form.result(call)) for call in lacking if call.form.is_part]
    host = following if any(loose.told is following for loose in parts) else None
    is_lost = any(loose.is_lost for loose in found)
    if parts and not is_lost:
        texts.append(_answer(parts, made_up, host))
    elif made_up:
        texts.append(of_parts("user", callers[-1].shape.where, made_up))
    texts += [loose.text for loose in found if loose.result.part is None]
    texts += [made(call.form.result(call)) for call in lacking if not call.form.is_part]
    step = Step(
        tuple(texts),
        callers[0].shape.speaker,
        ENDLESS if is_lost else sum(map(len, texts)) + len(texts),
        tuple(call.shown for call in lacking),
        host if host is not None and host.shape.has_rest else None,
    )
    return step, host is not None


def _answer(parts: Sequence[Loose], made_up: Sequence[bytes], host: Told | None) -> bytes:
    """The one message of all results that are parts, some of which were found."""
    first = parts[0].told if host is None else host
    is_alone = all(loose.told is first for loose in parts)
    if host is None and (first.shape.has_rest or not is_alone):
        texts = [*(loose.text for loose in parts), *made_up]
        return of_parts(_role(first), first.shape.where, texts)
    places = [loose.result.part for loose in parts]
    if (
        is_alone
        and not made_up
        and len(places) == len(first.shape.results)
        and places == list(range(len(places)))
    ):
        return first.text  # as it was sent, which is so most often
    texts = [*(loose.text for loose in parts), *made_up, *first.rest]
    return with_parts(first.text, first.shape.where, texts)


def _role(told: Told) -> str:
    return "tool" if told.shape.speaker == "tool" else "user"


def _order(loose: Loose) -> tuple[int, int]:
    """That in which they were sent."""
    return -loose.told.place, loose.result.part or 0
