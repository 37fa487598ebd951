"""Lists of messages, as OpenAI's and other providers take them: JSON lines, or one JSON value.

Either the messages themselves, or an object whose `messages` they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import Format, Line, Told, is_message, record, text, without

_TIMES = ("timestamp", "ts", "created_at", "time")


class OpenAI(Format):
    """Messages."""

    name = "openai"

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return bool(first) and any(is_message(value) and "type" not in value for value in first)

    @classmethod
    def unpack(cls, document: Any) -> Sequence[Any] | None:
        if isinstance(document, list):
            return document if any(map(is_message, document)) else None
        if isinstance(document, Mapping) and isinstance(document.get("messages"), list):
            messages = document["messages"]
            if not any(map(is_message, messages)):
                return None
            rest = without(document, "messages")
            return [rest, *messages] if rest else messages
        return None

    def session_id(self, first: Sequence[Any]) -> str | None:
        for value in first:
            if isinstance(value, Mapping) and not is_message(value):
                for name in ("session_id", "conversation_id", "thread_id", "id"):
                    if found := text(value.get(name)):
                        return found
        return None

    def tell(self, line: Line) -> Iterator[Told]:
        if not is_message(line.value):
            yield record(line, is_unknown=not isinstance(line.value, Mapping))
            return
        times = [line.value[name] for name in _TIMES if name in line.value]
        yield Told(kind="message", body=dict(line.value), at=times[0] if times else None)
