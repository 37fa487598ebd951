"""Messages: appended, and read as they were sent."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import Message, SentMessage
from web.clients.calls.terms import USUAL, Terms, as_json, get, pairs, path, whole
from web.clients.core.call import Ask, Call, Pages


class Appended(TypedDict):
    """Where messages went."""

    session_id: str
    seqs: list[int]
    first_seq: int
    last_seq: int
    message_count: int
    durable_seq: int
    replaced: NotRequired[int]
    """How many lone surrogates became U+FFFD."""


class MessagePage(TypedDict):
    """Some messages of those that count, oldest first."""

    session_id: str
    created_at: str
    messages: list[SentMessage]
    message_count: int
    """Of the whole session."""
    durable_seq: int
    next_cursor: NotRequired[str]


def append_messages(
    session_id: str, messages: Sequence[Message], *, create: bool = True, terms: Terms = USUAL
) -> Ask[Appended]:
    """Appends messages, all of them or none, to 1,000. The first one creates the session.

    A message's `id` makes it appear once, however often it is sent. Only if all of them have one
    is the call sent again when its answer got lost; `append_entries` always is.
    `create=False`: `NotFound` in place of a new session.
    """
    call = Call(
        method="POST",
        path=path("sessions", session_id, "messages"),
        query=pairs(create=None if create else False),
        headers=terms.headers,
        content=whole({"messages": list(messages)}),
        is_repeatable=all(message.get("id") is not None for message in messages),
    )
    return Ask(call, as_json(Appended))


def get_messages(
    session_id: str,
    *,
    after: int | str | None = None,
    before: int | None = None,
    last: int | None = None,
    limit: int | None = None,
    if_none_match: str | None = None,
) -> Ask[MessagePage]:
    """A page of the messages that count: behind a place, before one, or the last ones."""
    query = pairs(after=after, before=before, last=last, limit=limit)
    call = get(path("sessions", session_id, "messages"), query, if_none_match=if_none_match)
    return Ask(call, as_json(MessagePage))


def iter_messages(
    session_id: str, *, after: int | str | None = None, limit: int = PAGE
) -> Pages[SentMessage]:
    """All messages that count (behind a place), oldest first. `limit`: on a page."""
    return pages(
        get_messages(session_id, after=after, limit=limit), "messages", SentMessage, "after"
    )
