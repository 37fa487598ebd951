"""From a message to its shape: the forms of calls and results, recognised."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from runtime.session.bodies.pieces import WHOLE
from runtime.session.context.forms import (
    CHAT,
    FUNCTION,
    GEMINI,
    GEMINI_SNAKE,
    ITEM_PARTS,
    ITEM_RESULTS,
    ITEMS,
    TOOL_USE,
)
from runtime.session.context.members import Members, Part, members_of, part_of, parts_in
from runtime.session.context.shape import Call, Result, Shape, Where
from runtime.session.context.speakers import Speaker, speaker

PLAIN: dict[Speaker, Shape] = {
    who: Shape(who) for who in ("user", "assistant", "system", "tool", "other")
}
"""Messages that only say something: most."""

_FRONT = b'{"role":"'
_FRONTS = {
    b'%b%b"' % (_FRONT, role.encode()): PLAIN[speaker(role)]
    for role in ("user", "assistant", "system", "developer", "model")
}
"""How messages of the usual roles begin."""

_ROLE = re.compile(rb'\{"role":("[^"\\]*+(?:\\.[^"\\]*+)*+")')
"""What is kept of a message begins so."""

_THOUGHTS = ("thinking", "redacted_thinking")


def shape_of(message: bytes) -> Shape:
    """The shape of a message that is kept, as JSON."""
    # Without one of these no call is written, and no result that is not a tool's message.
    has_mark = b"tool_" in message or b"_call" in message or b"unction" in message
    if not has_mark and len(message) <= WHOLE:
        plain = _FRONTS.get(message[: message.find(b'"', len(_FRONT)) + 1])
        if plain is not None:
            return plain
    sent = members_of(message)
    role = sent.role or ""
    who = speaker(role)
    if who == "system":
        return PLAIN["system"]
    if sent.type is not None:
        if sent.type in ITEMS:
            call = Call(sent.call_id or None, sent.name or sent.type, ITEMS[sent.type])
            return Shape("assistant", (call,))
        if sent.type in ITEM_RESULTS:
            return Shape("tool", (), (Result(sent.call_id or None, "", "item"),))
    where: Where = "content"
    parts = parts_in(sent.content)
    if parts is None:
        where, parts = "parts", parts_in(sent.parts) or []
    if who != "user" and who != "tool":
        calls = [*_member_calls(sent), *_part_calls(parts)]
        if calls:
            return Shape(who, _each_once(calls), (), where, len(parts))
    if who == "assistant" or not (parts or who == "tool"):
        return PLAIN[who]
    results = tuple(_part_results(parts))
    if results:
        return Shape(who, (), results, where, len(parts))
    return Shape("tool", (), (_whole_result(sent, role),)) if who == "tool" else PLAIN[who]


def speaker_of(message: bytes) -> Speaker:
    """Who speaks in it: known from its beginning, however long it is."""
    found = _ROLE.match(message)
    role = members_of(message).role if found is None else msgspec.json.decode(found[1])
    return speaker(role or "")


def are_thoughts(parts: Sequence[bytes]) -> bool:
    """Whether all are of an assistant's thinking: no message is made of them alone."""
    return all(part_of(part).type in _THOUGHTS for part in parts)


def _member_calls(sent: Members) -> Iterator[Call]:
    for call in sent.tool_calls or ():
        called = call.function or call.custom
        name = call.name if called is None else called.name
        yield Call(call.id or None, name or "", CHAT)
    if sent.function_call is not None:
        yield Call(None, sent.function_call.name or "", FUNCTION)


def _part_calls(parts: Sequence[Part]) -> Iterator[Call]:
    for place, part in enumerate(parts):
        if part.type == "tool_use":
            yield Call(part.id or None, part.name or "", TOOL_USE, place)
        elif part.type is not None and part.type in ITEM_PARTS:
            yield Call(part.call_id or None, part.name or part.type, ITEM_PARTS[part.type], place)
        elif part.call is not None:
            yield Call(part.call.id or None, part.call.name or "", GEMINI, place)
        elif part.snake_call is not None:
            yield Call(part.snake_call.id or None, part.snake_call.name or "", GEMINI_SNAKE, place)


def _part_results(parts: Sequence[Part]) -> Iterator[Result]:
    for place, part in enumerate(parts):
        if part.type == "tool_result":
            yield Result(part.tool_use_id or None, "", TOOL_USE.family, place)
        elif part.type in ITEM_RESULTS:
            yield Result(part.call_id or None, "", "item", place)
        else:
            came = part.response or part.snake_response
            if came is not None:
                yield Result(came.id or None, came.name or "", GEMINI.family, place, True)


def _whole_result(sent: Members, role: str) -> Result:
    sent_id = sent.tool_call_id or None
    if sent_id is None and sent.tool_call_ids is not None and len(sent.tool_call_ids) == 1:
        sent_id = sent.tool_call_ids[0] or None  # SWE-agent's
    form = FUNCTION if role.lower() == "function" and sent_id is None else CHAT
    return Result(sent_id, sent.tool_name or sent.name or "", form.family)


def _each_once(calls: list[Call]) -> tuple[Call, ...]:
    """Without those that are written twice: some frameworks keep a call in two forms.

    See https://github.com/BerriAI/litellm/issues/23510.
    """
    if len(calls) > 1:
        as_members = {call.id for call in calls if call.part is None and call.id is not None}
        calls = [call for call in calls if call.part is None or call.id not in as_members]
    return tuple(calls)
