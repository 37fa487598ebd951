"""The endpoints of sessions and their messages: parse, ask, render."""

from typing import Any

from attrs import evolve
from msgspec import UNSET, Raw
from quart import Blueprint, Request, Response

from runtime import (
    DEFAULT_AGENT,
    Apart,
    Cursor,
    InvalidInput,
    New,
    Runtime,
    from_json,
    from_text,
    normal,
)
from web import listing
from web.body import (
    LARGE,
    WHERE,
    decode,
    elements,
    encoded_response,
    joined,
    members,
    paced,
    query,
    read,
    taken,
)
from web.describe import describe
from web.endpoint import as_view
from web.history import HistoryOut, shown_history, streamed_history
from web.messages import (
    AppendedOut,
    AppendQuery,
    MessageIn,
    MessagePageOut,
    MessagesIn,
    MessagesQuery,
)
from web.paths import segment
from web.preference import written
from web.problems import write
from web.schemas import DeleteQuery, SessionIn, SessionOut, SessionPatchIn
from web.tags import answer, headers_of, large_answer, unchanged

MAX_MESSAGES = 1_000
"""Messages in one call: a long conversation's import goes in a few calls of some megabytes."""


def sessions_blueprint(runtime: Runtime) -> Blueprint:
    """The endpoints under `/sessions`."""
    api = Blueprint("sessions", __name__)

    @api.get("/sessions/<session_id>/history")
    @as_view
    @describe({200: HistoryOut, 304: None}, problems=(400, 404))
    async def history(request: Request, session_id: str) -> Response:
        """The whole conversation, and who works on it.

        304 to an `If-None-Match` with the `ETag` of the last answer, while nothing has changed.
        """
        stream = await runtime.session(session_id, nowait=True).stream_history()
        history = stream.history
        known = unchanged(request, history)
        if known is not None:
            return known
        if not stream.is_in_memory:
            return await streamed_history(stream)
        return encoded_response(await shown_history(history), headers=headers_of(history))

    @api.get("/sessions")
    @as_view
    @describe({200: listing.SessionListOut}, query=listing.ListQuery, problems=(400,))
    async def list_sessions(request: Request) -> Response:
        """All sessions, the most recent first; a page of them with `limit`.

        `metadata.NAME=VALUE` asks for those with this member in their metadata; an empty value for
        those without it, too.
        """
        return await listing.answer(runtime, listing.asked(request))

    @api.post("/sessions")
    @as_view
    @describe({201: SessionOut, 202: SessionOut}, body=SessionIn, problems=(400, 409, 412))
    async def create_session(request: Request) -> Response:
        """Creates a session; without an id, under a new one."""
        wanted, prompt = await taken(request, _creation)
        asked = written(request, runtime)
        asked.conditions.check_absent(wanted.session_id or "")
        with write(repeatable=wanted.session_id is not None):
            summary = await runtime.create_session(
                wanted.session_id,
                system_prompt=prompt,
                agent=DEFAULT_AGENT if wanted.agent is None else wanted.agent,
                title=wanted.title,
                metadata=wanted.metadata,
                durable=asked.durable,
            )
        location = f"{request.root_path}{request.path}/{segment(summary.session_id)}"
        status = asked.status(201)
        return asked.answer(summary, SessionOut.of(summary), status, Location=location)

    @api.get("/sessions/<session_id>")
    @as_view
    @describe({200: SessionOut, 304: None}, problems=(400, 404))
    async def get_session(request: Request, session_id: str) -> Response:
        """A session's header: all of it but what was said."""
        summary = await runtime.session(session_id, nowait=True).summary()
        return answer(request, summary, lambda: SessionOut.of(summary))

    @api.patch("/sessions/<session_id>")
    @as_view
    @describe({200: SessionOut, 202: SessionOut}, body=SessionPatchIn, problems=(400, 404, 412))
    async def patch_session(request: Request, session_id: str) -> Response:
        """Changes title, archived flag and metadata (RFC 7396); it is no activity."""
        session = runtime.session(session_id, nowait=True)
        wanted = await read(request, SessionPatchIn)
        asked = written(request, runtime)
        await asked.conditions.check_present(session)
        members = {name: getattr(wanted, name) for name in SessionPatchIn.__struct_fields__}
        patch = {name: value for name, value in members.items() if value is not UNSET}
        with write(repeatable=True):
            summary = await session.update(
                patch, durable=asked.durable, if_match=asked.conditions.if_match
            )
        return asked.answer(summary, SessionOut.of(summary), asked.status(200))

    @api.delete("/sessions/<session_id>")
    @as_view
    @describe({202: None, 204: None}, query=DeleteQuery, problems=(400, 404, 412))
    async def delete_session(request: Request, session_id: str) -> Response:
        """Puts a session into the trash, or, with `purge=true`, deletes it for good."""
        session = runtime.session(session_id, nowait=True)
        purge = query(request, DeleteQuery).purge
        asked = written(request, runtime)
        await asked.conditions.check_present(session)
        with write(repeatable=True):
            await session.delete(
                purge=purge, durable=asked.durable, if_match=asked.conditions.if_match
            )
        return Response(b"", asked.status(204), asked.headers)

    @api.post("/sessions/<session_id>/messages")
    @as_view
    @describe(
        {200: AppendedOut, 201: AppendedOut, 202: AppendedOut},
        body=MessageIn | MessagesIn,
        query=AppendQuery,
        problems=(400, 404, 409, 412),
    )
    async def append_messages(request: Request, session_id: str) -> Response:
        """Appends a message, or several at once; the first one creates the session.

        200 instead of 201: every message was known by its id, and nothing changed.
        """
        session = runtime.session(session_id, nowait=True)
        create = query(request, AppendQuery).create
        messages = await taken(request, _messages)
        asked = written(request, runtime)
        with write(repeatable=all(message.key is not None for message in messages)):
            appended = await session.append(
                *messages,
                durable=asked.durable,
                create=create,
                if_match=asked.conditions.if_match,
                if_absent=asked.conditions.if_absent,
            )
        status = 200 if appended.repeated else asked.status(201)
        return asked.answer(appended, AppendedOut.of(appended), status)

    @api.get("/sessions/<session_id>/messages")
    @as_view
    @describe({200: MessagePageOut, 304: None}, query=MessagesQuery, problems=(400, 404, 412))
    async def get_messages(request: Request, session_id: str) -> Response:
        """Messages as they were sent, with their numbers: how an IDE catches up.

        `next_cursor` is the next page's `after`; with `before` or `last`, which go backwards, its
        `before`.
        """
        part = query(request, MessagesQuery)
        page = await runtime.session(session_id, nowait=True).messages(
            after=cursor_of(part.after), before=part.before, last=part.last, limit=part.limit
        )
        return await large_answer(
            request,
            page,
            sum(entry.size for entry in page.entries),
            lambda: MessagePageOut.of(page, backwards=part.backwards),
        )

    return api


def cursor_of(after: str) -> Cursor:
    """The place that `<number>` or `<number>-<chain>` names, which the schema has checked.

    Raises `InvalidInput`.
    """
    number, _, chain = after.partition("-")
    if len(number) > 18:  # beyond what any log has, and what SQLite counts to
        raise InvalidInput("after: no log is that long")
    return Cursor(int(number), chain or None)


def _creation(body: bytes) -> tuple[SessionIn, New | None]:
    """What the session is to be, and its first message."""
    if len(body) < LARGE:
        wanted = decode(body, SessionIn)
        prompt: Any = wanted.system_prompt
    else:
        found, _ = members(body, WHERE, SessionIn.__struct_fields__)
        text = found.pop("system_prompt", b"null")
        if text != b"null" and not text.startswith(b'"'):
            raise InvalidInput("system_prompt: must be text")
        prompt = None if text == b"null" else Raw(normal(text, "system_prompt")[0])
        wanted = decode(joined(found), SessionIn)
    return wanted, None if prompt is None else from_json({"role": "system", "content": prompt})


def _messages(body: bytes) -> list[New]:
    """One message, or `{"messages": […]}`.

    What has a role is a message, whatever else it has: `messages` may be a member of its own.
    """
    apart = Apart(body, WHERE)
    found = None
    other = None
    for name, value in apart.members():
        if name == "messages":
            found = value
        elif name == "role":
            return [from_text(body, WHERE)]
        elif other is None:
            other = name
    if found is None:
        return [from_text(body, WHERE)]
    if other is not None:
        raise InvalidInput(f"{other}: beside messages there is no other member")
    texts = elements(found, "messages", MAX_MESSAGES)
    if not texts:
        raise InvalidInput("messages: must be a list of messages, at least one")
    made: list[New] = []
    for place, text in enumerate(paced(texts, len(body))):
        made.append(from_text(text, f"messages[{place}]"))
    # What was replaced when the body was taken apart, or else in a message: it is noted once.
    made[0] = evolve(made[0], replaced=made[0].replaced + apart.replaced)
    return made
