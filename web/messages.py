"""Messages on the wire: as they are sent, as they come back, and as a history shows them.

A message's members are the client's own: its classes name those that the service looks at, and
refuse no others.
"""

from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import MAX_ROLE, NUMBER_ID, Appended, Entry, LogPage, sent
from web.schemas import (
    DEFAULT_LIMIT,
    DurableSeq,
    Limit,
    LogCursor,
    MessageId,
    Replaced,
    Seq,
    Timestamp,
)


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


class HistoryMessageOut(Struct, omit_defaults=True):
    """A message as history shows it: its content as text, its other members as sent, no nulls."""

    role: str
    content: str
    name: str | UnsetType = UNSET
    content_parts: Annotated[Any, Meta(description="The content, where it was no text")] = UNSET


class SentMessageOut(Struct, omit_defaults=True):
    """A message with its number."""

    seq: Seq
    timestamp: Timestamp
    message: Annotated[AnyMessage, Meta(description="As it was sent, member for member")]
    id: MessageId | UnsetType = UNSET


def sent_message(entry: Entry) -> Raw:
    """A `SentMessageOut`, made without decoding anything."""
    front: dict[str, Any] = {"seq": entry.seq, "timestamp": entry.at}
    if entry.key is not None:
        front["id"] = Raw(entry.key.encode()) if entry.form & NUMBER_ID else entry.key
    return Raw(msgspec.json.encode(front)[:-1] + b',"message":' + sent(entry) + b"}")


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
    def of(cls, page: LogPage, *, backwards: bool) -> "MessagePageOut":
        return cls(
            session_id=page.session_id,
            created_at=page.created_at,
            messages=cast("list[SentMessageOut]", [sent_message(entry) for entry in page.entries]),
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
