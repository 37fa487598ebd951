"""Messages: as they are sent, and as they come back.

A message's members are the client's own: its classes name those that the service looks at, and
refuse no others.
"""

from typing import Annotated, Any, cast

import msgspec
from attrs import evolve
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import (
    MAX_ROLE,
    NUMBER_ID,
    Apart,
    Appended,
    Cursor,
    Entry,
    InvalidInput,
    LogPage,
    New,
    from_text,
    sent,
)
from web.call.body import let_go, taken
from web.call.parts import WHERE, elements, paced
from web.call.problems import write
from web.call.query import query
from web.call.rendering import HERE, filled
from web.call.resources import Resources
from web.call.route import Route
from web.call.tags import large_answer
from web.call.types import (
    DEFAULT_LIMIT,
    DurableSeq,
    Limit,
    LogCursor,
    MessageId,
    Replaced,
    Seq,
    Timestamp,
)
from web.call.write import written
from web.http.message import Request, Response

MAX_MESSAGES = 1_000
"""Messages in one call: a long conversation's import goes in a few calls of some megabytes."""


class AnyMessage(Struct):
    """A message as any agent writes it: an object with a role, and whatever else it has."""

    role: Annotated[str, Meta(min_length=1, max_length=MAX_ROLE)]
    content: Annotated[Any, Meta(description="Text, a list of parts, or anything else")] = UNSET


class MessageIn(AnyMessage):
    """A message to append: an object with a role, and whatever else it has."""

    id: MessageId | UnsetType | None = UNSET
    metadata: Annotated[Any, Meta(description="Kept, but not part of the history")] = UNSET


class MessagesIn(Struct, forbid_unknown_fields=True):
    """Several messages, appended together or not at all."""

    messages: Annotated[list[MessageIn], Meta(min_length=1, max_length=1000)]


class MessagesQuery(Struct):
    """Which part of the conversation."""

    after: Annotated[LogCursor, Meta(description="What is behind this place")] = "0"
    before: Annotated[int, Meta(ge=1, description="The nearest below this number")] | None = None
    last: Annotated[int, Meta(ge=1, le=1000, description="The newest so many")] | None = None
    limit: Limit = DEFAULT_LIMIT

    @property
    def backwards(self) -> bool:
        """Whether the pages go from the newest to the oldest."""
        return self.before is not None or self.last is not None


class AppendQuery(Struct):
    """Whether the first message may create the session."""

    create: Annotated[bool, Meta(description="false: 404 instead of a new session")] = True


class SentMessageOut(Struct, omit_defaults=True):
    """A message with its number."""

    seq: Seq
    timestamp: Timestamp
    message: Annotated[AnyMessage, Meta(description="As it was sent, member for member")]
    id: MessageId | UnsetType = UNSET


def sent_message(entry: Entry) -> bytes:
    """A `SentMessageOut` as JSON, made without decoding anything."""
    front: dict[str, Any] = {"seq": entry.seq, "timestamp": entry.at}
    if entry.key is not None:
        front["id"] = Raw(entry.key.encode()) if entry.form & NUMBER_ID else entry.key
    return b'%b,"message":%b}' % (msgspec.json.encode(front)[:-1], sent(entry))


def log_cursor(page: LogPage, *, backwards: bool) -> str | UnsetType:
    """Where the page that follows begins: `after` the last entry, or `before` the first one."""
    if page.next is None:
        return UNSET
    if backwards:
        return str(page.next)
    # The chain names the log: what was deleted and made anew does not follow on this page.
    last = page.entries[-1]
    return f"{last.seq}-{last.chain.hex()}"


class MessagePageOut(Struct, omit_defaults=True):
    """Some messages of those that count, oldest first."""

    session_id: str
    created_at: Timestamp
    messages: list[SentMessageOut]
    message_count: Annotated[int, Meta(description="Of the whole session")]
    durable_seq: DurableSeq
    next_cursor: LogCursor | UnsetType = UNSET

    @classmethod
    def around(cls, page: LogPage, *, backwards: bool) -> "MessagePageOut":
        """All but the messages."""
        return cls(
            session_id=page.session_id,
            created_at=page.created_at,
            messages=cast("list[SentMessageOut]", [HERE]),
            message_count=page.message_count,
            durable_seq=page.durable_seq,
            next_cursor=log_cursor(page, backwards=backwards),
        )


class AppendedOut(Struct, omit_defaults=True):
    """Where the messages went."""

    session_id: str
    seqs: Annotated[list[Seq], Meta(description="The number of each message, in their order")]
    first_seq: Seq
    last_seq: Seq
    message_count: int
    durable_seq: DurableSeq
    replaced: Replaced | UnsetType = UNSET

    @classmethod
    def of(cls, appended: Appended) -> "AppendedOut":
        return cls(
            session_id=appended.session_id,
            seqs=list(appended.seqs),
            first_seq=appended.first_seq,
            last_seq=appended.last_seq,
            message_count=appended.message_count,
            durable_seq=appended.durable_seq,
            replaced=appended.replaced or UNSET,
        )


async def append_messages(resources: Resources, request: Request, session_id: str) -> Response:
    """Appends a message, or several at once; the first one creates the session.

    200 instead of 201: every message was known by its id, and nothing changed.
    """
    session = resources.runtime.session(session_id, nowait=True)
    create = query(request, AppendQuery).create
    messages = await taken(resources, request, _messages)
    asked = written(resources, request)
    with write(repeatable=all(message.key is not None for message in messages)):
        appended = await session.append(
            *messages,
            durable=asked.durable,
            create=create,
            if_match=asked.if_match,
            turn=asked.turn,
            if_absent=asked.if_absent,
        )
    await let_go(messages)
    status = 200 if appended.repeated else asked.status(201)
    return asked.answer(appended, AppendedOut.of(appended), status)


async def get_messages(resources: Resources, request: Request, session_id: str) -> Response:
    """Messages as they were sent, with their numbers: how an IDE catches up.

    `next_cursor` is the next page's `after`; with `before` or `last`, which go backwards, its
    `before`.
    """
    part = query(request, MessagesQuery)
    page = await resources.runtime.session(session_id, nowait=True).messages(
        after=cursor_of(part.after), before=part.before, last=part.last, limit=part.limit
    )
    return await large_answer(
        request,
        page,
        sum(entry.size for entry in page.entries),
        lambda: filled(
            MessagePageOut.around(page, backwards=part.backwards), map(sent_message, page.entries)
        ),
    )


ROUTES = (
    Route(
        "POST",
        "/sessions/<session_id>/messages",
        append_messages,
        {200: AppendedOut, 201: AppendedOut, 202: AppendedOut},
        body=MessageIn | MessagesIn,
        query=AppendQuery,
        problems=(409, 412),
    ),
    Route(
        "GET",
        "/sessions/<session_id>/messages",
        get_messages,
        {200: MessagePageOut, 304: None},
        query=MessagesQuery,
        problems=(412,),
    ),
)


def cursor_of(after: str) -> Cursor:
    """The place that `<number>` or `<number>-<chain>` names, which the schema has checked.

    Raises `InvalidInput`.
    """
    number, _, chain = after.partition("-")
    if len(number) > 18:  # beyond what any log has, and what SQLite counts to
        raise InvalidInput("after: no log is that long")
    return Cursor(int(number), chain or None)


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
