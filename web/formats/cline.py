"""Cline's tasks: `api_conversation_history.json`, messages as Anthropic takes them.

And `ui_messages.json`, what the same task showed to its user.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import Format, Line, Told, is_message, record, text

_SAID = {
    "task": "user",
    "user_feedback": "user",
    "text": "assistant",
    "completion_result": "assistant",
}
"""What of the user's page was said, and by whom."""


def _is_shown(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("type") in ("say", "ask") and "ts" in value


class Cline(Format):
    """Tasks."""

    name = "cline"

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(map(_is_shown, first)) or any(
            is_message(value) and isinstance(value.get("ts"), int) for value in first
        )

    @classmethod
    def unpack(cls, document: Any) -> Sequence[Any] | None:
        is_ours = isinstance(document, list) and any(
            is_message(value) or _is_shown(value) for value in document
        )
        return document if is_ours else None

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        if is_message(value):
            yield Told(kind="message", body=dict(value), at=value.get("ts"))
            return
        if not _is_shown(value):
            yield record(line, is_unknown=True)
            return
        role = _SAID.get(str(value.get("say"))) if value["type"] == "say" else None
        if role is None or text(value.get("text")) is None or value.get("partial"):
            yield record(line, value["ts"])
            return
        sent = {"role": role, "content": value["text"], "metadata": {self.name: dict(value)}}
        yield Told(kind="message", body=sent, at=value["ts"])
