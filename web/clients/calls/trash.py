"""The trash: what was deleted, how it comes back, and how it goes for good."""

from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import Header, Listed
from web.clients.calls.terms import USUAL, Terms, as_json, get, nothing, pairs, path, post
from web.clients.core.call import Ask, Call, Pages


class Trashed(Listed):
    """A deleted session."""

    trash_id: str
    """Names what was deleted: an id can be used anew."""
    deleted_at: str


class Trash(TypedDict):
    """Deleted sessions, what was deleted last first."""

    sessions: list[Trashed]
    next_cursor: NotRequired[str]


def get_trash(*, limit: int | None = None, cursor: str | None = None) -> Ask[Trash]:
    """A page of what was deleted and can come back."""
    return Ask(get(path("trash"), pairs(limit=limit, cursor=cursor)), as_json(Trash))


def iter_trash(*, limit: int = PAGE) -> Pages[Trashed]:
    """All that was deleted and can come back. `limit`: on a page."""
    return pages(get_trash(limit=limit), "sessions", Trashed)


def undelete_session(
    session_id: str,
    new_session_id: str | None = None,
    *,
    trash_id: str | None = None,
    terms: Terms = USUAL,
) -> Ask[Header]:
    """Brings a session back, under its own id or a new one. `Conflict`: that id lives.

    `trash_id`: which of those that had this id; the one that was deleted last, if absent.
    """
    said = {"trash_id": trash_id, "session_id": new_session_id}
    where = path("sessions", session_id, "undelete")
    return Ask(post(where, said, terms=terms, is_repeatable=False), as_json(Header))


def purge_trashed(trash_id: str) -> Ask[None]:
    """Deletes for good what is in the trash."""
    return Ask(Call(method="DELETE", path=path("trash", trash_id)), nothing)
