"""Fresh databases on a server, whoever started that."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex
from urllib.parse import urlsplit

import psycopg
from attrs import frozen


@frozen
class Databases:
    """Makes databases through the one that `url` names, as a user who may."""

    url: str

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty database, which goes with the block, whoever is connected to it."""
        # Several runs of the tests may share a server.
        name = f"agent_runtime_test_{token_hex(8)}"
        # From `template0`, as others may have put something into `template1`, or want LATIN1.
        self._run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
        try:
            yield self.of(name)
        finally:
            self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def of(self, name: str) -> str:
        """The URL of another database."""
        parts = urlsplit(self.url)
        # Not `geturl`: of an empty host it makes none, and then there is no `//`.
        return f"{parts.scheme}://{parts.netloc}/{name}" + (parts.query and f"?{parts.query}")

    def _run(self, sql: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(sql.encode())
