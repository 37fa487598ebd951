"""Sessions as a whole: made, read, changed, listed, forked, deleted."""

from collections.abc import Mapping, Sequence
from typing import Any

from web.clients.calls.shapes import Header, Listed
from web.clients.calls.terms import (
    USUAL,
    Terms,
    as_json,
    body,
    new_id,
    nothing,
    pages,
    pairs,
    path,
)
from web.clients.core.call import Ask, Call, Pages, content_of


def create_session(
    session_id: str | None = None,
    *,
    system_prompt: str | None = None,
    agent: str | None = None,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Ask[Header]:
    """Makes a session; without an id, under a new one. `Conflict`: there is one."""
    content = body(
        {
            "session_id": session_id,
            "system_prompt": system_prompt,
            "agent": agent,
            "title": title,
            "metadata": metadata,
        }
    )
    return Ask(Call(method="POST", path=path("sessions"), content=content), as_json(Header))


def get_session(session_id: str) -> Ask[Header]:
    """A session's header. `NotFound`: there is none."""
    call = Call(method="GET", path=path("sessions", session_id), is_repeatable=True)
    return Ask(call, as_json(Header))


def patch_session(
    session_id: str, patch: Mapping[str, Any], *, terms: Terms = USUAL
) -> Ask[Header]:
    """Changes title, `archived` or metadata, as a merge patch: what is `None` is removed."""
    call = Call(
        method="PATCH",
        path=path("sessions", session_id),
        headers=terms.headers,
        content=content_of(dict(patch)),
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


def iter_sessions(
    *,
    prefix: str | None = None,
    order: str = "created",
    archived: bool | None = None,
    include: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
    limit: int = 1000,
) -> Pages[Listed]:
    """All sessions. `limit`: on a page.

    `order`: `created`, which holds still, or `activity`, the latest first, in which a session that
    is used meanwhile moves. `metadata`: only those with these members. `include`: members of the
    header beside the usual ones, such as `title` and `metadata`.
    """
    query = pairs(
        prefix=prefix,
        order=order,
        archived=archived,
        include=",".join(include) or None,
        limit=limit,
        **{f"metadata.{name}": value for name, value in (metadata or {}).items()},
    )
    return pages(path("sessions"), query, "sessions", Listed, "cursor")


def fork_session(
    session_id: str,
    new_session_id: str | None = None,
    *,
    at: int | None = None,
    title: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Ask[Header]:
    """Makes a session of the entries up to `at` of another."""
    content = body(
        {
            "session_id": new_session_id or new_id(),
            "at": at,
            "title": title,
            "metadata": metadata,
        }
    )
    call = Call(
        method="POST",
        path=path("sessions", session_id, "fork"),
        content=content,
        is_repeatable=True,
    )
    return Ask(call, as_json(Header))
