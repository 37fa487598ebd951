"""A session's log as a transcript."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import define, field

from web.clients.claude_agent_sdk.lines import Line, line_of, translated
from web.clients.shared.conversation import Item


@define
class Reading:
    """Makes lines of items; pieces of a line become one when the last of them has come."""

    session_id: str
    _previous: str | None = None
    _pieces: dict[str, dict[int, str]] = field(factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether no line is there in part only."""
        return not self._pieces

    def lines(self, items: Iterable[Item]) -> Iterator[Line]:
        """The lines of these items, in order."""
        for item in items:
            line = self._line(item)
            if line is not None:
                if isinstance(uuid := line.get("uuid"), str):
                    self._previous = uuid
                yield line

    def _line(self, item: Item) -> Line | None:
        if item.message is None and isinstance(item.envelope, list):
            return self._joined(*item.envelope)
        if item.message is not None and item.envelope is None:
            return translated(item, self.session_id, self._previous)
        return line_of(item)

    def _joined(self, key: str, place: int, count: int, text: str) -> Line | None:
        pieces = self._pieces.setdefault(key, {})
        pieces[place] = text
        if len(pieces) < count:
            return None
        del self._pieces[key]
        line: Any = json.loads("".join(pieces[n] for n in range(count)))
        assert isinstance(line, dict)
        return line
