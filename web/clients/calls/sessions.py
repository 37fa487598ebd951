"""Sessions as a whole: made, read, changed, listed, forked, deleted."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import Header, Listed
from web.clients.calls.terms import (
    USUAL,
    Terms,
    as_json,
    get,
    new_id,
    nothing,
    pairs,
    path,
    post,
    whole,
)
from web.clients.core.call import Ask, Call, Pages, Reply


class SessionList(TypedDict):
    """Sessions, in the order that was asked for."""

    sessions: list[Listed]
    total: NotRequired[int]
    """Of all; absent with filters."""
    next_cursor: NotRequired[str]


def create_session(
    session_id: str | None = None,
    *,
    system_prompt: str | None = None,
    agent: str | None = None,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    terms: Terms = USUAL,
) -> Ask[Header]:
    """Makes a session; without an id, under a new one. `Conflict`: there is one."""
    said = {
        "session_id": session_id,
        "system_prompt": system_prompt,
        "agent": agent,
        "title": title,
        "metadata": metadata,
    }
    call = post(path("sessions"), said, terms=terms, is_repeatable=False)
    return Ask(call, as_json(Header))


def get_session(session_id: str, *, if_none_match: str | None = None) -> Ask[Header]:
    """A session's header. `NotFound`: there is none."""
    call = get(path("sessions", session_id), if_none_match=if_none_match)
    return Ask(call, as_json(Header))


def get_tag(session_id: str) -> Ask[str]:
    """The tag of the state that a session is in.

    For `Terms(if_match=...)`, and for `if_none_match` of reads, which raise `Unchanged` then.
    """
    return Ask(get(path("sessions", session_id)), _tag)


def patch_session(
    session_id: str, patch: Mapping[str, Any], *, terms: Terms = USUAL
) -> Ask[Header]:
    """Changes title, `archived` or metadata, as a merge patch: what is `None` is removed."""
    call = Call(
        method="PATCH",
        path=path("sessions", session_id),
        headers=terms.headers,
        content=whole(dict(patch)),
        is_repeatable=True,  # said twice, it is the same
    )
    return Ask(call, as_json(Header))


def delete_session(session_id: str, *, purge: bool = False, terms: Terms = USUAL) -> Ask[None]:
    """Puts a session into the trash; with `purge`, deletes it for good."""
    call = Call(
        method="DELETE",
        path=path("sessions", session_id),
        query=pairs(purge=purge or None),
        headers=terms.headers,
    )
    return Ask(call, nothing)


def list_sessions(
    *,
    limit: int | None = None,
    cursor: str | None = None,
    order: str = "activity",
    prefix: str | None = None,
    archived: bool | None = None,
    include: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> Ask[SessionList]:
    """Sessions; without a `limit`, all at once.

    `order`: `activity`, the latest first, in which a session that is used meanwhile moves, or
    `created`, which holds still. `metadata`: only those with these members. `include`: members of
    the header beside the usual ones, such as `title` and `metadata`.
    """
    query = pairs(
        prefix=prefix,
        order=order,
        archived=archived,
        include=",".join(include) or None,
        limit=limit,
        cursor=cursor,
        **{f"metadata.{name}": value for name, value in (metadata or {}).items()},
    )
    return Ask(get(path("sessions"), query), as_json(SessionList))


def iter_sessions(
    *,
    prefix: str | None = None,
    order: str = "created",
    archived: bool | None = None,
    include: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
    limit: int = PAGE,
) -> Pages[Listed]:
    """All sessions, as `list_sessions` has them. `limit`: on a page."""
    first = list_sessions(
        limit=limit,
        order=order,
        prefix=prefix,
        archived=archived,
        include=include,
        metadata=metadata,
    )
    return pages(first, "sessions", Listed)


def fork_session(
    session_id: str,
    new_session_id: str | None = None,
    *,
    at: int | None = None,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    terms: Terms = USUAL,
) -> Ask[Header]:
    """Makes a session of the entries up to `at` of another."""
    said = {
        "session_id": new_session_id or new_id(),
        "at": at,
        "title": title,
        "metadata": metadata,
    }
    return Ask(post(path("sessions", session_id, "fork"), said, terms=terms), as_json(Header))


def _tag(reply: Reply) -> str:
    return reply.headers["etag"]
