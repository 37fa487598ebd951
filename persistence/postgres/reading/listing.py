"""Reads the list of the living sessions: a page, or all of them, encoded.

Sessions are read in blocks, in the order of an index, without their metadata, which may be 64 KiB
of each. What is wanted of that is read for few at a time. The filters are applied here:
PostgreSQL's functions of JSON would refuse metadata that has U+0000, and a page looks at 10,000
sessions at most (`LOOKED_AT`) in any case.
"""

from collections.abc import Collection, Iterator, Sequence

from attrs import evolve, frozen

from persistence.filters import GUIDES, encoded, has_members, is_of
from persistence.postgres import rows
from persistence.postgres.connections import Connection
from persistence.postgres.text import shown, stored
from persistence.sequence import LOOKED_AT, PAGE_BYTES
from runtime import STREAMABLE, ListChunk, Listing, ListPosition, SessionInfo, SessionPage

BLOCK = 1_024
"""Sessions that are read with one statement, and in one chunk of the list of all: some 130 KB. A
list of fewer is answered in one piece."""

_HEADERS = """
SELECT s.no, coalesce(octet_length(t.metadata), 2), s.session_id, s.message_count, s.last_activity,
       s.current_agent, s.created_at, s.version, t.title, coalesce(t.archived, false)
  FROM agent_runtime.session AS s LEFT JOIN agent_runtime.settings AS t ON t.no = s.no
 WHERE s.deleted_at IS NULL
"""
_ORDERED = {
    "activity": f"""
    {_HEADERS} AND (s.last_activity, s.session_id) < (%(moment)s, %(session_id)s)
     ORDER BY s.last_activity DESC, s.session_id DESC LIMIT %(rows)s
    """,
    "created": f"""
    {_HEADERS} AND (s.created_at, s.session_id) > (%(moment)s, %(session_id)s)
     ORDER BY s.created_at, s.session_id LIMIT %(rows)s
    """,
}
_BEFORE_ALL = {"activity": ListPosition("\U0010ffff", ""), "created": ListPosition("", "")}
"""Positions from which on there are all: in the order of text, a moment later than any."""

_METADATA = """
SELECT no, convert_to(metadata, 'UTF8') FROM agent_runtime.settings
 WHERE no = ANY(%s) AND metadata <> '{}'
"""
_LIVING = "SELECT sum(living)::bigint FROM agent_runtime.tally"
_EXPIRED = """
SELECT session_id FROM agent_runtime.session
 WHERE deleted_at IS NULL AND last_activity < %s AND shard = ANY(%s)
 ORDER BY last_activity, session_id LIMIT %s
"""


@frozen
class _Header:
    """A session of the list, without its metadata, but with how long that is."""

    no: int
    size: int
    info: SessionInfo


def count(connection: Connection) -> int:
    """The number of living sessions."""
    [(living,)] = connection.execute(_LIVING).fetchall()
    return int(living)


def page(
    connection: Connection, listing: Listing, limit: int, after: ListPosition | None
) -> SessionPage:
    """A page of the list, in the caller's read transaction."""
    sessions: list[SessionInfo] = []
    position = after or _BEFORE_ALL[listing.order]
    room, rest, has_more = PAGE_BYTES, LOOKED_AT if listing.is_filtered else limit, True
    while has_more and rest and room > 0 and len(sessions) < limit:
        block, has_more = _block(connection, listing.order, position, min(rest, BLOCK))
        rest -= len(block)
        for place, info in enumerate(_with_metadata(connection, block, listing)):
            position = _position(listing.order, block[place].info)
            if info is not None:
                sessions.append(info)
                room -= len(info.metadata)
            if len(sessions) == limit or room <= 0:
                has_more |= place + 1 < len(block)
                break
    return SessionPage(sessions, count(connection), position if has_more else None)


def chunks(
    connection: Connection, listing: Listing, include: Collection[str]
) -> Iterator[tuple[ListChunk, bool]]:
    """All sessions of the list, encoded, in the caller's read transaction.

    Each chunk comes with whether it is the last one.
    """
    members = [*GUIDES, *(name for name in STREAMABLE if name in include)]
    position, has_more = _BEFORE_ALL[listing.order], True
    while has_more:
        block, has_more = _block(connection, listing.order, position, BLOCK)
        if listing.metadata:
            infos = [info for info in _with_metadata(connection, block, listing) if info]
        else:
            infos = [header.info for header in block if is_of(header.info, listing)]
        if infos or not has_more:
            sessions = [encoded(info, members) for info in infos]
            yield ListChunk(b",".join(sessions), len(sessions)), not has_more
        if block:
            position = _position(listing.order, block[-1].info)


def expired(connection: Connection, before: str, shards: Collection[int], limit: int) -> list[str]:
    """Ids of the sessions of these shards last active before this moment, oldest first."""
    found = connection.execute(_EXPIRED, (before, list(shards), limit))
    return [shown(session_id) for (session_id,) in found]


def _block(
    connection: Connection, order: str, position: ListPosition, size: int
) -> tuple[list[_Header], bool]:
    """So many sessions behind a position, and whether there are more."""
    behind = {
        "moment": stored(position.moment),
        "session_id": stored(position.session_id),
        "rows": size + 1,
    }
    found = connection.execute(_ORDERED[order], behind).fetchall()
    block = [_Header(no, length, rows.info((*rest, b"{}"))) for no, length, *rest in found[:size]]
    return block, len(found) > size


def _with_metadata(
    connection: Connection, block: Sequence[_Header], listing: Listing
) -> Iterator[SessionInfo | None]:
    """The sessions of the block, one after the other; `None`: the list is not of this one.

    The metadata is read for as many at a time as a page could have.
    """
    rest = list(block)
    without = evolve(listing, metadata=())
    while rest:
        piece, size = 0, 0
        while piece < len(rest) and size < PAGE_BYTES:
            size += rest[piece].size
            piece += 1
        now, rest = rest[:piece], rest[piece:]
        wanted = [header.no for header in now if header.size > 2 and is_of(header.info, without)]
        found: dict[int, bytes] = {}
        if wanted:
            found.update(connection.cursor(binary=True).execute(_METADATA, (wanted,)))
        for header in now:
            metadata = found.get(header.no, b"{}")
            fits = is_of(header.info, without) and has_members(metadata, listing)
            yield evolve(header.info, metadata=metadata) if fits else None


def _position(order: str, info: SessionInfo) -> ListPosition:
    moment = info.last_activity if order == "activity" else info.created_at
    return ListPosition(moment, info.session_id)
