import psycopg
import pytest

from tests.postgres.databases import Databases
from tests.postgres.fixtures import VARIABLE, found


def test_a_fresh_one_is_empty(database: str) -> None:
    with psycopg.connect(database) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (0,)


def test_it_holds_any_unicode(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_two_are_apart(databases: Databases) -> None:
    with databases.fresh() as one, databases.fresh() as other:
        with psycopg.connect(one) as connection:
            connection.execute("CREATE TABLE here (number int)")
        with psycopg.connect(other) as connection:
            assert connection.execute("SELECT to_regclass('here')").fetchone() == (None,)


def test_one_goes_with_the_block_though_somebody_is_connected(databases: Databases) -> None:
    with databases.fresh() as url:
        connection = psycopg.connect(url)
    with pytest.raises(psycopg.errors.AdminShutdown):
        connection.execute("SELECT 1")
    connection.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_they_are_made_on_the_server_that_the_variable_names(databases: Databases) -> None:
    with found({VARIABLE: databases.url}) as others, others.fresh() as url:
        psycopg.connect(url).close()
        assert others == databases


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("postgresql://me@host:1/db?sslmode=require", "postgresql://me@host:1/x?sslmode=require"),
        ("postgresql:///db?host=/run", "postgresql:///x?host=/run"),
        ("postgres://host", "postgres://host/x"),
    ],
)
def test_another_database_of_a_server_has_the_rest_of_its_url(url: str, other: str) -> None:
    assert Databases(url).of("x") == other
