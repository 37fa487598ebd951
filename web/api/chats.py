"""Chats of the AI SDK that a client sends: compared with the log, what is new is appended."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from attrs import frozen
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import (
    Apart,
    InvalidInput,
    Item,
    KeyConflict,
    New,
    Session,
    SessionNotFound,
    Written,
    check_depth,
    from_json,
    read_as,
)
from web.api.messages import MAX_MESSAGES
from web.api.tails import Tail, size_of, tail
from web.call.parts import WHERE, elements, paced
from web.call.rendering import made
from web.call.types import SessionId
from web.call.write import Write
from web.ui.kept import Kept
from web.ui.vercel.changes import REGENERATE, Changes, changes
from web.ui.vercel.messages import Chat, begins
from web.ui.vercel.sent import MAX_ID, NAME, NoUiMessage, as_message, checked

REQUEST = f"{NAME}/request"
"""The record that has what a client sent beside its messages: an agent may want to know it."""

_OURS = ("id", "messages", "message", "trigger", "messageId")


class UiPart(Struct):
    """A part of a UI message: `text`, `reasoning`, `tool-…`, `file`, `data-…` and others."""

    type: str


class UiMessage(Struct):
    """A UI message of the AI SDK. What else it has is kept."""

    id: Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
    role: Literal["system", "user", "assistant"]
    parts: list[UiPart]


class ChatIn(Struct, kw_only=True, rename={"message_id": "messageId"}):
    """UI messages to keep: one, or a chat as a client has it. Other members are the client's."""

    id: str | UnsetType = UNSET
    messages: Annotated[list[UiMessage], Meta(max_length=MAX_MESSAGES)] | UnsetType = UNSET
    message: UiMessage | UnsetType = UNSET
    trigger: str | UnsetType = UNSET
    message_id: Annotated[str, Meta(description="Go back to before this one first")] | UnsetType = (
        UNSET
    )


class NewChatIn(ChatIn, kw_only=True, rename={"message_id": "messageId"}):
    """The same with the chat's id, as `useChat` sends it."""

    id: SessionId


@frozen(kw_only=True)
class SentChat:
    """What a client sent."""

    session_id: str | None
    messages: Sequence[dict[str, Any]]
    at: str | None
    """The message to begin at."""
    trigger: str | None
    """Why it was sent."""
    rest: dict[str, Any]
    """Other members."""
    news: Mapping[str, New]
    """The entries of these messages, by their ids."""
    size: int
    """Bytes of the body."""
    replaced: int
    """Lone surrogates that became U+FFFD."""


@frozen
class Saved:
    """What became of it."""

    written: Written | None
    """`None`: there was nothing to append."""
    kept: Sequence[str]
    """Ids of messages that are known with other parts, and stayed as they were."""


def sent_chat(body: bytes) -> SentChat:
    """Reads a body. Raises `InvalidInput`."""
    apart = Apart(body, WHERE)
    messages: list[dict[str, Any]] = []
    news: dict[str, New] = {}
    said: dict[str, str] = {}
    rest: dict[str, Any] = {}
    replaced = 0

    def add(text: bytes, where: str) -> int:
        message, count = _ui_message(text, where)
        if message["id"] in news:
            raise InvalidInput(f"{where}: id: is that of another message of this call")
        messages.append(message)
        news[message["id"]] = from_json(as_message(message), where)
        return count

    for name, value in apart.members():
        if name == "messages":
            texts = elements(value, name, MAX_MESSAGES)
            for place, text in enumerate(paced(texts, len(body))):
                replaced += add(text, f"messages[{place}]")
        elif name == "message":
            replaced += add(value, name)
        else:
            found, count = read_as(value, str if name in _OURS else Any, name)
            check_depth(found, value, name)
            (said if name in _OURS else rest)[name] = found
            replaced += count
    return SentChat(
        session_id=said.get("id"),
        messages=messages,
        at=said.get("messageId"),
        trigger=said.get("trigger"),
        rest=rest,
        news=news,
        size=len(body),
        replaced=replaced + apart.replaced,
    )


async def save(session: Session, sent: SentChat, asked: Write) -> Saved:
    """Appends what is new, once. Raises as `append_entries` does."""
    if len(sent.messages) == 1 and not (sent.at or sent.rest or sent.trigger == REGENERATE):
        # As most clients send it that were written with care: no need to look at the log.
        try:
            return await _done(session, sent, asked, Changes(to=None, new=sent.messages, kept=()))
        except KeyConflict:
            pass
    known = await _known(session, sent)
    kept = [] if known is None else known.kept
    size = sent.size + (0 if known is None else size_of(known.entries))
    wanted = await made(
        size, lambda: changes(Chat.of(kept), sent.messages, sent.at, sent.trigger), transformed=size
    )
    return await _done(session, sent, asked, wanted, None if known is None else known.page.tag)


async def _known(session: Session, sent: SentChat) -> Tail | None:
    """As much of the log as tells which of the messages are known."""
    wanted = {sent.at} if sent.at is not None else set[str]()
    wanted |= {sent.messages[0]["id"]} if sent.messages else set()

    def is_enough(kept: Sequence[Kept]) -> bool:
        return begins(kept) and wanted <= {one.id for one in kept}

    try:
        return await tail(session, is_enough)
    except SessionNotFound:
        return None


async def _done(
    session: Session, sent: SentChat, asked: Write, wanted: Changes, tag: str | None = None
) -> Saved:
    items = list(_items(sent, wanted))
    if not items:
        return Saved(None, wanted.kept)
    # What takes another's place is sure only while the log is as it was looked at.
    if_match = tag if asked.if_match is None and wanted.to is not None else asked.if_match
    written = await session.append_entries(
        *items,
        durable=asked.durable,
        if_match=if_match,
        if_absent=asked.if_absent,
        turn=asked.turn,
    )
    return Saved(written, wanted.kept)


def _items(sent: SentChat, wanted: Changes) -> Iterator[Item]:
    if wanted.to is not None:
        yield Item(kind="rewind", body={"to": wanted.to})
    for message in wanted.new:
        new = sent.news[message["id"]]
        yield Item(kind="message", key=new.key, new=new)
    if sent.rest and (wanted.new or wanted.to is not None):
        yield Item(kind="record", key=REQUEST, body={"value": sent.rest})


def _ui_message(text: bytes, where: str) -> tuple[dict[str, Any], int]:
    found, replaced = read_as(text, Any, where)
    check_depth(found, text, where, around=2)
    try:
        return dict(checked(found)), replaced
    except NoUiMessage as error:
        raise InvalidInput(f"{where}: {error}") from None
