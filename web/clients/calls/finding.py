"""Search: messages and titles of all sessions, by their words."""

from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.terms import as_json, get, pairs, path
from web.clients.core.call import Ask, Pages


class Hit(TypedDict):
    """An entry that was found."""

    session_id: str
    seq: int
    snippet: str
    """The part of the text that has it, in one line."""
    at: str
    title: NotRequired[str]
    """The session's."""
    role: NotRequired[str]
    """The message's; absent: it is the title that has it."""


class Hits(TypedDict):
    """What was found, the newest first. A page may be short, or empty, and go on."""

    hits: list[Hit]
    indexed_through: str
    """What was on disk at this moment can be found."""
    next_cursor: NotRequired[str]


def search(
    q: str,
    *,
    prefix: str | None = None,
    role: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Ask[Hits]:
    """A page of what has all these words; `"words that follow each other"`, and `begin*`.

    `prefix`: of the session's id. `role`: only messages of this role. `since`, `until`: ISO 8601.
    """
    query = pairs(
        q=q, prefix=prefix, role=role, since=since, until=until, limit=limit, cursor=cursor
    )
    return Ask(get(path("search"), query), as_json(Hits))


def iter_search(
    q: str,
    *,
    prefix: str | None = None,
    role: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = PAGE,
) -> Pages[Hit]:
    """All that is found, as `search` has it. `limit`: on a page."""
    first = search(q, prefix=prefix, role=role, since=since, until=until, limit=limit)
    return pages(first, "hits", Hit)
