"""Records: values under keys."""

from collections.abc import Mapping, Sequence

from web.clients.calls.shapes import NewRecord, Record, Written
from web.clients.calls.terms import USUAL, Terms, as_json, body, new_id, pages, pairs, path
from web.clients.core.call import Ask, Call, Pages, Reply


def put_records(
    session_id: str,
    put: Sequence[NewRecord] = (),
    *,
    remove: Sequence[str] = (),
    remove_prefix: Sequence[str] = (),
    id: str | None = None,  # noqa: A002 -- the API's own name
    once: bool = False,
    expect: Mapping[str, int] | None = None,
    terms: Terms = USUAL,
) -> Ask[Written]:
    """Gives keys values, and removes others, in one step. The first one creates the session.

    As `append_entries` has it: `id`, `once`, `expect`.
    """
    content = body(
        {
            "id": id or (None if once else new_id()),
            "put": put,
            "remove": remove or None,
            "remove_prefix": remove_prefix or None,
            "once": once or None,
            "expect": expect,
        }
    )
    call = Call(
        method="POST",
        path=path("sessions", session_id, "records"),
        headers=terms.headers,
        content=content,
        is_repeatable=True,
    )
    return Ask(call, as_json(Written))


def iter_records(
    session_id: str,
    *,
    keys: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    start: str | None = None,
    end: str | None = None,
    reverse: bool = False,
    limit: int = 1000,
) -> Pages[Record]:
    """Records in the order of the UTF-8 bytes of their keys. `limit`: on a page.

    Without `keys` and `prefixes`, all; of them those from `start` on and before `end`.
    """
    query = pairs(key=keys, prefix=prefixes, start=start, end=end, reverse=reverse, limit=limit)
    return pages(path("sessions", session_id, "records"), query, "records", Record, "cursor")


def first_records(
    session_id: str,
    *,
    keys: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    start: str | None = None,
    end: str | None = None,
    reverse: bool = False,
    limit: int = 1,
) -> Ask[list[Record]]:
    """The first of them, in one call; with `reverse`, the last."""
    query = pairs(key=keys, prefix=prefixes, start=start, end=end, reverse=reverse, limit=limit)
    call = Call(
        method="GET",
        path=path("sessions", session_id, "records"),
        query=query,
        is_repeatable=True,
    )
    return Ask(call, _records)


def _records(reply: Reply) -> list[Record]:
    found: list[Record] = reply.json()["records"]
    return found
