"""Ids of messages that more than one message has, of those that count.

Who has them sent a message twice, and has it twice: the one thing that ids are to prevent. Which
ids occur several times at all, each store finds out in its own way, from an index; after rewinds
that is nothing bad.
"""

from collections.abc import Iterable, Iterator

from persistence import intervals
from persistence.auditing.life import counts
from persistence.auditing.report import Problem


def repeated(
    session_id: str, found: Iterable[tuple[str, int]], counting: str | None
) -> Iterator[Problem]:
    """What is wrong with these messages of one session: their ids, and their numbers.

    `counting` is the session's intervals, as they are stored.
    """
    try:
        decoded = intervals.decode(counting)
    except ValueError:
        return  # That has been said.
    times: dict[str, int] = {}
    for key, seq in found:
        times[key] = times.get(key, 0) + counts(seq, decoded)
    for key, count in times.items():
        if count > 1:
            yield "repeated", f"Session {session_id!r} has the message id {key!r} {count} times"
