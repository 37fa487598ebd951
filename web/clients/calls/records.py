"""Records: values under keys."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import NewRecord, Record, Written
from web.clients.calls.terms import USUAL, Terms, as_json, get, new_id, pairs, path, post
from web.clients.core.call import Ask, Pages, Reply


class RecordPage(TypedDict):
    """Some records, in the order of their keys."""

    records: list[Record]
    next_cursor: NotRequired[str]


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
    said = {
        "id": id or (None if once else new_id()),
        "put": put,
        "remove": remove or None,
        "remove_prefix": remove_prefix or None,
        "once": once or None,
        "expect": expect,
    }
    return Ask(post(path("sessions", session_id, "records"), said, terms=terms), as_json(Written))


def get_records(
    session_id: str,
    *,
    keys: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    start: str | None = None,
    end: str | None = None,
    reverse: bool = False,
    limit: int | None = None,
    cursor: str | None = None,
    if_none_match: str | None = None,
) -> Ask[RecordPage]:
    """A page of the records, in the order of the UTF-8 bytes of their keys.

    Without `keys` and `prefixes`, of all; of them those from `start` on and before `end`.
    """
    query = pairs(
        key=keys,
        prefix=prefixes,
        start=start,
        end=end,
        reverse=reverse,
        limit=limit,
        cursor=cursor,
    )
    call = get(path("sessions", session_id, "records"), query, if_none_match=if_none_match)
    return Ask(call, as_json(RecordPage))


def iter_records(
    session_id: str,
    *,
    keys: Sequence[str] = (),
    prefixes: Sequence[str] = (),
    start: str | None = None,
    end: str | None = None,
    reverse: bool = False,
    limit: int = PAGE,
) -> Pages[Record]:
    """All records, as `get_records` has them. `limit`: on a page."""
    first = get_records(
        session_id,
        keys=keys,
        prefixes=prefixes,
        start=start,
        end=end,
        reverse=reverse,
        limit=limit,
    )
    return pages(first, "records", Record)


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
    page = get_records(
        session_id,
        keys=keys,
        prefixes=prefixes,
        start=start,
        end=end,
        reverse=reverse,
        limit=limit,
    )
    return Ask(page.call, _records)


def _records(reply: Reply) -> list[Record]:
    found: list[Record] = reply.json()["records"]
    return found
