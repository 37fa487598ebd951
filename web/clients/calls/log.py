"""Entries: appended in one step, read in pages, gone back behind, redacted."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from web.clients.calls.paging import PAGE, pages
from web.clients.calls.shapes import Entry, Header, NewEntry, Written
from web.clients.calls.terms import USUAL, Terms, as_json, get, new_id, pairs, path, post
from web.clients.core.call import Ask, Pages, Reply


class LogPage(TypedDict):
    """Some entries of a session's log, oldest first."""

    session_id: str
    entries: list[Entry]
    durable_seq: int
    next_cursor: NotRequired[str]


class Copy(TypedDict):
    """A session that still has the value, in its own entry of this number."""

    session_id: str
    trash_id: NotRequired[str]
    """Where it lies in the trash."""


class Redacted(TypedDict):
    """The session, in which a value is no more."""

    session_id: str
    seq: int
    version: int
    durable_seq: int
    traces: list[str]
    """Files beside the database that may still have the value."""
    copies: list[Copy]
    """Sessions that have it, too: forks, and what they were made of."""


def append_entries(
    session_id: str,
    entries: Sequence[NewEntry],
    *,
    id: str | None = None,  # noqa: A002 -- the API's own name
    once: bool = False,
    expect: Mapping[str, int] | None = None,
    terms: Terms = USUAL,
) -> Ask[Written]:
    """Appends entries in order, all of them or none. The first one creates the session.

    `id`: of the call; sent again with it, it has one effect. Without one it gets a new one, so that
    a call whose answer got lost can be sent again.
    `once`: records whose keys are known are skipped, and answered as `known`.
    `expect`: of records' keys, the number of the entry that each has to be, 0: none.
    """
    keyed = once or all("key" in entry and entry["kind"] != "record" for entry in entries)
    said = {
        "id": id or (None if keyed else new_id()),
        "entries": entries,
        "once": once or None,
        "expect": expect,
    }
    return Ask(post(path("sessions", session_id, "log"), said, terms=terms), as_json(Written))


def get_log(
    session_id: str,
    *,
    after: int | str | None = None,
    before: int | None = None,
    last: int | None = None,
    limit: int | None = None,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
    if_none_match: str | None = None,
) -> Ask[LogPage]:
    """A page of the entries: behind a place, before one, or the last ones.

    `counting`: only what no rewind has taken back. `key_prefix`: of records, those whose keys begin
    so.
    """
    query = pairs(
        kind=kinds,
        key_prefix=key_prefix,
        counting=counting,
        after=after,
        before=before,
        last=last,
        limit=limit,
    )
    call = get(path("sessions", session_id, "log"), query, if_none_match=if_none_match)
    return Ask(call, as_json(LogPage))


def iter_log(
    session_id: str,
    *,
    after: int | str | None = None,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
    limit: int = PAGE,
) -> Pages[Entry]:
    """All entries (behind a place), oldest first, as `get_log` has them. `limit`: on a page."""
    first = get_log(
        session_id,
        after=after,
        kinds=kinds,
        key_prefix=key_prefix,
        counting=counting,
        limit=limit,
    )
    return pages(first, "entries", Entry, "after")


def iter_log_back(
    session_id: str,
    *,
    before: int | None = None,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
    limit: int = PAGE,
) -> Pages[Entry]:
    """The same backwards: the newest first, of those before one. `limit`: on a page.

    A page may have fewer entries although more follow: it has an end in bytes, too.
    """
    first = get_log(
        session_id,
        before=before,
        last=limit,
        kinds=kinds,
        key_prefix=key_prefix,
        counting=counting,
    )
    found = pages(first, "entries", Entry, "before")

    def ask(cursor: str | None) -> Ask[tuple[list[Entry], str | None]]:
        page = found.ask(cursor)

        def read(reply: Reply) -> tuple[list[Entry], str | None]:
            entries, following = page.read(reply)
            return entries[::-1], following

        return Ask(page.call, read)

    return Pages(ask)


def last_of_log(
    session_id: str,
    last: int,
    *,
    before: int | None = None,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
) -> Ask[list[Entry]]:
    """The last entries (before one), at most 1,000 of them, oldest first."""
    page = get_log(
        session_id,
        before=before,
        last=last if before is None else None,
        limit=None if before is None else last,
        kinds=kinds,
        key_prefix=key_prefix,
        counting=counting,
    )
    return Ask(page.call, _entries)


def tagged_last_of_log(
    session_id: str,
    last: int,
    *,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
) -> Ask[tuple[list[Entry], str]]:
    """The last entries, and the tag of the state in which they are, for `Terms.if_match`."""
    page = get_log(session_id, last=last, kinds=kinds, key_prefix=key_prefix, counting=counting)
    return Ask(page.call, lambda reply: (_entries(reply), reply.headers["etag"]))


def rewind(
    session_id: str,
    to: int,
    *,
    id: str | None = None,  # noqa: A002 -- the API's own name
    terms: Terms = USUAL,
) -> Ask[Header]:
    """What counts from here on is what counted when the log ended at `to`."""
    said = {"to": to, "id": id or new_id()}
    return Ask(post(path("sessions", session_id, "rewind"), said, terms=terms), as_json(Header))


def redact(
    session_id: str,
    seq: int,
    pointer: str = "",
    *,
    id: str | None = None,  # noqa: A002 -- the API's own name
    terms: Terms = USUAL,
) -> Ask[Redacted]:
    """Puts `[redacted]` in the place of a value of an entry, wherever it is kept.

    `pointer`: a JSON Pointer into the entry's body; empty: all that may go.
    """
    said = {"seq": seq, "pointer": pointer, "id": id}
    return Ask(post(path("sessions", session_id, "redact"), said, terms=terms), as_json(Redacted))


def _entries(reply: Reply) -> list[Entry]:
    found: list[Entry] = reply.json()["entries"]
    return found
