"""Qwen Code's chats: JSON lines whose `message` is one as Gemini's API has it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web.formats.told import (
    Format,
    Line,
    Told,
    is_message,
    objects,
    record,
    settings,
    text,
    without,
)

_SAYING = ("user", "assistant", "tool_result")


class Qwen(Format):
    """Chats."""

    name = "qwen"

    def __init__(self) -> None:
        self._cwd: str | None = None

    @classmethod
    def fits(cls, first: Sequence[Any]) -> bool:
        return any(
            "sessionId" in value
            and isinstance(value.get("message"), Mapping)
            and isinstance(value["message"].get("parts"), list)
            for value in objects(first)
        )

    def session_id(self, first: Sequence[Any]) -> str | None:
        return next(
            (found for value in objects(first) if (found := text(value.get("sessionId")))), None
        )

    def tell(self, line: Line) -> Iterator[Told]:
        value = line.value
        if not isinstance(value, Mapping):
            yield record(line, is_unknown=True)
            return
        at, type_ = value.get("timestamp"), value.get("type")
        cwd = text(value.get("cwd"))
        if cwd is not None and self._cwd is None:
            self._cwd = cwd
            yield settings(at, metadata={"cwd": cwd})
        sent = value.get("message")
        if type_ in _SAYING and value.get("subtype") is None and is_message(sent):
            assert isinstance(sent, Mapping)
            body = {**sent, "metadata": {self.name: without(value, "message")}}
            yield Told(kind="message", body=body, at=at, key=text(value.get("uuid")))
            return
        yield record(line, at, is_unknown=type_ not in (*_SAYING, "system"))
