"""What messages and agent switches that were kept apart become in one log, and what they leave out.

Version 1 of the schema, and the guide's own system, kept the two in tables of their own. The rules:

- They follow on each other in the order of time. Each of the two stays in its own order, whatever
  its times say: a clock that went backwards moves no message. At one moment, what was said comes
  first.
- The agent is the one that the session's row says, though the recorded switches lead elsewhere:
  then one is added.
- There may be fewer switches than the row counts. The others are known by their number only, and
  the log's first entry says it.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from typing import Any, TypeVar

Message = TypeVar("Message")
Switch = TypeVar("Switch")


def in_order(
    messages: Iterable[Message],
    switches: Iterable[Switch],
    moment: Callable[[Message | Switch], str],
) -> Iterator[Message | Switch]:
    """Both, in one order. Of each, one is read ahead and no more."""
    both: tuple[Iterable[Message | Switch], ...] = (messages, switches)
    # It compares the next ones of the two only, and takes the first of two that are equal.
    return merge(*both, key=moment)


def lacks_switch(recorded: str | None, agent: str) -> bool:
    """Whether one is to be added: the agent that the recorded ones led to is not this one.

    `None`: none is recorded. Then the session began with its agent, and nothing is lacking.
    """
    return recorded not in (None, agent)


def forgotten(counted: int, recorded: int, last_switch_at: str | None) -> dict[str, Any]:
    """Members of the first entry, for switches that are known by their number only.

    `recorded` has the one that is added. Empty if the entries say everything.
    """
    # The recorded ones may be more by one: the added switch need not be one of the counted.
    number = max(0, counted - recorded)
    if not number and (recorded or last_switch_at is None):
        return {}
    return {"forgotten_switches": number, "last_switch_at": last_switch_at}
