"""What another program does with the database."""

from typing import Any

import psycopg
from attrs import frozen

from tests.persistence.databases import asked


@frozen
class Asker:
    """Asks a database in SQL, in the schema of the sessions."""

    url: str

    def __call__(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return asked(self.url, sql, *values)

    def run(self, sql: str, *values: object) -> None:
        """A statement that has no answer."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET search_path TO agent_runtime")
            connection.execute(sql.encode(), values or None)

    def count(self, table: str) -> int:
        """The rows of a table."""
        [(count,)] = self(f"SELECT count(*) FROM {table}")  # noqa: S608
        return int(count)
