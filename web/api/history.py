"""A history on the wire: at once where it is in memory, else as it is read."""

from contextlib import aclosing
from typing import Annotated, Any, cast

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import History, HistoryStream, KiB, shown_texts
from web.api.agents import AgentHistory, AgentSwitchOut
from web.call.rendering import LONG, begun, encode, encoded_answer, laid, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import headers_of, unchanged
from web.call.types import Timestamp
from web.http.message import Buffers, Chunks, Request, Response

SHORT = 16 * KiB
"""Bytes of the messages below which to copy them into the answer takes less time than to put it
together of several places."""


class HistoryMessageOut(Struct, omit_defaults=True):
    """A message as history shows it: its content as text, its other members as sent, no nulls."""

    role: str
    content: str
    name: str | UnsetType = UNSET
    content_parts: Annotated[Any, Meta(description="The content, where it was no text")] = UNSET


class HistoryOut(Struct):
    """A session's whole conversation."""

    session_id: str
    messages: list[HistoryMessageOut]
    message_count: int
    last_activity: Timestamp
    current_agent: str
    agent_history: AgentHistory

    @classmethod
    def of(cls, history: History, texts: list[Raw]) -> "HistoryOut":
        """To be encoded. `texts`: its messages as JSON, in each some with commas between them."""
        return cls(
            session_id=history.session_id,
            messages=cast(list[HistoryMessageOut], texts),
            message_count=history.message_count,
            last_activity=history.last_activity,
            current_agent=history.current_agent,
            agent_history=AgentSwitchOut.all_of(history.agent_history),
        )


async def history(resources: Resources, request: Request, session_id: str) -> Response:
    """The whole conversation, and who works on it.

    304 to an `If-None-Match` with the `ETag` of the last answer, while nothing has changed.
    """
    stream = await resources.runtime.session(session_id, nowait=True).stream_history()
    found = stream.history
    known = unchanged(request, found)
    if known is not None:
        return known
    if stream.is_in_memory:
        return encoded_answer(await _shown(found), headers_of(found))
    return encoded_answer(await begun(_streamed(stream)), headers_of(found))


ROUTES = (Route("GET", "/sessions/<session_id>/history", history, {200: HistoryOut, 304: None}),)


async def _shown(history: History) -> bytes | Buffers:
    """A `HistoryOut`, as JSON.

    Most messages of a long one are sent from where they lie. Some are copied, which takes time with
    many, and some transformed, which takes a hundred times as long.
    """
    pieces = history.entries.shown()
    size = copied = transformed = 0
    for piece in pieces:
        if not isinstance(piece, (bytes, memoryview)):
            transformed += len(piece.body)
        elif len(piece) < LONG:
            copied += len(piece)
        else:
            size += len(piece)
    size += copied + transformed
    if size < SHORT:
        return encode(HistoryOut.of(history, [Raw(b",".join(shown_texts(pieces)))]))
    start, end = _around(history)
    return await made(
        copied + transformed,
        lambda: laid(start, shown_texts(pieces), end),
        transformed=transformed,
    )


def _around(history: History) -> tuple[bytes, bytes]:
    """What stands before its messages, and behind them."""
    whole = encode(HistoryOut.of(history, []))
    # No text can have it: there, the quotation marks would be escaped.
    start, empty, end = whole.partition(b'"messages":[]')
    assert empty, "that is what it has without messages"
    return start + empty[:-1], b"]" + end


async def _streamed(stream: HistoryStream) -> Chunks:
    """A long one: sent as it is read. Raises `StoreError`, before it has begun if it cannot."""
    start, end = _around(stream.history)
    async with aclosing(stream.pieces()) as pieces:
        piece = await anext(pieces, b"")
        yield b""
        yield start
        while piece:
            # As it is, with its comma apart: many slow readers would have a copy each.
            yield piece
            piece = await anext(pieces, b"")
            if piece:
                yield b","
    yield end
