"""A database that is moved to, in which there are no sessions yet.

All of it is one transaction, with the schema if that is new: it commits when everything is there,
and has been looked at. Until then nobody sees any of it, and if it ends before, there is nothing.
"""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import psycopg
from attrs import define

from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import DraftRow, LifeRow, Sink
from persistence.postgres.address import Address
from persistence.postgres.alone import Alone
from persistence.postgres.auditing import audit, next_no_of
from persistence.postgres.connections import Connection, first_connection, opening
from persistence.postgres.copying import Field, copy_in, large, real, small, text, text_or_none
from persistence.postgres.errors import is_data_fault, said_by, store_error
from persistence.postgres.schema import prepare
from persistence.postgres.upgrading import upgrade
from persistence.transfer import Batch
from persistence.used import UsedRow
from runtime import CannotOpenStore, Row, StoreBroken, shard_of

_IS_THERE = "SELECT to_regclass('agent_runtime.meta') IS NOT NULL"
_HAS_ANY = """
SELECT EXISTS (SELECT 1 FROM agent_runtime.session) OR EXISTS (SELECT 1 FROM agent_runtime.entry)
"""
_COUNT = """
UPDATE agent_runtime.tally AS t SET living = found.count
  FROM (SELECT shard, count(*) FROM agent_runtime.session WHERE deleted_at IS NULL GROUP BY shard)
       AS found
 WHERE t.shard = found.shard
"""
# What a service asks is planned by what the server knows of the tables, from the first moment on.
_ANALYZE = """
ANALYZE agent_runtime.session, agent_runtime.settings, agent_runtime.entry, agent_runtime.standing,
        agent_runtime.draft, agent_runtime.used
"""

_SESSION = """
no, session_id, shard, root, created_at, last_activity, version, message_count, current_agent,
switch_count, last_switch_at, floor, deleted_at
"""
_SETTINGS = "no, title, archived, metadata, forked_from_id, forked_at, intervals"
_STANDING = "no, lease, lease_ends_at, lease_ttl, waits_until"
_ENTRY = "no, seq, form, kind, at, chain, key, call, metadata, body"
_DRAFT = "no, key, start, role, at, body"
_USED = "no, day, agent, model, name, high, low, part"

_ROW = re.compile(r"\b(session|entry)\b\D*(\d+)")
"""In what the server says of a failed COPY, in whatever language: the table, and the line."""

_SHOWN = 100
"""Characters of an id that are shown: what is not taken is too long."""


@define(eq=False)
class Arriving:
    """The `Target` that a database is."""

    _connection: Connection
    _address: Address

    def write(self, batch: Batch) -> None:
        connection, lives = self._connection, batch.lives
        with _explained(self._address, batch):
            copy_in(connection, "session", _SESSION, map(_session, lives))
            copy_in(connection, "settings", _SETTINGS, _settings(lives))
            copy_in(connection, "standing", _STANDING, _standings(lives))
            copy_in(connection, "entry", _ENTRY, (_entry(no, row) for no, row in batch.entries))
            copy_in(connection, "draft", _DRAFT, map(_draft, batch.drafts))
            copy_in(connection, "used", _USED, map(_used, batch.used))

    def finish(self, tally: Tally, next_no: int) -> None:  # noqa: ARG002 # it counts by shard
        with _explained(self._address):
            self._connection.execute(_COUNT)
            next_no = max(next_no, next_no_of(self._connection))
            # Not `setval`, which no transaction takes back.
            self._connection.execute(
                f"ALTER SEQUENCE agent_runtime.session_no RESTART WITH {next_no}".encode()
            )
            self._connection.execute(_ANALYZE)

    def audit(self, tally: Tally, sink: Sink) -> Generator[Problem, None, None]:
        with _explained(self._address):
            yield from audit(self._connection, tally, sink)

    def keep(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except psycopg.Error as error:
            raise StoreBroken(
                f"Whether all sessions have arrived in {self._address} is not known: "
                f"{said_by(error)}. Either all are there, or none: `agent-runtime sessions` tells"
            ) from error


@contextmanager
def arriving(url: str) -> Iterator[Arriving]:
    """The database, in a transaction that `keep` commits.

    Raises `CannotOpenStore` if it has sessions, a node uses it, or it is not to be written to;
    `StoreError`.
    """
    address = Address.of(url)
    with first_connection(address) as connection:
        alone = Alone(connection, address)
        with opening(address):
            [(is_there,)] = connection.execute(_IS_THERE).fetchall()
            if is_there:
                upgrade(connection, address)
                prepare(connection, address, create=False)
                _check_empty(connection, address)
                dead = alone.wait()
            else:
                dead = {}
            connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        try:
            prepare(connection, address)
            with opening(address):
                alone.shut(dead)
                _check_empty(connection, address)
            yield Arriving(connection, address)
        finally:
            # Of what is not committed by now nothing is to stay, and nobody needs to wait for it.
            connection.close()


def _check_empty(connection: Connection, address: Address) -> None:
    [(has_any,)] = connection.execute(_HAS_ANY).fetchall()
    if has_any:
        raise CannotOpenStore(
            f"{address} has sessions already",
            "It was not changed. Move to another database, where nothing is yet",
        )


@contextmanager
def _explained(address: Address, batch: Batch | None = None) -> Iterator[None]:
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise CannotOpenStore(
            f"The server of {address} has no room for all sessions: {said_by(error)}",
            "Nothing was moved. Make room, or move to another server",
        ) from error
    except psycopg.Error as error:
        if is_data_fault(error):
            raise CannotOpenStore(
                f"{address} does not take what is moved: {said_by(error)}",
                f"Nothing was moved. It is {_place_in(batch or Batch(), error)}",
            ) from error
        raise store_error(error) from error


def _place_in(batch: Batch, error: psycopg.Error) -> str:
    """What of the batch the server did not take, as far as it says that: in which row it was."""
    if match := _ROW.search(error.diag.context or ""):
        place = int(match[2]) - 1
        if match[1] == "session" and place < len(batch.lives):
            return f"the session {batch.lives[place].session_id[:_SHOWN]!r}"
        if match[1] == "entry" and place < len(batch.entries):
            no, row = batch.entries[place]
            return f"entry {row[0]} of the session of number {no}"
    return "a value that PostgreSQL has no room for, or no way to write"


# -- rows --------------------------------------------------------------------------------------


def _session(life: LifeRow) -> tuple[Field, ...]:
    return (
        large(life.no),
        text(life.session_id),
        small(shard_of(life.session_id)),
        life.root,
        life.created_at.encode(),
        life.last_activity.encode(),
        large(life.version),
        large(life.message_count),
        text(life.current_agent),
        large(life.switch_count),
        text_or_none(life.last_switch_at),
        large(life.floor),
        text_or_none(life.deleted_at),
    )


def _settings(lives: list[LifeRow]) -> Iterator[tuple[Field, ...]]:
    for life in lives:
        if (said := life.settings) is not None:
            yield (
                large(life.no),
                text_or_none(said.title),
                bytes([said.archived]),
                said.metadata,
                text_or_none(said.forked_from_id),
                None if said.forked_at is None else large(said.forked_at),
                text_or_none(said.intervals),
            )


def _standings(lives: list[LifeRow]) -> Iterator[tuple[Field, ...]]:
    for life in lives:
        if (stands := life.standing) is not None:
            yield (
                large(life.no),
                None if stands.lease is None else large(stands.lease),
                text_or_none(stands.lease_ends_at),
                None if stands.lease_ttl is None else real(stands.lease_ttl),
                large(stands.waits_until),
            )


def _entry(no: int, row: Row) -> tuple[Field, ...]:
    seq, kind, key, at, body, chain, metadata, form, call = row
    return (
        large(no),
        large(seq),
        large(form),
        text(kind),
        at.encode(),
        chain,
        text_or_none(key),
        text_or_none(call),
        metadata,
        body,
    )


def _used(row: UsedRow) -> tuple[Field, ...]:
    return (
        large(row.no),
        row.day.encode(),
        text(row.agent),
        text(row.model),
        text(row.name),
        large(row.high),
        large(row.low),
        None if row.part is None else real(row.part),
    )


def _draft(row: DraftRow) -> tuple[Field, ...]:
    return (
        large(row.no),
        text(row.key),
        large(row.start),
        text(row.role),
        row.at.encode(),
        row.body,
    )
