"""What the AI SDK asks for: a chat's UI messages, out and in, and the stream of an answer.

The paths are those that `useChat` makes of its `api`, here `/ai/chat`; so they are beside the
API's prefix. What is said there is in `web.ui.vercel`.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated

import trio
from attrs import asdict, evolve
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import InvalidInput, Resumed, Session, SessionNotFound
from web.api.chats import ChatIn, NewChatIn, UiMessage, save, sent_chat
from web.api.messages import cursor_of
from web.api.tails import PAGE, begins_with, decoded, drafted, size_of, tail
from web.api.telling import Begin, Events, Interface, told
from web.api.under_way import UnderWay
from web.call.body import taken
from web.call.problems import write
from web.call.query import query
from web.call.rendering import begun, encode, encoded_answer, made
from web.call.resources import Resources
from web.call.route import Route
from web.call.stream import HEADERS
from web.call.tags import headers_of, unchanged
from web.call.types import DurableSeq, LogCursor, Replaced, Seq, Version
from web.call.write import written
from web.http.message import Request, Response
from web.ui.kept import Kept
from web.ui.vercel.messages import Chat, begins
from web.ui.vercel.telling import Telling

STREAM = (*HEADERS, ("x-vercel-ai-ui-message-stream", "v1"))
DONE = b"data: [DONE]\n\n"


class LossyOut(Struct):
    """What of a message has no form here."""

    seq: Seq
    members: Sequence[str]


class ChatOut(Struct, omit_defaults=True):
    """A chat, as `useChat` begins with it: its `id` and `messages`."""

    id: str
    messages: list[UiMessage]
    cursor: Annotated[LogCursor, Meta(description="`after` of the stream")]
    lossy: list[LossyOut] = []
    earlier: (
        Annotated[int, Meta(ge=1, description="`before` of the messages before these")] | UnsetType
    ) = UNSET


class ChatSavedOut(Struct, omit_defaults=True):
    """What became of the UI messages."""

    session_id: str
    version: Version
    durable_seq: DurableSeq
    applied: Annotated[int, Meta(ge=0, description="Entries that were appended")]
    kept: Annotated[list[str], Meta(description="Known with other parts; they stay so")] = []
    replaced: Replaced | UnsetType = UNSET


class ChunkOut(Struct):
    """A part of the UI message stream, version 1. Behind the last one comes `[DONE]`."""

    type: str


class ChatQuery(Struct):
    """How much of the chat."""

    last: Annotated[int, Meta(ge=1, le=1000, description="The newest so many messages")] = PAGE
    before: Annotated[int, Meta(ge=1, description="Of those below this number")] | None = None


class ResumeChatQuery(Struct):
    """From where, and for how long."""

    after: Annotated[LogCursor, Meta(description="Not 204 if more was said since")] | None = None
    wait: Annotated[float, Meta(ge=0, le=60, description="Seconds for an agent to begin")] = 0


class SendChatQuery(Struct):
    """For how long."""

    wait: Annotated[float, Meta(ge=0, le=60, description="Seconds for an agent to begin")] = 30


async def get_chat(resources: Resources, request: Request, session_id: str) -> Response:
    """A session as UI messages: those that were sent, and what others wrote, translated.

    An answer is one UI message, whatever it was written in. At least `last` messages of the log are
    looked at, and as many more as belong to the first answer.
    """
    part = query(request, ChatQuery)
    session = resources.runtime.session(session_id, nowait=True)
    found = await tail(session, begins, last=part.last, before=part.before)
    page = found.page
    known = unchanged(request, page)
    if known is not None:
        return known

    def shown() -> bytes:
        chat = Chat.of(found.kept)
        body: dict[str, object] = {"id": session_id, "messages": chat.messages, "cursor": page.tag}
        if chat.lossy:
            body["lossy"] = [asdict(one) for one in chat.lossy]
        if found.earlier is not None:
            body["earlier"] = found.earlier
        return encode(body)

    size = size_of(found.entries)
    return encoded_answer(await made(size, shown, transformed=size), headers_of(page))


async def save_chat(resources: Resources, request: Request, session_id: str) -> Response:
    """Keeps UI messages, each once by its id; the first one creates the session.

    200 instead of 201: all of them were known. The last one may come again with more parts, and
    takes its own place; with `messageId`, the chat goes back to before that message first.
    """
    session = resources.runtime.session(session_id, nowait=True)
    sent = await taken(resources, request, sent_chat)
    if sent.session_id is not None and sent.session_id != session_id:
        raise InvalidInput("id: is another one than that of the path")
    asked = written(resources, request)
    with write(repeatable=True):
        saved = await save(session, sent, asked)
    reply = saved.written or await session.summary()
    applied = 0 if saved.written is None else saved.written.applied
    body = ChatSavedOut(
        session_id=session_id,
        version=reply.version,
        durable_seq=reply.durable_seq,
        applied=applied,
        kept=list(saved.kept),
        replaced=sent.replaced or UNSET,
    )
    return asked.answer(reply, body, asked.status(201) if applied else 200)


async def send_chat(resources: Resources, request: Request) -> Response:
    """Keeps UI messages, as `useChat` sends them, and streams what an agent answers.

    The agent is another program: it follows the session, and writes drafts and messages.
    """
    wait = query(request, SendChatQuery).wait
    sent = await taken(resources, request, sent_chat)
    if not sent.session_id:
        raise InvalidInput("id: is missing: the chat's, which is the session's")
    session = resources.runtime.session(sent.session_id, nowait=True)
    drafts = await drafted(session)
    messages = [message for message in sent.messages if message["id"] not in drafts]
    sent = evolve(sent, messages=messages)
    asked = written(resources, request).confirmed()
    with write(repeatable=True):
        await save(session, sent, asked)
    resumed = await session.resume(last=PAGE)
    teller = Telling(one_message=True)

    async def begin(resumed: Resumed, _is_first: bool) -> tuple[int, Events]:
        size, kept = await _answer(session, resumed)
        answer = await made(size, lambda: Chat.of(kept).shown, transformed=size)
        if answer:  # the client has it, and adds what comes
            teller.goes_on_from(answer[-1].message)
        return 0, ()

    return await _streamed(resources, session, resumed, teller, begin, wait)


async def resume_chat(resources: Resources, request: Request, session_id: str) -> Response:
    """The answer that is being written, from its beginning to its end; 204 if none is.

    What there is of it comes first, drafts included, then the rest as it is written. It is there
    while somebody has the session's turn, or writes a draft.
    """
    part = query(request, ResumeChatQuery)
    session = resources.runtime.session(session_id, nowait=True)
    try:
        resumed = await session.resume(last=PAGE)
    except SessionNotFound:  # a chat that has not begun
        return Response(HTTPStatus.NO_CONTENT)
    has_moved = part.after is not None and cursor_of(part.after).seq != resumed.version
    under_way = await UnderWay.of(resumed, part.wait)
    if not has_moved and under_way.ends_at <= trio.current_time():
        return Response(HTTPStatus.NO_CONTENT)
    teller = Telling()

    async def begin(resumed: Resumed, _is_first: bool) -> tuple[int, Events]:
        size, kept = await _answer(session, resumed)
        return size, teller.messages(kept)

    return await _streamed(resources, session, resumed, teller, begin, part.wait)


ROUTES = (
    Route(
        "GET",
        "/ai/chat/<session_id>",
        get_chat,
        {200: ChatOut, 304: None},
        query=ChatQuery,
        outside="only",
    ),
    Route(
        "POST",
        "/ai/chat/<session_id>",
        save_chat,
        {200: ChatSavedOut, 201: ChatSavedOut, 202: ChatSavedOut},
        body=ChatIn,
        problems=(409, 412),
        outside="only",
    ),
    Route(
        "POST",
        "/ai/chat",
        send_chat,
        {200: ChunkOut},
        body=NewChatIn,
        query=SendChatQuery,
        problems=(404, 409, 412),
        is_stream=True,
        has_names=False,
        done="[DONE]",
        outside="only",
    ),
    Route(
        "GET",
        "/ai/chat/<session_id>/stream",
        resume_chat,
        {200: ChunkOut, 204: None},
        query=ResumeChatQuery,
        is_stream=True,
        has_names=False,
        done="[DONE]",
        outside="only",
    ),
)


async def _answer(session: Session, resumed: Resumed) -> tuple[int, list[Kept]]:
    """The messages behind the last one of a person, or of the system; and bytes of their text."""
    page = resumed.messages
    entries = list(page.entries)
    kept = await decoded(entries)
    if page.next is not None and not any(map(_is_asked, kept)):
        more = await tail(session, begins_with(_is_asked), before=page.next)
        kept, entries = [*more.kept, *kept], [*more.entries, *entries]
    asks = [place for place, one in enumerate(kept, 1) if _is_asked(one)]
    start = asks[-1] if asks else 0
    return size_of(entries[start:]), kept[start:]


def _is_asked(kept: Kept) -> bool:
    return kept.speaker in ("user", "system")


async def _streamed(
    resources: Resources,
    session: Session,
    resumed: Resumed,
    teller: Telling,
    begin: Begin,
    wait: float,
) -> Response:
    interface = Interface(teller=teller, begin=begin, last=DONE)
    body = told(resources, session, resumed, interface, last=PAGE, patience=wait)
    return Response(200, await begun(body), STREAM, is_endless=True)
