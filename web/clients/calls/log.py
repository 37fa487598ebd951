"""Entries: appended in one step, and read in pages."""

from collections.abc import Mapping, Sequence

from web.clients.calls.shapes import Entry, NewEntry, Written
from web.clients.calls.terms import USUAL, Terms, as_json, body, new_id, pages, pairs, path
from web.clients.core.call import Ask, Call, Pages, Reply


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
    content = body(
        {
            "id": id or (None if keyed else new_id()),
            "entries": entries,
            "once": once or None,
            "expect": expect,
        }
    )
    call = Call(
        method="POST",
        path=path("sessions", session_id, "log"),
        headers=terms.headers,
        content=content,
        is_repeatable=True,
    )
    return Ask(call, as_json(Written))


def iter_log(
    session_id: str,
    *,
    after: int | str | None = None,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
    limit: int = 1000,
) -> Pages[Entry]:
    """All entries after one, oldest first. `limit`: on a page.

    `counting`: only what no rewind has taken back. `key_prefix`: of records, those whose keys begin
    so.
    """
    query = pairs(kind=kinds, key_prefix=key_prefix, after=after, counting=counting, limit=limit)
    return pages(path("sessions", session_id, "log"), query, "entries", Entry, "after")


def iter_log_back(
    session_id: str,
    *,
    before: int | None = None,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
    limit: int = 1000,
) -> Pages[Entry]:
    """The same backwards: the newest first, of those before one. `limit`: on a page.

    A page may have fewer entries although more follow: it has an end in bytes, too.
    """
    query = pairs(kind=kinds, key_prefix=key_prefix, before=before, counting=counting, last=limit)
    found = pages(path("sessions", session_id, "log"), query, "entries", Entry, "before")

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
    query = pairs(
        kind=kinds,
        key_prefix=key_prefix,
        counting=counting,
        **({"last": last} if before is None else {"before": before, "limit": last}),
    )
    call = Call(
        method="GET", path=path("sessions", session_id, "log"), query=query, is_repeatable=True
    )
    return Ask(call, _entries)


def tagged_last_of_log(
    session_id: str,
    last: int,
    *,
    kinds: Sequence[str] = (),
    key_prefix: str | None = None,
    counting: bool = False,
) -> Ask[tuple[list[Entry], str]]:
    """The last entries, and the tag of the state in which they are, for `Terms.if_match`."""
    query = pairs(kind=kinds, key_prefix=key_prefix, counting=counting, last=last)
    call = Call(
        method="GET", path=path("sessions", session_id, "log"), query=query, is_repeatable=True
    )
    return Ask(call, lambda reply: (_entries(reply), reply.headers["etag"]))


def rewind(
    session_id: str,
    to: int,
    *,
    id: str | None = None,  # noqa: A002 -- the API's own name
    terms: Terms = USUAL,
) -> Ask[None]:
    """What counts from here on is what counted when the log ended at `to`."""
    call = Call(
        method="POST",
        path=path("sessions", session_id, "rewind"),
        headers=terms.headers,
        content=body({"to": to, "id": id or new_id()}),
        is_repeatable=True,
    )
    return Ask(call, lambda _: None)


def _entries(reply: Reply) -> list[Entry]:
    found: list[Entry] = reply.json()["entries"]
    return found
