"""Reads the list of the living sessions: a page, or all of them, encoded.

In the order of activity it is merged of two: the sessions that are listed where they belong, read
from the index, and the few that move (see `schema`), sorted each time. SQLite merges them row by
row, so a page costs what it shows, however many sessions there are.

What a caller filters by is bound to parameters, never part of the SQL.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from functools import lru_cache

from persistence.sequence import LOOKED_AT, PAGE_BYTES
from runtime import STREAMABLE, ListChunk, Listing, ListPosition, SessionInfo, SessionPage

LIST_CHUNK = 1_024
"""Sessions in one chunk of the list of all: some 130 KB, and a millisecond of SQLite's time. A list
of fewer is answered in one piece."""

_HEADER = """
s.session_id AS session_id, s.message_count AS message_count, s.current_agent AS current_agent,
s.created_at AS created_at, s.version AS version
"""
_SETTINGS = """
, t.title AS title, coalesce(t.archived, 0) AS archived, coalesce(t.metadata, '{}') AS metadata
"""
_FROM = "FROM session AS s LEFT JOIN settings AS t ON t.no = s.no WHERE s.deleted_at IS NULL"
_FROM_HEADERS = "FROM session AS s WHERE s.deleted_at IS NULL"

_INFO = """
session_id, message_count, last_activity, current_agent, created_at, version, title, archived,
CAST(metadata AS BLOB)
"""

STATEMENTS = 64
"""Statements of which the text is kept, some KB each: more than programs ask for in turn. Callers
choose the filters, and so could have any number of them made."""

_PREFIX = "substr(s.session_id, 1, length(:prefix)) = :prefix"
_ARCHIVED = "coalesce(t.archived, 0) = :archived"
# `->` gives a number as it is written; what json_each gives is one that SQLite has read. But in a
# path a name ends at its first quotation mark, escaped or not (SQLite 3.40): so both read metadata
# in which such marks are written `\u0022`. The backslashes go first: of `\\"` the mark is a name's
# end, and not escaped.
_PLAIN = r"""replace(replace(t.metadata, '\\', '\u005c'), '\"', '\u0022')"""
_MEMBER = f"""
EXISTS (SELECT 1 FROM json_each({_PLAIN}) AS m WHERE m.key = :name{{n}}
           AND CASE m.type WHEN 'text' THEN m.atom WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'
                           WHEN 'integer' THEN {_PLAIN} -> m.fullkey
                           WHEN 'real' THEN {_PLAIN} -> m.fullkey END = :value{{n}})
"""  # noqa: S608
_NO_MEMBER = """
NOT EXISTS (SELECT 1 FROM json_each(t.metadata) AS m WHERE m.key = :name{n}
               AND m.type <> 'null' AND m.atom IS NOT :value{n})
"""

_BEFORE_ALL = {"activity": ListPosition("\U0010ffff", ""), "created": ListPosition("", "")}
"""Positions from which on there are all: in the order of text, a moment later than any."""


def page(
    connection: sqlite3.Connection, listing: Listing, limit: int, after: ListPosition | None
) -> SessionPage:
    """A page of the list, in the caller's read transaction."""
    fits, values = _filter(listing)
    position = after or _BEFORE_ALL[listing.order]
    # One row more than asked for tells whether there is a next page.
    values |= {"moment": position.moment, "session_id": position.session_id, "rows": limit + 1}
    sessions: list[SessionInfo] = []
    size, has_more = 0, False
    with closing(connection.execute(_page_sql(listing.order, fits), values)) as rows:
        for row in rows:
            if len(sessions) == limit or size >= PAGE_BYTES:
                has_more = True
                break
            sessions.append(_info(row))
            size += len(sessions[-1].metadata)
    [(total,)] = connection.execute("SELECT living FROM meta").fetchall()
    following: ListPosition | None = None
    if has_more:
        last = sessions[-1]
        moment = last.last_activity if listing.order == "activity" else last.created_at
        following = ListPosition(moment, last.session_id)
    elif fits:
        following = _looked_at(connection, listing, values)
    return SessionPage(sessions, total, following)


def chunks(
    connection: sqlite3.Connection, listing: Listing, include: Collection[str]
) -> Iterator[ListChunk]:
    """All sessions of the list, encoded by SQLite, in the caller's read transaction.

    A whole chunk in one step: meanwhile Python's other threads go on.
    """
    fits, values = _filter(listing)
    members = tuple(name for name in STREAMABLE if name in include)
    sql = _chunk_sql(listing.order, fits, members)
    position = _BEFORE_ALL[listing.order]
    values |= {
        "moment": position.moment,
        "session_id": position.session_id,
        "rows": LIST_CHUNK,
    }
    count = LIST_CHUNK
    while count == LIST_CHUNK:
        [(json, count, moment, place)] = connection.execute(sql, values).fetchall()
        yield ListChunk(json, count)
        if place is not None:  # the last session's, as all timestamps have one length
            values |= {"moment": moment, "session_id": place[len(moment) :]}


def expired(connection: sqlite3.Connection, before: str, limit: int) -> list[str]:
    """Ids of the sessions that were last active before this moment, oldest first."""
    return [row[0] for row in connection.execute(_EXPIRED, (before, limit))]


_EXPIRED = """
SELECT session_id, listed AS moment FROM session
 WHERE deleted_at IS NULL AND listed IS NOT NULL AND listed < ?1
UNION ALL
SELECT session_id, last_activity AS moment FROM session
 WHERE deleted_at IS NULL AND listed IS NULL AND last_activity < ?1
 ORDER BY moment, session_id LIMIT ?2
"""


def _looked_at(
    connection: sqlite3.Connection, listing: Listing, values: dict[str, object]
) -> ListPosition | None:
    """Where a page that looked at all it may has ended; `None` if that was the list's end."""
    moment = "last_activity" if listing.order == "activity" else "created_at"
    sql = f"""
    SELECT {moment}, session_id FROM ({_ordered(listing.order)} LIMIT {LOOKED_AT})
     LIMIT 1 OFFSET {LOOKED_AT - 1}
    """  # noqa: S608
    for row in connection.execute(sql, values):
        return ListPosition(*row)
    return None


def _filter(listing: Listing) -> tuple[tuple[str, ...], dict[str, object]]:
    """Conditions on a row of `session` and its settings, and what is bound to their parameters."""
    fits: list[str] = []
    values: dict[str, object] = {}
    if listing.prefix:
        fits.append(_PREFIX)
        values["prefix"] = listing.prefix
    if listing.archived is not None:
        fits.append(_ARCHIVED)
        values["archived"] = listing.archived
    for n, (name, value) in enumerate(listing.metadata):
        fits.append((_MEMBER if value else _NO_MEMBER).format(n=n))
        values |= {f"name{n}": name, f"value{n}": value}
    return tuple(fits), values


def _ordered(order: str, more: str = _SETTINGS, only: str = "", source: str = _FROM) -> str:
    """The sessions behind a position; `more` are columns, `only` conditions, of `source`."""
    if order == "created":
        return f"""
        SELECT s.last_activity AS last_activity, {_HEADER} {more} {source}
           AND (s.created_at, s.session_id) > (:moment, :session_id) {only}
         ORDER BY s.created_at, s.session_id
        """
    return f"""
    SELECT s.listed AS last_activity, {_HEADER} {more} {source} AND s.listed IS NOT NULL
       AND (s.listed, s.session_id) < (:moment, :session_id) {only}
    UNION ALL
    SELECT s.last_activity AS last_activity, {_HEADER} {more} {source} AND s.listed IS NULL
       AND (s.last_activity, s.session_id) < (:moment, :session_id) {only}
     ORDER BY last_activity DESC, session_id DESC
    """


@lru_cache(STATEMENTS)
def _page_sql(order: str, fits: tuple[str, ...]) -> str:
    if not fits:
        # The casts are on the way out: SQLite hands out what lies in the file as it is.
        return f"SELECT {_INFO} FROM ({_ordered(order)} LIMIT :rows)"  # noqa: S608
    looked_at = _ordered(order, more=f"{_SETTINGS}, {' AND '.join(fits)} AS fits")
    return f"""
    SELECT {_INFO} FROM ({looked_at} LIMIT {LOOKED_AT}) WHERE fits LIMIT :rows
    """  # noqa: S608


@lru_cache(STATEMENTS)
def _chunk_sql(order: str, fits: tuple[str, ...], members: tuple[str, ...]) -> str:
    if fits or _OF_SETTINGS.intersection(members):
        ordered = _ordered(order, only="".join(f" AND {condition}" for condition in fits))
    else:  # a look into the settings of each would be a quarter of the time
        ordered = _ordered(order, more="", source=_FROM_HEADERS)
    last, moment = ("min", "last_activity") if order == "activity" else ("max", "created_at")
    item = "".join((_GUIDES, *(f" || {_MEMBERS[name]}" for name in members), " || '}'"))
    return f"""
    SELECT CAST(coalesce(group_concat({item}, ','), '') AS BLOB), count(*),
           {last}({moment}), {last}({moment} || session_id)
      FROM ({ordered} LIMIT :rows)
    """  # noqa: S608


_GUIDES = """
'{"session_id":' || json_quote(session_id) || ',"message_count":' || message_count
|| ',"last_activity":' || json_quote(last_activity)
|| ',"current_agent":' || json_quote(current_agent)
"""
_OF_SETTINGS = frozenset(("title", "archived"))
_MEMBERS = {
    "title": """iif(title IS NULL, '', ',"title":' || json_quote(title))""",
    "archived": """iif(archived, ',"archived":true', ',"archived":false')""",
    "created_at": """',"created_at":' || json_quote(created_at)""",
    "version": """',"version":' || version""",
}


def _info(row: tuple[str, int, str, str, str, int, str | None, int, bytes]) -> SessionInfo:
    session_id, count, last_activity, agent, created_at, version, title, archived, metadata = row
    return SessionInfo(
        session_id=session_id,
        message_count=count,
        last_activity=last_activity,
        current_agent=agent,
        created_at=created_at,
        version=version,
        title=title,
        archived=bool(archived),
        metadata=metadata,
    )
