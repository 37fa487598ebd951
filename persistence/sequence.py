"""A delta must follow on what is stored: message numbers and switch ordinals never skip or repeat.

The one rule that SQLite's constraints cannot say, so both stores take it from here.
"""

from runtime.store import Delta, Header


class OutOfStep(ValueError):
    """A delta does not follow on what is stored; says where."""


def messages_before(delta: Delta, header: Header) -> int:
    """How many messages must be stored already for `delta`, which brings `header`, to fit.

    Raises `OutOfStep` if the delta contradicts itself.
    """
    before = header.message_count - len(delta.entries)
    if before < 0 or (delta.entries and delta.first_seq != before + 1):
        raise OutOfStep(
            f"{len(delta.entries)} messages from number {delta.first_seq} on do not make "
            f"{header.message_count}"
        )
    return before
