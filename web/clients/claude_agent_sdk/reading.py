"""A session's log as a transcript."""

from collections.abc import Iterable, Iterator

from web.clients.claude_agent_sdk.lines import Line, line_of, translated
from web.clients.shared.conversation import Item


def lines_of(session_id: str, items: Iterable[Item]) -> Iterator[Line]:
    """The lines of items, in order. What other programs said follows on the line before it."""
    previous: str | None = None
    for item in items:
        is_theirs = item.message is not None and item.envelope is None
        line = translated(item, session_id, previous) if is_theirs else line_of(item)
        if line is None:
            continue
        if isinstance(uuid := line.get("uuid"), str):
            previous = uuid
        yield line
