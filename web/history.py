"""A history on the wire: at once where it is in memory, else as it is read."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

import msgspec
from msgspec import Raw, Struct
from quart import Response

from runtime import Entry, History, HistoryStream, shown_json
from web.body import rendered
from web.messages import HistoryMessageOut
from web.schemas import AgentHistory, AgentSwitchOut, Timestamp
from web.tags import headers_of


class HistoryOut(Struct):
    """A session's whole conversation."""

    session_id: str
    messages: list[HistoryMessageOut]
    message_count: int
    last_activity: Timestamp
    current_agent: str
    agent_history: AgentHistory

    @classmethod
    def of(cls, history: History, messages: bytes) -> "HistoryOut":
        return cls(
            session_id=history.session_id,
            # That is such messages, encoded already: the encoder only copies the bytes.
            messages=cast("list[HistoryMessageOut]", Raw(messages)),
            message_count=history.message_count,
            last_activity=history.last_activity,
            current_agent=history.current_agent,
            agent_history=AgentSwitchOut.all_of(history.agent_history),
        )


async def shown_history(history: History) -> bytes:
    """A `HistoryOut`, as JSON.

    Most messages are only copied. Those that are transformed take a hundred times as long.
    """
    pieces = list(history.entries.shown())
    transformed = sum(piece.size for piece in pieces if isinstance(piece, Entry))
    copied = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
    return await rendered(
        copied + transformed,
        lambda: HistoryOut.of(history, shown_json(pieces)),
        transformed=transformed,
    )


async def streamed_history(stream: HistoryStream) -> Response:
    """A long one: sent as it is read. Raises `StoreError` if that cannot be begun."""
    pieces = stream.pieces()
    response = Response(
        _streamed(stream.history, await anext(pieces, b""), pieces),
        content_type="application/json",
        headers=headers_of(stream.history),
    )
    response.timeout = None  # the server bounds each send, and the runtime each read
    return response


async def _streamed(
    history: History, piece: bytes, pieces: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    whole = msgspec.json.encode(HistoryOut.of(history, b"[]"))
    # No text can have it: there, the quotation marks would be escaped.
    start, empty, end = whole.partition(b'"messages":[]')
    assert empty, "that is what it has without messages"
    async with aclosing(pieces):
        yield start + empty[:-1]
        while piece:
            # As it is, with its comma apart: many slow readers would have a copy each.
            yield piece
            piece = await anext(pieces, b"")
            if piece:
                yield b","
    yield b"]" + end
