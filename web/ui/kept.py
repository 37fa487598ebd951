"""A message of a log, with its place there, and what it says."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from attrs import frozen

from web.ui.forms import CALLS, RESULTS, called, chat_call, item, pieces_of_part, shown_text
from web.ui.pieces import Called, Came, Other, Piece, Said, Thought

Speaker = Literal["user", "assistant", "system", "tool"]

_SPEAKERS: Mapping[str, Speaker] = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function"), "tool"),
}

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
"""Members in which providers tell what a model thought before it spoke."""

_UNDERSTOOD = frozenset(
    {
        *("role", "content", "parts", "id", "metadata", "name", "type", "status", "timestamp"),
        *("tool_calls", "tool_call_id", "function_call", "call_id", "arguments", "input", "output"),
        *("summary", *_THOUGHTS),
    }
)


@frozen
class Kept:
    """A message of a log."""

    seq: int
    key: str | None
    message: Mapping[str, Any]
    """As it was sent."""

    @property
    def id(self) -> str:
        """What interfaces call it: its own id, or else the number of its entry."""
        return f"entry-{self.seq}" if self.key is None else self.key

    @cached_property
    def speaker(self) -> Speaker:
        """Who speaks."""
        kind = self.message.get("type")
        if kind in CALLS or kind == "reasoning":
            return "assistant"
        if kind in RESULTS:
            return "tool"
        who = speaker_of(str(self.message.get("role")))
        if who == "user" and self._has_results:
            return "tool"
        return who

    @property
    def is_owed(self) -> bool:
        """Whether the agent has to say something next: to a person, or to what tools said."""
        if self.speaker != "assistant":
            return self.speaker != "system"
        pieces = [piece for piece in self.pieces if not isinstance(piece, Other)]
        calls = {piece.id for piece in pieces if isinstance(piece, Called)}
        calls -= {piece.id for piece in pieces if isinstance(piece, Came)}
        return bool(calls) or (bool(pieces) and isinstance(pieces[-1], Came))

    def envelope(self, framework: str) -> Any:
        """What this framework gave beside the message; `None`: others wrote it."""
        metadata = self.message.get("metadata")
        return metadata.get(framework) if isinstance(metadata, dict) else None

    @cached_property
    def pieces(self) -> Sequence[Piece]:
        """What it says, in order."""
        return list(self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        message = self.message
        kind = message.get("type")
        if kind in CALLS or kind in RESULTS:
            yield item(message)
            return
        if kind == "reasoning":
            yield from pieces_of_part({**message, "text": message.get("text")})
            return
        for name in _THOUGHTS:
            if isinstance(text := message.get(name), str) and text:
                yield Thought(text)
                break
        content = message.get("content")
        if content is None:
            content = message.get("parts")
        if self.speaker == "tool" and not self._has_results:
            call_id = message.get("tool_call_id") or message.get("name") or ""
            yield Came(str(call_id), content)
        elif isinstance(content, list):
            for part in content:
                yield from pieces_of_part(part)
        elif isinstance(content, str):
            if content:
                yield Said(content)
        elif content is not None:
            yield Said(shown_text(content))
        calls = message.get("tool_calls")
        yield from map(chat_call, calls if isinstance(calls, list) else ())
        if isinstance(call := message.get("function_call"), dict):
            name = str(call.get("name", ""))
            yield called(name, name, call.get("arguments"))
        yield from (Other(name) for name in message if name not in _UNDERSTOOD)

    @cached_property
    def _has_results(self) -> bool:
        """Whether its parts are results: some providers have a user say them."""
        for name in ("content", "parts"):
            parts = self.message.get(name)
            if isinstance(parts, list):
                found = [piece for part in parts for piece in pieces_of_part(part)]
                return any(isinstance(piece, Came) for piece in found) and not any(
                    isinstance(piece, Called) for piece in found
                )
        return False


def speaker_of(role: str) -> Speaker:
    """Who has this role. Those that nobody knows are agents'."""
    return _SPEAKERS.get(role.lower(), "assistant")


def lost_in(pieces: Sequence[Piece]) -> list[str]:
    """What of a message is not expressed."""
    return [piece.where for piece in pieces if isinstance(piece, Other)]
