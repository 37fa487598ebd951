"""Rows as `COPY … FROM STDIN (FORMAT binary)` takes them: the fastest way into a table.

psycopg would look for each value who can write it down; here that is known beforehand (see
`arrays`). The layout is PostgreSQL's: a head; of each row the number of fields, and each field
behind its length, which is -1 for a null; and an end.
"""

from collections.abc import Iterable, Sequence
from struct import Struct

from persistence.postgres.connections import Connection
from persistence.postgres.text import stored

Field = bytes | None

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_COUNT = Struct(">h").pack
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)

small = Struct(">h").pack
"""A `smallint`."""
large = Struct(">q").pack
"""A `bigint`."""
real = Struct(">d").pack
"""A `float8`."""


def text(value: str) -> bytes:
    """A text, as the tables have it."""
    return stored(value).encode()


def text_or_none(value: str | None) -> Field:
    """The same, of a column that may be null."""
    return None if value is None else stored(value).encode()


def copy_in(
    connection: Connection, table: str, columns: str, rows: Iterable[Sequence[Field]]
) -> None:
    """Writes rows into a table, in the caller's transaction. Raises `psycopg.Error`."""
    parts: list[bytes] = [_HEAD]
    for row in rows:
        parts.append(_COUNT(len(row)))
        for value in row:
            if value is None:
                parts.append(_NULL)
            else:
                parts += (_LENGTH(len(value)), value)
    if len(parts) == 1:
        return
    parts.append(_END)
    query = f"COPY agent_runtime.{table} ({columns}) FROM STDIN (FORMAT binary)"
    with connection.cursor().copy(query.encode()) as copy:
        copy.write(b"".join(parts))
