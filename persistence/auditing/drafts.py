"""Whether the chunks of drafts follow on each other, and belong to a session.

What does not follow is left out when the session is loaded: nobody could say where it belongs. So
it is named here, or nobody would hear of it.
"""

from collections.abc import Iterable, Iterator

from persistence.auditing.report import Problem
from persistence.auditing.rows import DraftRow, Sink
from runtime import added_of


def drafts(
    found: Iterable[tuple[str | None, DraftRow]], sink: Sink | None = None
) -> Iterator[Problem]:
    """What is wrong with chunks, and with the ids of the sessions that they are of.

    By session, and of each in the order in which they were written. The id is `None` where there is
    no session.
    """
    # One session after the other: so only the drafts of one are in memory, and no text of them.
    present: int | None = None
    lengths: dict[str, int] = {}
    for session_id, row in found:
        is_new = row.no != present
        if is_new:
            present, lengths = row.no, {}
        if session_id is None:
            if is_new:
                yield "stray", f"Drafts of number {row.no} belong to no session"
            continue
        who = f"Session {session_id!r}: draft {row.key!r}"
        length = lengths.get(row.key, 0)
        if row.start != length:
            yield "draft", f"{who} goes on behind character {row.start}, and has {length}"
            continue
        try:
            lengths[row.key] = length + sum(len(text) for _, text in added_of(row.body))
        except ValueError:
            yield "draft", f"{who}: what was added behind character {row.start} cannot be read"
            continue
        if sink is not None:
            sink.draft(row)
