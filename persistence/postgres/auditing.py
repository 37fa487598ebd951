"""Reads each session for an audit, in the order of their numbers.

So many sessions at a time, and their entries as one stream: neither takes more memory for a large
database, nor for a long session. A session whose pages are damaged does not end the search.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg
from attrs import define

from persistence.auditing.drafts import drafts as audited_drafts
from persistence.auditing.keys import repeated
from persistence.auditing.life import LifeAudit
from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import DraftRow, LifeRow, SettingsRow, Sink, StandingRow
from persistence.postgres.connections import Connection
from persistence.postgres.errors import said_by
from persistence.postgres.schema import NUMBERS
from persistence.postgres.text import shown, shown_or_none
from runtime import Row, shard_of

LIVES = 100
"""Sessions that are read at a time. Their metadata may be 64 KiB each."""

# The indexes have all in the order in which it is read. Whatever the planner knows of the tables,
# it is not to sort them, nor to begin anywhere else: then a damaged page would be met before all
# that is whole.
_IN_ORDER = """
SELECT set_config(name, 'off', true)
  FROM unnest('{enable_sort,enable_hashagg,enable_seqscan,enable_bitmapscan}'::text[]) AS name
"""
_LIVES = """
SELECT s.no, s.session_id, s.root, s.created_at, s.last_activity, s.version, s.message_count,
       s.current_agent, s.switch_count, s.last_switch_at, s.floor, s.deleted_at,
       t.no, t.title, t.archived, convert_to(t.metadata, 'UTF8'), t.forked_from_id, t.forked_at,
       t.intervals, n.no, n.lease, n.lease_ends_at, n.lease_ttl, n.waits_until,
       s.shard, EXISTS (SELECT 1 FROM agent_runtime.ahead AS a WHERE a.no = s.no)
  FROM agent_runtime.session AS s
  LEFT JOIN agent_runtime.settings AS t ON t.no = s.no
  LEFT JOIN agent_runtime.standing AS n ON n.no = s.no
 WHERE s.no > %s ORDER BY s.no LIMIT %s
"""
_VERSION, _SHARD, _IS_AHEAD = 5, 24, 25
"""Columns of these."""
_ENTRIES = """
COPY (SELECT no, seq, kind, key, at, convert_to(body, 'UTF8'), chain, convert_to(metadata, 'UTF8'),
             form, call
        FROM agent_runtime.entry WHERE no > {after} AND no <= {last} ORDER BY no, seq)
  TO STDOUT (FORMAT binary)
"""
_ENTRY = ["int8", "int8", "text", "text", "text", "bytea", "bytea", "bytea", "int8", "text"]
_CHUNKS = """
COPY (SELECT s.session_id, d.no, d.key, d.start, d.role, d.at, convert_to(d.body, 'UTF8')
        FROM agent_runtime.draft AS d LEFT JOIN agent_runtime.session AS s ON s.no = d.no
       WHERE s.deleted_at IS DISTINCT FROM '' ORDER BY d.no, d.id)
  TO STDOUT (FORMAT binary)
"""
_CHUNK = ["text", "int8", "text", "int8", "text", "text", "bytea"]
_REPEATED = """
COPY (SELECT s.session_id, t.intervals, r.key, r.seqs
        FROM (SELECT e.no, e.key, array_agg(e.seq) AS seqs
                FROM agent_runtime.entry AS e
               WHERE e.kind = 'message' AND e.key IS NOT NULL
               GROUP BY e.no, e.key HAVING count(*) > 1) AS r
        JOIN agent_runtime.session AS s ON s.no = r.no AND s.deleted_at IS DISTINCT FROM ''
        LEFT JOIN agent_runtime.settings AS t ON t.no = r.no)
  TO STDOUT (FORMAT binary)
"""
_REPETITION = ["text", "text", "text", "int8[]"]
_TALLIES = """
SELECT t.shard, t.living, count(s.no)
  FROM agent_runtime.tally AS t
  LEFT JOIN agent_runtime.session AS s ON s.shard = t.shard AND s.deleted_at IS NULL
 GROUP BY t.shard HAVING count(s.no) <> t.living ORDER BY t.shard
"""
_ENTRIES_IN = """
SELECT coalesce(sum(version), 0) FROM agent_runtime.session WHERE deleted_at IS DISTINCT FROM ''
"""
_NEXT_NO = f"""
SELECT CASE WHEN is_called THEN last_value + {NUMBERS} ELSE last_value END
  FROM agent_runtime.session_no
"""  # noqa: S608 (a number of our own)

_BEGIN, _END = -1 << 63, (1 << 63) - 1
_SERVERS_OWN = "XX"
"""Begins the SQLSTATE of errors that tell of damage: of pages, and indexes."""


def audit(connection: Connection, tally: Tally, sink: Sink | None = None) -> Iterator[Problem]:
    """What is wrong with the sessions and their drafts, in the caller's transaction.

    That has to see one moment's state. Counts them, and hands them on. Raises `psycopg.Error`.
    """
    connection.execute(_IN_ORDER)
    looking = _Looking(connection, tally, sink)
    yield from looking.all()
    next_no = next_no_of(connection)
    if looking.last >= next_no:
        yield (
            "number",
            f"The next session is to be number {next_no}, and there is number {looking.last} "
            "already",
        )


def next_no_of(connection: Connection) -> int:
    """A number that no life has had, nor any number above it. Raises `psycopg.Error`."""
    [(next_no,)] = connection.execute(_NEXT_NO).fetchall()
    return int(next_no)


def entries_in(connection: Connection) -> int:
    """How many there are, as the rows of the sessions say; 0 where these cannot be read.

    In the caller's transaction. Raises `psycopg.Error`.
    """
    entries = 0
    with suppress(_Damage), _guarded(connection):  # what is damaged, the audit names
        [(entries,)] = connection.execute(_ENTRIES_IN).fetchall()
    return int(entries)


@contextmanager
def _guarded(connection: Connection) -> Iterator[None]:
    """Raises `_Damage` where the server meets some; the transaction is good for more then."""
    connection.execute("SAVEPOINT looking")
    try:
        yield
        connection.execute("RELEASE SAVEPOINT looking")
    except psycopg.Error as error:
        if (error.sqlstate or "")[:2] != _SERVERS_OWN:
            raise
        connection.execute("ROLLBACK TO SAVEPOINT looking")
        raise _Damage(said_by(error)) from error


class _Damage(Exception):
    """What the server says of it."""


@define(eq=False)
class _Looking:
    """Where an audit has got to."""

    _connection: Connection
    _tally: Tally
    _sink: Sink | None
    last: int = 0
    """The number of the last life that there is."""
    _through: int = _BEGIN
    """The number up to which everything has been looked at."""

    def all(self) -> Iterator[Problem]:
        for part in (self.sessions, self.drafts, self.repeated, self.tallies):
            try:
                yield from part()
            except _Damage as damage:
                yield "damage", f"PostgreSQL: {damage}"

    def sessions(self) -> Iterator[Problem]:
        page: list[tuple[Any, ...]] | None = None
        while page != []:
            with _guarded(self._connection):
                cursor = self._connection.cursor(binary=True)
                page = cursor.execute(_LIVES, (self._through, LIVES)).fetchall()
            yield from self._page(deque(page))

    def _page(self, lives: deque[tuple[Any, ...]]) -> Iterator[Problem]:
        """Looks at these lives, and at what lies between them; of none, at what is behind all."""
        end = _END
        if lives:
            end = self.last = lives[-1][0]
        while self._through < end:
            try:
                with _guarded(self._connection):
                    yield from self._stretch(lives, end)
            except _Damage as damage:
                # It is of the first life that has entries of which not all came.
                while lives and lives[0][_VERSION] == 0:
                    yield from self._session(lives, ())
                if not lives:
                    raise
                row = lives.popleft()
                yield "damage", f"Session {shown(row[1])!r} cannot be read: {damage}"
                self._through = row[0]

    def _stretch(self, lives: deque[tuple[Any, ...]], end: int) -> Iterator[Problem]:
        """Goes on, up to life `end`; takes off those that have been looked at."""
        query = _ENTRIES.format(after=self._through, last=end)
        with self._connection.cursor().copy(query.encode()) as copy:
            copy.set_types(_ENTRY)
            for no, rows in groupby(copy.rows(), itemgetter(0)):
                while lives and lives[0][0] < no:
                    yield from self._session(lives, ())
                if lives and lives[0][0] == no:
                    yield from self._session(lives, rows)
                else:
                    yield "stray", f"Entries of number {no} belong to no session"
        while lives:
            yield from self._session(lives, ())
        self._through = end

    def _session(
        self, lives: deque[tuple[Any, ...]], entries: Iterable[tuple[Any, ...]]
    ) -> Iterator[Problem]:
        """What is wrong with the first of these lives, which has these entries."""
        row = lives[0]
        life = _life(row)
        if life.deleted_at != "":  # else it is being purged: some of it is gone
            looked_at = LifeAudit(life, self._tally, self._sink)
            yield from looked_at.begin()
            try:
                yield from self._entries(looked_at, entries, is_ahead=row[_IS_AHEAD])
            except psycopg.Error:
                if looked_at.has_all:  # then it is of another one
                    yield from self._ended(lives, looked_at)
                raise
            yield from self._ended(lives, looked_at)
        else:
            self._pass(lives)

    def _entries(
        self, life: LifeAudit, entries: Iterable[tuple[Any, ...]], *, is_ahead: bool
    ) -> Iterator[Problem]:
        for columns in entries:
            if is_ahead and columns[1] > life.row.version:
                return
            yield from life.entry(_entry(columns))

    def _ended(self, lives: deque[tuple[Any, ...]], looked_at: LifeAudit) -> Iterator[Problem]:
        yield from looked_at.end()
        shard = lives[0][_SHARD]
        if shard != (its := shard_of(looked_at.row.session_id)):
            yield "shard", f"{looked_at.who} is of shard {shard}, and should be of {its}"
        self._pass(lives)

    def _pass(self, lives: deque[tuple[Any, ...]]) -> None:
        """Takes note that the first one is done."""
        self._through = lives.popleft()[0]

    def drafts(self) -> Iterator[Problem]:
        with _guarded(self._connection), self._connection.cursor().copy(_CHUNKS) as copy:
            copy.set_types(_CHUNK)
            yield from audited_drafts(map(_chunk, copy.rows()), self._sink)

    def repeated(self) -> Iterator[Problem]:
        with _guarded(self._connection), self._connection.cursor().copy(_REPEATED) as copy:
            copy.set_types(_REPETITION)
            for session_id, counting, key, seqs in copy.rows():
                yield from repeated(shown(session_id), [(shown(key), n) for n in seqs], counting)

    def tallies(self) -> Iterator[Problem]:
        with _guarded(self._connection):
            found = self._connection.execute(_TALLIES).fetchall()
        for shard, living, count in found:
            yield "tally", f"Shard {shard} says it has {living} sessions; it has {count}"


def _life(row: tuple[Any, ...]) -> LifeRow:
    """Of the columns of `_LIVES`."""
    settings = standing = None
    if row[12] is not None:
        title, archived, metadata, forked_from, forked_at, counting = row[13:19]
        settings = SettingsRow(
            shown_or_none(title),
            archived,
            metadata,
            shown_or_none(forked_from),
            forked_at,
            counting,
        )
    if row[19] is not None:
        standing = StandingRow._make(row[20:24])
    no, session_id, *columns = row[:12]
    columns[5] = shown(columns[5])
    return LifeRow._make((no, shown(session_id), *columns, settings, standing))


def _entry(row: tuple[Any, ...]) -> Row:
    """Of the columns of `_ENTRIES`."""
    _, seq, kind, key, at, body, chain, metadata, form, call = row
    return seq, kind, shown_or_none(key), at, body, chain, metadata, form, shown_or_none(call)


def _chunk(row: tuple[Any, ...]) -> tuple[str | None, DraftRow]:
    """Of the columns of `_CHUNKS`."""
    session_id, no, key, start, role, at, body = row
    return shown_or_none(session_id), DraftRow(no, shown(key), start, shown(role), at, body)
