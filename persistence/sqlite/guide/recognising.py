"""Whether the guide's own system wrote a database, and in which of its schemas.

A schema is recognised by its tables and all their columns. A column more or less is another
version of that system, of which we do not know what it means: nothing is guessed.
"""

from sqlite_utils import Database

from persistence.sqlite.guide.first_schema import FIRST_SCHEMA
from persistence.sqlite.guide.later_schema import WITH_INTEGERS, WITH_UUIDS
from persistence.sqlite.guide.old_session import OldSchema
from runtime import CannotOpenStore

_SCHEMAS = (FIRST_SCHEMA, WITH_INTEGERS, WITH_UUIDS)


def wrote(db: Database) -> bool:
    """Whether the guide's own system wrote this database, in a schema that we know.

    Raises `CannotOpenStore` for one that it seems to have written in another.
    """
    if schema_of(db) is not None:
        return True
    found = _columns(db)
    if FIRST_SCHEMA.columns.keys() <= found.keys():
        raise _unknown(db, found)
    return False


def schema_of(db: Database) -> OldSchema | None:
    """The schema that all of that system's tables have; `None` if it is none that we know."""
    found = _columns(db)
    for schema in _SCHEMAS:
        if all(found.get(name) == columns for name, columns in schema.columns.items()):
            # Dropping a table would take along what refers to it.
            return None if _references(db, schema) else schema
    return None


def _columns(db: Database) -> dict[str, frozenset[str]]:
    names = {name for schema in _SCHEMAS for name in schema.columns}
    return {
        name: frozenset(column.name for column in db.table(name).columns)
        for name in db.table_names()
        if name in names
    }


def _references(db: Database, schema: OldSchema) -> list[str]:
    """The other tables that refer to those of that system."""
    return [
        name
        for name in db.table_names()
        if name not in schema.columns
        and any(key.other_table in schema.columns for key in db.table(name).foreign_keys)
    ]


def _unknown(db: Database, found: dict[str, frozenset[str]]) -> CannotOpenStore:
    [(_, _, path)] = db.conn.execute("PRAGMA database_list").fetchmany(1)
    return CannotOpenStore(
        f"{path} has tables like those of the guide's own system, but {_difference(db, found)}",
        "It was not changed. Take it over with the release of that system whose schema is known: "
        "the first one, or the later one with the tables messages and agent_switches",
    )


def _difference(db: Database, found: dict[str, frozenset[str]]) -> str:
    """In what it differs from the schema that comes nearest to it."""

    def distance(schema: OldSchema) -> int:
        return sum(len(c ^ found.get(name, frozenset())) for name, c in schema.columns.items())

    nearest = min(_SCHEMAS, key=distance)
    for name, columns in nearest.columns.items():
        if name not in found:
            return f"no table {name}"
        if more := sorted(found[name] - columns):
            return f"the unknown column {more[0]} in {name}"
        if less := sorted(columns - found[name]):
            return f"no column {less[0]} in {name}"
    return f"the table {_references(db, nearest)[0]} refers to them"
