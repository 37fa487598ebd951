"""A PostgreSQL database that tests share: to empty it is faster than to make a new one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from attrs import define

from tests.postgres.databases import Databases

_ARE_THERE = """
SELECT to_regclass('agent_runtime.meta') IS NOT NULL,
       pg_relation_size(to_regclass('agent_runtime.entry'))
       + pg_relation_size(to_regclass('agent_runtime.session')) > 1000000
"""
# It makes forty files anew, and so takes much longer than to delete a few rows; but those leave
# room behind.
_TRUNCATE = """
TRUNCATE agent_runtime.entry, agent_runtime.session, agent_runtime.settings, agent_runtime.standing,
         agent_runtime.draft, agent_runtime.ahead, agent_runtime.used;
"""
_DELETE = """
DELETE FROM agent_runtime.entry;
DELETE FROM agent_runtime.settings;
DELETE FROM agent_runtime.standing;
DELETE FROM agent_runtime.draft;
DELETE FROM agent_runtime.ahead;
DELETE FROM agent_runtime.used;
DELETE FROM agent_runtime.session;
"""
_REST = """
UPDATE agent_runtime.tally SET living = 0 WHERE living <> 0;
UPDATE agent_runtime.shard SET owner = NULL WHERE owner IS NOT NULL;
DELETE FROM agent_runtime.node;
"""


def emptied(url: str) -> str:
    """The database, without any session, or as it was before any store opened it."""
    with psycopg.connect(url) as connection:
        [(are_there, are_large)] = connection.execute(_ARE_THERE).fetchall()
        if are_there:
            connection.execute((_TRUNCATE if are_large else _DELETE) + _REST)
    return url


def asked(url: str, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What another program sees in the database, in the schema of the sessions."""
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path TO agent_runtime")
        return connection.execute(sql.encode(), values).fetchall()


@define(eq=False)
class Grounds:
    """Where the stores of one test lie."""

    folder: Path
    _find: Callable[[], str]
    _database: str = ""

    @property
    def database(self) -> str:
        """The URL of a database that was empty when the test first asked for it."""
        if not self._database:
            self._database = self._find()
        return self._database


@pytest.fixture(scope="session")
def common_database(databases: Databases) -> Iterator[str]:
    """The URL of a database that all tests of this process share."""
    with databases.fresh() as url:
        yield url


@pytest.fixture
def grounds(request: pytest.FixtureRequest, tmp_path: Path) -> Grounds:
    """Where stores lie. A database is looked for when one is asked for."""
    return Grounds(tmp_path, lambda: emptied(request.getfixturevalue("common_database")))
