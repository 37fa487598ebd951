"""The endpoints of sessions and their messages: parse, ask, render."""

import base64
import binascii
from collections.abc import AsyncGenerator
from contextlib import closing
from datetime import timedelta

import msgspec
from quart import Blueprint, Request, Response

from runtime import InvalidInput, ListPosition, Runtime
from runtime.listing import SessionList
from runtime.store import DEFAULT_AGENT, ListChunk
from web.body import convert, json_response, parse, query, read, read_bytes
from web.describe import describe
from web.endpoint import as_view
from web.preference import written
from web.schemas import (
    AppendedOut,
    AppendQuery,
    CleanupIn,
    CleanupOut,
    HistoryOut,
    ListQuery,
    MessageIn,
    MessagePageOut,
    MessagesIn,
    MessagesQuery,
    MetadataIn,
    SessionIn,
    SessionListOut,
    SessionOut,
)

LIST_START = b'{"sessions":['

MAX_MESSAGES = 1_000
"""Messages in one call: a long conversation's import goes in a few calls of some megabytes."""


def sessions_blueprint(runtime: Runtime) -> Blueprint:
    """The endpoints under `/sessions` and `/maintenance`."""
    api = Blueprint("sessions", __name__)

    @api.get("/sessions/<session_id>/history")
    @as_view
    @describe({200: HistoryOut, 304: None}, problems=(400, 404))
    async def history(request: Request, session_id: str) -> Response:
        """The whole conversation, and who works on it.

        304 to an `If-None-Match` with the `ETag` of the last answer, while nothing has changed.
        """
        history = await runtime.session(session_id, nowait=True).history()
        headers = {"Durable-Seq": str(history.durable_seq), "ETag": f'"{history.tag}"'}
        if "If-None-Match" in request.headers and request.if_none_match.contains_weak(history.tag):
            return Response(b"", 304, headers)
        return json_response(HistoryOut.of(history), headers=headers)

    @api.get("/sessions")
    @as_view
    @describe({200: SessionListOut}, query=ListQuery, problems=(400,))
    async def list_sessions(request: Request) -> Response:
        """All sessions, the most recent first; a page of them with `limit`."""
        part = query(request, ListQuery)
        if part == ListQuery():
            return await _whole_list(await runtime.stream_sessions())
        after = None if part.cursor is None else _position(part.cursor)
        page = await runtime.list_sessions(limit=part.limit, after=after)
        return json_response(SessionListOut.of(page, _cursor(page.next)))

    @api.post("/sessions")
    @as_view
    @describe({201: SessionOut, 202: SessionOut}, body=SessionIn, problems=(400, 409))
    async def create_session(request: Request) -> Response:
        """Creates a session; without an id, under a new one."""
        wanted = await read(request, SessionIn)
        write = written(request, runtime)
        summary = await runtime.create_session(
            wanted.session_id,
            system_prompt=wanted.system_prompt,
            agent=DEFAULT_AGENT if wanted.agent is None else wanted.agent,
            metadata=wanted.metadata,
            durable=write.durable,
        )
        location = f"{request.root_path}{request.path}/{summary.session_id}"
        return json_response(
            SessionOut.of(summary), write.status(201), {"Location": location, **write.headers}
        )

    @api.get("/sessions/<session_id>")
    @as_view
    @describe({200: SessionOut}, problems=(400, 404))
    async def get_session(_: Request, session_id: str) -> Response:
        """A session without its messages."""
        return json_response(
            SessionOut.of(await runtime.session(session_id, nowait=True).summary())
        )

    @api.delete("/sessions/<session_id>")
    @as_view
    @describe({204: None, 202: None}, problems=(400, 404))
    async def delete_session(request: Request, session_id: str) -> Response:
        """Removes a session and all of its messages."""
        write = written(request, runtime)
        await runtime.session(session_id, nowait=True).delete(durable=write.durable)
        return Response(b"", write.status(204), write.headers)

    @api.post("/sessions/<session_id>/messages")
    @as_view
    @describe(
        {201: AppendedOut, 200: AppendedOut, 202: AppendedOut},
        body=MessageIn | MessagesIn,
        query=AppendQuery,
        problems=(400, 404, 409),
    )
    async def append_messages(request: Request, session_id: str) -> Response:
        """Appends one message or several; the first one creates the session.

        200 instead of 201: every message was known by its id, and nothing changed.
        """
        session = runtime.session(session_id, nowait=True)
        create = query(request, AppendQuery).create
        messages = _messages(parse(await read_bytes(request)))
        write = written(request, runtime)
        appended = await session.append(
            *(message.message() for message in messages), durable=write.durable, create=create
        )
        status = 200 if appended.repeated else write.status(201)
        return json_response(AppendedOut.of(appended), status, write.headers)

    @api.get("/sessions/<session_id>/messages")
    @as_view
    @describe({200: MessagePageOut}, query=MessagesQuery, problems=(400, 404))
    async def get_messages(request: Request, session_id: str) -> Response:
        """Messages with their numbers, from any point on: how an IDE catches up."""
        part = query(request, MessagesQuery)
        page = await runtime.session(session_id, nowait=True).messages(
            after=part.after, limit=part.limit
        )
        return json_response(MessagePageOut.of(page))

    @api.patch("/sessions/<session_id>/metadata")
    @as_view
    @describe({200: SessionOut, 202: SessionOut}, body=MetadataIn, problems=(400, 404))
    async def patch_metadata(request: Request, session_id: str) -> Response:
        """Merges an object into the metadata (RFC 7396): a null removes a member."""
        session = runtime.session(session_id, nowait=True)
        patch = await read(request, MetadataIn)
        write = written(request, runtime)
        summary = await session.update_metadata(patch, durable=write.durable)
        return json_response(SessionOut.of(summary), write.status(200), write.headers)

    @api.post("/maintenance/cleanup")
    @as_view
    @describe({200: CleanupOut}, body=CleanupIn, problems=(400,))
    async def cleanup(request: Request) -> Response:
        """Deletes the sessions whose last activity is longer ago."""
        wanted = await read(request, CleanupIn)
        deleted = await runtime.cleanup(timedelta(hours=wanted.max_age_hours))
        return json_response(CleanupOut(deleted))

    return api


async def _whole_list(listed: SessionList) -> Response:
    """The list of all: streamed, unless it is short."""
    try:
        first = await anext(listed)
        second = await anext(listed, None)
    except BaseException:
        listed.close()
        raise
    if second is None:
        body = b"".join((LIST_START, first.json, _list_end(first.count)))
        return Response(body, content_type="application/json")
    response = Response(_streamed(listed, first, second), content_type="application/json")
    response.timeout = None  # the server bounds each send, and the runtime each chunk
    return response


async def _streamed(
    listed: SessionList, first: ListChunk, second: ListChunk
) -> AsyncGenerator[bytes, None]:
    with closing(listed):
        yield LIST_START + first.json
        count = first.count
        chunk: ListChunk | None = second
        while chunk is not None:
            if chunk.count:
                yield b"," + chunk.json
            count += chunk.count
            chunk = await anext(listed, None)
        yield _list_end(count)


def _list_end(total: int) -> bytes:
    return b'],"total":%d}' % total


def _messages(body: object) -> list[MessageIn]:
    """One message, or `{"messages": […]}`."""
    if isinstance(body, dict) and "messages" in body:
        messages = body["messages"]
        if isinstance(messages, list) and len(messages) > MAX_MESSAGES:
            raise InvalidInput(
                f"messages: {len(messages)} in one call, and the limit is {MAX_MESSAGES}; "
                "send them in parts"
            )
        return convert(body, MessagesIn).messages
    return [convert(body, MessageIn)]


def _cursor(position: ListPosition | None) -> str | None:
    """A place in the list, as text that clients need not understand."""
    if position is None:
        return None
    raw = msgspec.json.encode([position.last_activity, position.session_id])
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _position(cursor: str) -> ListPosition:
    """The place that a cursor names. Raises `InvalidInput`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        last_activity, session_id = msgspec.json.decode(raw, type=tuple[str, str])
    except (binascii.Error, ValueError):
        raise InvalidInput("cursor: not one that this service gave") from None
    return ListPosition(last_activity, session_id)
