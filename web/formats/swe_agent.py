"""SWE-agent's trajectories: one JSON value whose `history` is a list of messages.

Of a list of messages alone, or one under `messages` as mini-swe-agent writes them, see `openai`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import Format, Line, Told, is_message, objects, record, without


class SWEAgent(Format):
    """Trajectories."""

    name = "swe-agent"

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(_is_rest(value) for value in objects(first)) or any(
            is_message(value) and "message_type" in value and "agent" in value for value in first
        )

    @classmethod
    def unpack(cls, document: Any) -> Sequence[Any] | None:
        """What else there is comes behind the messages: the steps of the trajectory one by one."""
        if not isinstance(document, Mapping) or not isinstance(document.get("history"), list):
            return None
        steps = document.get("trajectory")
        told = [{"step": step} for step in steps] if isinstance(steps, list) else []
        rest = without(document, "history", "trajectory" if told else "history")
        return [*document["history"], *told, *([rest] if rest else [])]

    def tell(self, line: Line) -> Iterator[Told]:
        if is_message(line.value):
            yield Told(kind="message", body=dict(line.value))
        else:
            yield record(line, is_unknown=not isinstance(line.value, Mapping))


def _is_rest(value: Mapping[str, Any]) -> bool:
    step = value.get("step")
    return isinstance(step, Mapping) and "observation" in step
