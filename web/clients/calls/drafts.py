"""Drafts: messages that are still being written."""

from typing import NotRequired, TypedDict

from web.clients.calls.terms import USUAL, Terms, as_json, nothing, path, post
from web.clients.core.call import Ask, Call


class Drafted(TypedDict):
    """How far a draft has come."""

    offset: int
    """Characters, in all parts together."""
    replaced: NotRequired[int]
    """How many lone surrogates became U+FFFD."""


def append_draft(
    session_id: str,
    message_id: str,
    append: str,
    *,
    role: str | None = None,
    part: str | None = None,
    offset: int | None = None,
    terms: Terms = USUAL,
) -> Ask[Drafted]:
    """Adds to a message that is still being written. The session must be there.

    `role`: of a new draft. `part`: what grows; its content, if absent. `offset`: the number that
    the last answer gave. Only with it is the call sent again when its answer got lost; if it had
    arrived, `Conflict` says so: its `problem["offset"]` is the number behind it.
    """
    said = {"append": append, "role": role, "part": part, "offset": offset}
    call = post(
        path("sessions", session_id, "drafts", message_id),
        said,
        terms=terms,
        is_repeatable=offset is not None,
    )
    return Ask(call, as_json(Drafted))


def drop_draft(session_id: str, message_id: str, *, terms: Terms = USUAL) -> Ask[None]:
    """Takes back what was drafted of a message, if anything was."""
    call = Call(
        method="DELETE",
        path=path("sessions", session_id, "drafts", message_id),
        headers=terms.headers,
        is_repeatable=True,  # said twice, it is the same
    )
    return Ask(call, nothing)
