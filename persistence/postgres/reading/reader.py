"""The reading half of a store: also for whoever only looks at a database that nodes use."""

from collections.abc import Collection, Generator, Sequence

from attrs import Factory, define, field

from persistence.loaded import stored_session
from persistence.postgres.address import Address
from persistence.postgres.connections import first_connection, lasting_snapshot, snapshot
from persistence.postgres.index.index import PostgresIndex
from persistence.postgres.readers import Readers
from persistence.postgres.reading import entries, standing, superseded, trash, used
from persistence.postgres.reading import listing as lists
from persistence.postgres.schema import prepare
from persistence.postgres.text import shown, shown_or_none, stored
from runtime import (
    SHARDS,
    ListChunk,
    Listing,
    ListPosition,
    Row,
    SessionPage,
    StoredSession,
    Superseded,
    TrashedSession,
    TrashPage,
    TrashPosition,
    UsedPage,
    UsedPlace,
    WaitingPage,
    Wanted,
)

__all__ = ["PostgresReader"]

_SESSION = """
SELECT s.no, s.root, s.created_at, s.last_activity, s.version, s.message_count, s.current_agent,
       s.switch_count, s.last_switch_at, s.floor, t.title, coalesce(t.archived, false),
       convert_to(coalesce(t.metadata, '{}'), 'UTF8'), t.forked_from_id, t.forked_at, t.intervals,
       n.lease, n.lease_ends_at, n.lease_ttl, n.waits_until,
       EXISTS (SELECT 1 FROM agent_runtime.ahead AS a WHERE a.no = s.no)
  FROM agent_runtime.session AS s
  LEFT JOIN agent_runtime.settings AS t ON t.no = s.no
  LEFT JOIN agent_runtime.standing AS n ON n.no = s.no
 WHERE s.session_id = %s AND s.deleted_at IS NULL
"""
_OF_ROOT = """
SELECT no, session_id, deleted_at IS NOT NULL FROM agent_runtime.session
 WHERE root = %s AND deleted_at IS DISTINCT FROM '' ORDER BY no LIMIT %s
"""


@define(eq=False)
class PostgresReader:
    """Reads sessions from a PostgreSQL database."""

    address: Address
    _readers: Readers = field(kw_only=True)
    index: PostgresIndex = field(
        init=False,
        default=Factory(
            lambda self: PostgresIndex(self._readers, lambda: self._own()), takes_self=True
        ),
    )

    @classmethod
    def looking_at(cls, url: str) -> "PostgresReader":
        """A reader of a database that nodes may use. Raises `CannotOpenStore`."""
        address = Address.of(url)
        with first_connection(address, to_write=False) as connection:
            prepare(connection, address, create=False)
        return cls(address, readers=Readers(address, ""))

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        with self._readers.reader() as connection, snapshot(connection):
            found = (
                connection.cursor(binary=True).execute(_SESSION, (stored(session_id),)).fetchone()
            )
            if found is None:
                return None
            no, root, version, is_ahead = found[0], found[1], found[4], found[20]
            # What the header does not know of must not be left out silently.
            last = version if is_ahead else version + 1
            drafts = standing.drafts(connection, no)
            if resident_bytes is None:
                rows, before = entries.all_of(connection, no, last), (0, root)
            else:
                rows, before = entries.newest(connection, no, last, resident_bytes, root)
            outline = entries.outline(connection, no, before[0] + 1) if before[0] else []
        return stored_session(
            session_id,
            _as_written(found),
            rows=rows,
            before=before,
            outline=outline,
            drafts=standing.draft_chunks(drafts),
        )

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        found: list[Row] = []
        with self._readers.reader() as connection:
            if wanted.keys:
                found += entries.with_keys(connection, no, wanted.keys)
            if wanted.calls:
                found += entries.of_calls(connection, no, wanted.calls)
            if wanted.seqs and wanted.room is None:
                found += entries.numbered(connection, no, wanted.seqs)
            elif wanted.seqs and wanted.room is not None:
                found += entries.within(connection, no, wanted.seqs, wanted.room)
        return sorted({row[0]: row for row in found}.values())

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage:
        with self._readers.reader() as connection, snapshot(connection):
            return lists.page(connection, listing, limit, after)

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        with self._readers.lasting() as connection, lasting_snapshot(connection):
            for chunk, is_last in lists.chunks(connection, listing, include):
                if is_last:
                    break
                yield chunk
        # Nothing is held while the last one is sent: most lists have no other.
        yield chunk

    def expired(self, before: str, limit: int) -> Sequence[str]:
        with self._readers.reader() as connection:
            return lists.expired(connection, before, self._own(), limit)

    def trash(
        self,
        limit: int,
        after: TrashPosition | None = None,
        session_id: str | None = None,
    ) -> TrashPage:
        with self._readers.reader() as connection:
            return trash.page(connection, limit, after, session_id)

    def trashed(self, no: int) -> TrashedSession | None:
        with self._readers.reader() as connection:
            return trash.life(connection, no)

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        with self._readers.reader() as connection:
            return trash.deleted_before(connection, before, self._own(), limit)

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        with self._readers.reader() as connection, snapshot(connection):
            return superseded.superseded(connection, before, self._own(), limit, after)

    def waiting(self, moment: int, limit: int, after: int = 0) -> WaitingPage:
        with self._readers.reader() as connection:
            return standing.waiting(connection, moment, limit, after)

    def of_root(self, root: bytes, limit: int) -> Sequence[tuple[int, str, bool]]:
        with self._readers.reader() as connection:
            found = connection.execute(_OF_ROOT, (root, limit)).fetchall()
        return [(no, shown(session_id), is_trashed) for no, session_id, is_trashed in found]

    def copies(self, root: bytes, seq: int) -> Sequence[tuple[str, Row]]:  # noqa: ARG002
        return ()  # what is kept of a server's data, its operators know

    def used(self, since: str, until: str, limit: int, after: UsedPlace | None = None) -> UsedPage:
        with self._readers.reader() as connection, snapshot(connection):
            return used.used(connection, since, until, limit, after)

    def count(self) -> int:
        with self._readers.reader() as connection:
            return lists.count(connection)

    def close(self) -> None:
        """Closes the connections. Harmless when called again."""
        self._readers.close()

    def _own(self) -> Collection[int]:
        """The shards that clean-ups are for: all of them, of who does none."""
        return range(SHARDS)


def _as_written(found: tuple[object, ...]) -> tuple[object, ...]:
    """The columns of a session with the texts that were meant."""
    columns = list(found[:20])
    columns[6] = shown(str(columns[6]))
    for place in (10, 13):
        text = columns[place]
        columns[place] = shown_or_none(None if text is None else str(text))
    return tuple(columns)
