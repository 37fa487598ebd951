"""The context: what to send to a model, and what it is told in the place of old messages."""

from typing import TypedDict

from web.clients.calls.shapes import Message, Written
from web.clients.calls.terms import USUAL, Terms, as_json, get, new_id, pairs, path, post
from web.clients.core.call import Ask


class Context(TypedDict):
    """What to send to a model."""

    messages: list[Message]
    """As they were sent, where that is valid."""
    interrupted: list[str]
    """Calls that had no result and were given one."""


def get_context(
    session_id: str,
    *,
    max_messages: int | None = None,
    max_bytes: int | None = None,
    if_none_match: str | None = None,
) -> Ask[Context]:
    """What to send to a model, valid for any provider, and within limits.

    `Conflict`: even the least does not fit; the detail says what would be needed.
    """
    query = pairs(max_messages=max_messages, max_bytes=max_bytes)
    call = get(path("sessions", session_id, "context"), query, if_none_match=if_none_match)
    return Ask(call, as_json(Context))


def compact(
    session_id: str,
    through: int,
    summary: Message,
    *,
    id: str | None = None,  # noqa: A002 -- the API's own name
    terms: Terms = USUAL,
) -> Ask[Written]:
    """Has a model told a summary in the place of the messages up to the entry `through`."""
    said = {"through": through, "summary": summary, "id": id or new_id()}
    call = post(path("sessions", session_id, "compactions"), said, terms=terms)
    return Ask(call, as_json(Written))
