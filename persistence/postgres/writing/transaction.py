"""What one transaction has written so far.

What is sent here may be sent all at once, without waiting for an answer (a *pipeline*): a statement
that does not find what it needs ends the transaction by itself (`expect`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from persistence.parts import Part, Room, Written
from persistence.postgres import rows
from persistence.postgres.connections import Connection
from persistence.postgres.errors import OUT_OF_STEP
from persistence.postgres.writing.numbers import Numbers
from runtime import Entry, MiB, shard_of

MESSAGE_SIZE = 8 * MiB
"""Bytes of text that one statement brings, or one entry's more. The server has each of them in
memory several times, and takes none of a gibibyte."""

_ENTRIES = """
INSERT INTO agent_runtime.entry (no, seq, form, kind, at, chain, key, call, metadata, body)
SELECT * FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_TALLY = """
UPDATE agent_runtime.tally AS t SET living = t.living + n.more
  FROM unnest(%s::smallint[], %s::bigint[]) AS n (shard, more) WHERE t.shard = n.shard
"""


@define
class Transaction:
    """What is being written, and where."""

    connection: Connection
    ahead: dict[str, Part]
    """What is written ahead, by session id. The caller's own, so that it can be forgotten with the
    transaction."""
    room: Room
    numbers: Numbers
    written: Written = field(factory=Written)
    _entries: list[tuple[int, Entry]] = field(factory=list)
    _size: int = 0
    _living: Counter[int] = field(factory=Counter)
    """By shard, how many more."""

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> None:
        """Sends a statement of which nothing has to be known but that it succeeds."""
        self.connection.execute(sql.encode(), values)

    def put(self, no: int, entries: Sequence[Entry]) -> None:
        """The next entries of life `no`; `flush` writes them."""
        for entry in entries:
            self._entries.append((no, entry))
            self._size += entry.size
            if self._size >= MESSAGE_SIZE:
                self._write_entries()

    def count(self, session_id: str, more: int) -> None:
        """So many more sessions of this id live; `flush` writes it."""
        self._living[shard_of(session_id)] += more

    def flush(self) -> None:
        """Writes what was put and counted."""
        self._write_entries()
        changed = {shard: more for shard, more in self._living.items() if more}
        if changed:
            self.execute(_TALLY, (list(changed), list(changed.values())))
        self._living.clear()

    def _write_entries(self) -> None:
        if self._entries:
            self.execute(_ENTRIES, rows.new_entries(self._entries))
        self._entries, self._size = [], 0


def expecting(changing: str) -> str:
    """SQL that fails as out of step unless `changing` returns as many rows as its last parameter.

    `changing` ends with `RETURNING`, or is a `SELECT`.
    """
    return f"""
    WITH changed AS ({changing})
    SELECT agent_runtime.expect('{OUT_OF_STEP}', (SELECT count(*) FROM changed), %s)
    """  # noqa: S608 (statements of our own)
