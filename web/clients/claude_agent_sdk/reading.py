"""A session's log as a transcript."""

from collections.abc import Iterable, Iterator

from attrs import define, field

from web.clients.claude_agent_sdk.lines import Line, line_of, translated
from web.clients.shared.conversation import Item
from web.clients.shared.slices import Joining, is_piece


@define
class Reading:
    """Makes lines of items; pieces of a line become one when the last of them has come."""

    session_id: str
    _previous: str | None = None
    _joining: Joining = field(factory=Joining)

    @property
    def is_whole(self) -> bool:
        """Whether no line is there in part only."""
        return self._joining.is_whole

    def lines(self, items: Iterable[Item]) -> Iterator[Line]:
        """The lines of these items, in order."""
        for item in items:
            line = self._line(item)
            if line is not None:
                if isinstance(uuid := line.get("uuid"), str):
                    self._previous = uuid
                yield line

    def _line(self, item: Item) -> Line | None:
        if item.message is None and is_piece(item.envelope):
            line: Line | None = self._joining.joined(item.envelope)
            return line
        if item.message is not None and item.envelope is None:
            return translated(item, self.session_id, self._previous)
        return line_of(item)
