"""The form in which a history shows a large message; `forms.py` says what it is."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from runtime.session.bodies.normal import Members, edited, is_text
from runtime.session.bodies.pieces import PIECE, Cutter, give_way

TEXT_PARTS = ("text", "input_text", "output_text")
"""The types of parts whose text a history shows; a part may have no type, too."""

_encode = msgspec.json.Encoder().encode


def large_form(body: bytes) -> bytes:
    """What `history_form` makes of the body, in pieces. The body is one that is kept.

    Raises `InvalidInput` for one that nests deeper than what is taken today.
    """
    front: dict[str, bytes] = {}

    def edit(found: Members) -> None:
        for name in ("role", "content"):
            if name in found:
                front[name] = _encode(found.pop(name))
        if "parts" in found:
            front["parts"] = _encode(found["parts"])
        for name in [name for name, value in found.items() if _is_hidden(name, value, front)]:
            del found[name]

    rest, _ = edited(body, "message", edit)
    content = front.get("content", b"null")
    shown = [b'{"role":', front["role"], b',"content":']
    if content == b"null":
        shown += _texts(front.get("parts", b"null"))
    elif content.startswith(b'"'):
        shown.append(content)
    else:
        shown += _texts(content) if content.startswith(b"[") else _quoted(content)
        shown += (b',"content_parts":', content)
    shown.append(b"}" if rest == b"{}" else b"," + rest[1:])
    return b"".join(shown)


def _is_hidden(name: str, value: Any, front: dict[str, bytes]) -> bool:
    if name == "content_parts":
        # A body begins with role and content, so that is known.
        content = front.get("content", b"null")
        if content != b"null" and not content.startswith(b'"'):
            return True
    return name in ("id", "metadata") or value is None or (name == "name" and not is_text(value))


def is_text_part(part: Any) -> bool:
    """Whether a history shows the part's text."""
    return (
        isinstance(part, dict)
        and is_text(part.get("text"))
        and ("type" not in part or part["type"] in TEXT_PARTS)
        and part.get("thought") is not True
    )


def _texts(parts: bytes) -> Iterator[bytes]:
    """The texts of the parts, as one string of JSON; of what is no list, an empty one."""
    yield b'"'
    behind = False
    for part in _parts(parts) if parts.startswith(b"[") else ():
        if is_text_part(part):
            if behind:
                yield b"\\n\\n"
            yield _encode(part["text"])[1:-1]
            behind = True
    yield b'"'


def _parts(parts: bytes) -> Iterator[Any]:
    cutter = Cutter(parts, "message")
    for run in cutter.children():
        if run is not None:
            yield from msgspec.json.decode(run)
        elif cutter.peek() == b"{":
            found: Members = {}
            edited(cutter.skip(), "message", partial(_note, found))
            yield found
        else:
            cutter.skip()


def _note(found: Members, some: Members) -> None:
    """Keeps of a part what says whether its text is shown: a part may have a million members."""
    for name in ("text", "type", "thought"):
        if name in some:
            found[name] = some[name]


def _quoted(text: bytes) -> Iterator[bytes]:
    """JSON as a string of JSON."""
    yield b'"'
    shown = memoryview(text)
    start = 0
    while start < len(text):
        end = min(start + PIECE, len(text))
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end -= 1  # to a character's first byte
        yield _encode(str(shown[start:end], "utf-8"))[1:-1]
        give_way()
        start = end
    yield b'"'
