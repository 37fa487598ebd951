"""A log becomes UI messages.

Rules:

- A UI message comes back as it was sent.
- What others wrote is translated. An answer is one UI message, as `useChat` has it, whatever it was
  written in: the assistant's messages are its steps, and what came of a call is in the call's part.
  Its id is that of its first message.
- Tools are `dynamic-tool`: nobody here knows their types.
- What has no form there (a result whose call is not there, a member of an agent's own) is listed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import Factory, define, field, frozen

from web.ui.kept import Kept, lost_in
from web.ui.pieces import Called, Came, File, Piece, Said, Thought
from web.ui.vercel.sent import NAME, as_ui_message

STEP = {"type": "step-start"}

Part = dict[str, Any]


@frozen
class Lossy:
    """What of a message is not expressed."""

    seq: int
    members: Sequence[str]


@define(eq=False)
class Shown:
    """A UI message, and which entries of the log it is made of."""

    id: str
    role: str
    first: int
    """The number of its first entry."""
    is_sent: bool = False
    """Whether it was sent as a UI message: then nothing is added to it."""
    message: dict[str, Any] = Factory(dict)

    @property
    def parts(self) -> list[Part]:
        """Of the UI message."""
        parts: list[Part] = self.message["parts"]
        return parts

    def takes(self, kept: Kept) -> bool:
        """Whether a message belongs to the same answer."""
        if self.is_sent or self.role != "assistant" or kept.envelope(NAME) is not None:
            return False
        return kept.speaker in ("assistant", "tool")


@define(eq=False)
class Chat:
    """The UI messages of a log."""

    shown: list[Shown] = field(factory=list)
    lossy: list[Lossy] = field(factory=list)

    @classmethod
    def of(cls, log: Iterable[Kept]) -> "Chat":
        """Of these messages, oldest first."""
        chat = cls()
        for kept in log:
            chat.add(kept)
        return chat

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As `useChat` takes them."""
        return [shown.message for shown in self.shown]

    def add(self, kept: Kept) -> None:
        """The next message of the log."""
        lost: list[str] = []
        rest = kept.envelope(NAME)
        if is_ui_message(kept):
            message = as_ui_message(kept.message, kept.id, rest)
            shown = Shown(kept.id, message["role"], kept.seq, is_sent=True, message=message)
            self.shown.append(shown)
            return
        pieces = list(kept.pieces)
        lost += lost_in(pieces)
        if not (self.shown and self.shown[-1].takes(kept)):
            if kept.speaker == "tool":
                self.lossy.append(Lossy(kept.seq, ["result"]))
                return
            self.shown.append(_new(kept))
        parts = self.shown[-1].parts
        if kept.speaker == "assistant":
            parts.append(dict(STEP))
        for piece in pieces:
            if isinstance(piece, Came):
                if not settle(parts, piece):
                    lost.append("result")
            else:
                parts += parts_of(piece)
        if lost:
            self.lossy.append(Lossy(kept.seq, lost))


def begins(log: Sequence[Kept]) -> bool:
    """Whether the first of these messages begins a UI message, and is no more of one before it."""
    if not log:
        return False
    return log[0].speaker in ("user", "system") or is_ui_message(log[0])


def is_ui_message(kept: Kept) -> bool:
    """Whether it was sent as a UI message, and still is one."""
    message = kept.message
    return isinstance(kept.envelope(NAME), dict) and isinstance(message.get("parts"), list)


def parts_of(piece: Piece) -> Iterator[Part]:
    """The part that says this."""
    match piece:
        case Said(text):
            yield {"type": "text", "text": text, "state": "done"}
        case Thought(text):
            yield {"type": "reasoning", "text": text, "state": "done"}
        case Called(call_id, name, given):
            part = {"type": "dynamic-tool", "toolName": name or "tool", "toolCallId": call_id}
            yield {**part, "state": "input-available", "input": given}
        case File(media_type, url, name):
            part = {"type": "file", "mediaType": media_type, "url": url}
            yield part if name is None else {**part, "filename": name}


def settle(parts: list[Part], came: Came) -> bool:
    """Puts what came of a call into its part; returns whether that is there."""
    for part in reversed(parts):
        if part.get("toolCallId") == came.id:
            if came.error is None:
                part |= {"state": "output-available", "output": came.value}
            else:
                part |= {"state": "output-error", "errorText": came.error}
            return True
    return False


def _new(kept: Kept) -> Shown:
    role = kept.speaker
    parts: list[Part] = []
    return Shown(kept.id, role, kept.seq, message={"id": kept.id, "role": role, "parts": parts})
