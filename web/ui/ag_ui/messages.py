"""A log becomes messages of AG-UI.

Rules:

- What was sent as one comes back as it was.
- What others wrote is translated: a message's reasoning comes before it as a message of its own,
  and so does each result. Ids are made of the message's own, so they are the same each time.
- Files are parts of what a user says. What has no form (an assistant's picture, a member of an
  agent's own) is listed.
"""

import json
from collections.abc import Iterator
from typing import Any

from attrs import define, field

from web.ui.ag_ui.sent import NAME, as_it_was
from web.ui.forms import shown_text
from web.ui.kept import Kept
from web.ui.pieces import Called, Came, File, Other, Piece, Said, Thought

Message = dict[str, Any]

MEDIA = {"image": "image", "audio": "audio", "video": "video"}


@define
class Lossy:
    """What of a message is not expressed."""

    seq: int
    members: list[str] = field(factory=list)


def messages_of(kept: Kept, lossy: list[Lossy] | None = None) -> Iterator[Message]:
    """The messages that one of the log is. What has no form is added to `lossy`."""
    rest = kept.envelope(NAME)
    if isinstance(rest, dict):
        yield as_it_was(kept.message, kept.id, rest)
        return
    pieces = list(kept.pieces)
    lost = Lossy(kept.seq)
    thoughts = [piece.text for piece in pieces if isinstance(piece, Thought)]
    if thoughts:
        content = "\n\n".join(thoughts)
        yield {"id": reasoning_id(kept.id), "role": "reasoning", "content": content}
    results = [piece for piece in pieces if isinstance(piece, Came)]
    if kept.speaker != "tool":
        yield from _told(kept, pieces, lost)
    for number, came in enumerate(results):
        is_itself = kept.speaker == "tool" and number == 0
        yield result_of(came, kept.id if is_itself else f"{kept.id}:result-{number}")
    lost.members += [piece.where for piece in pieces if isinstance(piece, Other)]
    if lost.members and lossy is not None:
        lossy.append(lost)


def reasoning_id(message_id: str) -> str:
    """Of the message that has another one's reasoning."""
    return f"{message_id}:reasoning"


def result_of(came: Came, message_id: str) -> Message:
    """What came of a call."""
    found = {"id": message_id, "role": "tool", "toolCallId": came.id}
    found["content"] = shown_text(came.value)
    return found if came.error is None else {**found, "error": came.error}


def call_of(call: Called) -> Message:
    """A tool's call."""
    given = json.dumps(call.given) if call.text is None else call.text
    function = {"name": call.name or "tool", "arguments": given}
    return {"id": call.id, "type": "function", "function": function}


def _told(kept: Kept, pieces: list[Piece], lost: Lossy) -> Iterator[Message]:
    texts = [piece.text for piece in pieces if isinstance(piece, Said)]
    files = [piece for piece in pieces if isinstance(piece, File)]
    calls = [call_of(piece) for piece in pieces if isinstance(piece, Called)]
    message: Message = {"id": kept.id, "role": kept.speaker}
    name = kept.message.get("name")
    if isinstance(name, str) and name:
        message["name"] = name
    if kept.speaker == "user" and files:
        message["content"] = [part for piece in pieces for part in _parts(piece)]
    else:
        message["content"] = "\n\n".join(texts)
        lost.members += ["file"] * len(files)
    if calls:
        message["toolCalls"] = calls
    # A message of reasoning alone has been told.
    if texts or files or calls or not any(isinstance(piece, Thought) for piece in pieces):
        yield message


def _parts(piece: Piece) -> Iterator[Message]:
    if isinstance(piece, Said):
        yield {"type": "text", "text": piece.text}
    elif isinstance(piece, File):
        kind = MEDIA.get(piece.media_type.partition("/")[0], "document")
        front, comma, data = piece.url.partition(",")
        if front.startswith("data:") and comma:
            source = {"type": "data", "value": data, "mimeType": piece.media_type}
        else:
            source = {"type": "url", "value": piece.url, "mimeType": piece.media_type}
        yield {"type": kind, "source": source}
