"""Tables of an earlier release become those of today: whoever opens them first sees to it.

It is one transaction. No node may use them meanwhile, nor afterwards with the program that it has:
what that wrote would be missing in tables that it does not know. So all nodes of the earlier
release have to be stopped first, and as long as one of them lives, the database is not upgraded,
and not opened.
"""

from collections.abc import Callable, Sequence
from typing import Any

from persistence.postgres.address import Address
from persistence.postgres.alone import Alone
from persistence.postgres.connections import Connection, opening
from persistence.postgres.schema import LOCK, SCHEMA_VERSION, USED
from persistence.postgres.text import shown_or_none
from persistence.postgres.writing import used
from runtime import Amounts, Entry, Ledger, StoreInUse, add_spent

_VERSION = "SELECT schema_version FROM agent_runtime.meta"
# Of the catalog itself: the views of `information_schema` take longer than all else of an opening.
_HAS_VERSION = """
SELECT 1
  FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
 WHERE t.relnamespace = to_regnamespace('agent_runtime') AND t.relname = 'meta'
   AND a.attname = 'schema_version' AND has_column_privilege(t.oid, a.attnum, 'SELECT')
"""
_UPGRADED = "UPDATE agent_runtime.meta SET schema_version = %s"

_MEANING = """
SELECT e.no, coalesce(t.forked_at, 0), e.seq, e.kind, e.key, e.at, convert_to(e.body, 'UTF8'),
       e.chain, convert_to(e.metadata, 'UTF8'), e.form, e.call
  FROM agent_runtime.entry AS e
  JOIN agent_runtime.session AS s ON s.no = e.no AND e.seq <= s.version
  LEFT JOIN agent_runtime.settings AS t ON t.no = e.no
 WHERE s.deleted_at IS DISTINCT FROM ''
   AND (e.kind IN ('settings', 'switch', 'rewind', 'usage')
        OR e.kind = 'message' AND position('"usage' IN e.metadata) > 0)
 ORDER BY e.no, e.seq
"""
OLDER = range(1, SCHEMA_VERSION)
"""Versions that are known here."""

_AT_ONCE = 1_000
"""Entries that are fetched at a time, and lives whose sums are written at a time."""


def upgrade(
    connection: Connection,
    address: Address,
    wish: Callable[[Connection, Address], Alone] = Alone,
) -> None:
    """Does so, if they are of an earlier release. Raises `CannotOpenStore`."""
    with opening(address):
        if not _is_older(connection):
            return
        alone = wish(connection, address)
        try:
            dead = alone.wait()
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
                if _is_older(connection):  # nobody was faster
                    alone.shut(dead)
                    _add_sums(connection)
                    connection.execute(_UPGRADED, (SCHEMA_VERSION,))
        except StoreInUse:
            # By another node of today's release, which has upgraded it, and joined.
            if _is_older(connection):
                raise


def _is_older(connection: Connection) -> bool:
    if not connection.execute(_HAS_VERSION).fetchall():
        return False  # there is nothing yet, or it is somebody else's
    return any(version in OLDER for (version,) in connection.execute(_VERSION))


def _add_sums(connection: Connection) -> None:
    """Version 2: what was used is summed from the entries once, and kept from then on."""
    for statement in USED:
        connection.execute(statement)

    def execute(sql: str, values: Sequence[Any]) -> None:
        connection.execute(sql.encode(), values)

    some: list[tuple[int, Amounts]] = []
    ledger, amounts, last = Ledger(), Amounts(), 0
    with connection.cursor("meaning", scrollable=False, binary=True) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_MEANING)
        for no, copied, seq, kind, key, *columns, call in cursor:
            if no != last:
                ledger, amounts, last = Ledger(copied), Amounts(), no
                some.append((no, amounts))
                if len(some) > _AT_ONCE:
                    used.add(execute, some[:-1])
                    del some[:-1]
            at, body, chain, metadata, form = columns
            key, call = shown_or_none(key), shown_or_none(call)
            entry = Entry(seq, kind, key, at, body, chain, metadata, form, call)
            if seq > copied:
                add_spent(amounts, entry, ledger.agent)
            ledger.take(entry)
    used.add(execute, some)
