"""What a table has is moved: a new column has to be handed on, or known to be nobody's business."""

from pathlib import Path

from persistence import open_store
from persistence.auditing.rows import DraftRow, LifeRow, SettingsRow, StandingRow
from persistence.used import UsedRow
from runtime import Entry
from tests.persistence.builders import query
from tests.persistence.databases import asked
from tests.persistence.moving.conftest import Name

HANDED_ON = {
    "session": {*LifeRow._fields} - {"settings", "standing"},
    "settings": {"no", *SettingsRow._fields},
    "standing": {"no", *StandingRow._fields},
    "entry": {"no", *Entry.__annotations__},
    "draft": {*DraftRow._fields},
    "used": {*UsedRow._fields},
}

OF_THE_STORE = {
    "session": {"listed", "shard"},  # both follow from others
    "entry": {"id"},  # a place
    "draft": {"id"},  # the order
}


def test_a_files_columns_are_all_handed_on(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    open_store(str(path)).close()
    for table, columns in HANDED_ON.items():
        found = {name for (name,) in query(path, "SELECT name FROM pragma_table_info(?)", table)}
        assert found - OF_THE_STORE.get(table, set()) == columns, table


def test_a_databases_columns_are_all_handed_on(name: Name) -> None:
    url = name("postgres", "sessions")
    open_store(url).close()
    for table, columns in HANDED_ON.items():
        rows = asked(
            url,
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'agent_runtime' AND table_name = %s",
            table,
        )
        found = {column for (column,) in rows}
        assert found - OF_THE_STORE.get(table, set()) == columns, table
