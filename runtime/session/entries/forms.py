"""The two forms in which a message goes out: as it was sent, and as a history shows it.

A history is for clients that expect text: `content` is always text, and no member is null. Where a
body is like that already, `PLAIN` says so, and it is passed on as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from runtime.errors import InvalidInput
from runtime.session.bodies.pieces import WHOLE
from runtime.session.entries.large_form import is_text_part, large_form
from runtime.session.entries.tail import Kept, Piece
from runtime.store.entries import NUMBER_ID, PLAIN, TEXT_ID, Entry


def sent(entry: Entry) -> bytes:
    """The message as it was sent, as JSON."""
    return sent_of(entry.body, entry.key, entry.metadata, entry.form)


def sent_of(body: bytes, key: str | None, metadata: bytes | None, form: int) -> bytes:
    """The same, of what an entry has."""
    if metadata is None:
        if not form & (TEXT_ID | NUMBER_ID):
            return body
        if form & TEXT_ID:  # as most that have one
            return b'%b,"id":%b}' % (body[:-1], msgspec.json.encode(key))
    parts = [body[:-1]]
    if form & TEXT_ID:
        parts += (b',"id":', msgspec.json.encode(key))
    elif form & NUMBER_ID:
        parts += (b',"id":', (key or "").encode())
    if metadata is not None:
        parts += (b',"metadata":', metadata)
    return b"".join((*parts, b"}"))


def shown(entry: Entry) -> bytes:
    """The message as a history shows it, as JSON."""
    return entry.body if entry.form & PLAIN else _shown(entry.body)


def shown_texts(pieces: Iterable[Piece]) -> Iterator[bytes | memoryview]:
    """What `Stretch.shown` gives, as JSON that a comma belongs between."""
    return (_shown(piece.body) if isinstance(piece, Kept) else piece for piece in pieces)


def shown_json(pieces: Iterable[Piece]) -> bytes:
    """The same as a JSON array: a history's messages."""
    return b"[%b]" % b",".join(shown_texts(pieces))


def _shown(body: bytes) -> bytes:
    if len(body) > WHOLE:
        with suppress(InvalidInput):  # one that was taken over may nest deeper
            return large_form(body)
    return msgspec.json.encode(history_form(msgspec.json.decode(body)))


def history_form(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a history shows of a message: role, content, then as sent, and never a null."""
    found: dict[str, Any] = {"role": body["role"]}
    content = body.get("content")
    match content:
        case str():
            found["content"] = content
        case None:
            parts = body.get("parts")
            found["content"] = _text(parts) if isinstance(parts, list) else ""
        case list():
            found["content"] = _text(content)
            found["content_parts"] = content
        case _:
            found["content"] = msgspec.json.encode(content).decode()
            found["content_parts"] = content
    for name, value in body.items():
        if name in ("role", "content", "id", "metadata") or value is None:
            continue
        if name == "name" and not isinstance(value, str):
            continue
        if name == "content_parts" and name in found:
            continue
        found[name] = value
    return found


def _text(parts: Sequence[Any]) -> str:
    return "\n\n".join(part["text"] for part in parts if is_text_part(part))
