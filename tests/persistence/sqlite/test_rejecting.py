"""What cannot be stored, or read, keeps nothing else out: the guilty session is named."""

from pathlib import Path

import pytest

from persistence.sqlite.checking.verify import verify
from persistence.sqlite.store import SQLiteStore
from runtime import Delta, Settings, StoreUnavailable
from tests.persistence.builders import born, change, delta, follows


@pytest.mark.parametrize(
    ("poison", "said"),
    [
        pytest.param(born("bad", current_agent="\ud800"), "surrogates", id="lone surrogate"),
        pytest.param(
            born("bad", settings=Settings(metadata=b"\xff")), "utf-8", id="bytes that are not UTF-8"
        ),
        pytest.param(born("bad", current_agent=None), "NOT NULL", id="a null"),
        pytest.param(born("bad", last_switch_at=b"x"), "STRICT|cannot store", id="wrong type"),
        pytest.param(born("bad", current_agent=object()), "type", id="no type of SQLite's"),
        pytest.param(born("bad", message_count=2**70), "too large", id="beyond 64 bits"),
    ],
)
def test_a_poison_value_is_rejected_alone_and_named(
    store: SQLiteStore, poison: Delta, said: str
) -> None:
    committed = store.commit([born("a", "one"), poison, born("z", "one")])
    assert list(committed.rejected) == ["bad"]
    assert set(committed.begun) == {"a", "z"}
    with pytest.raises(Exception, match=f"'bad'.*({said})"):
        raise committed.rejected["bad"]
    assert store.count() == 2


def test_when_the_numbers_are_used_up_no_life_begins(store: SQLiteStore, path: Path) -> None:
    change(path, "UPDATE meta SET next_no = 2147483647")
    assert store.commit([born("last", "x")]).begun == {"last": 2**31 - 1}
    assert list(store.commit([born("one too many", "x")]).rejected) == ["one too many"]
    step = follows(2**31 - 1, 1, "x", "y")
    assert not store.commit([delta("last", step)]).rejected
    assert verify(path).problems == ()


def test_a_trigger_that_ends_the_transaction_loses_no_session_silently(
    store: SQLiteStore, path: Path
) -> None:
    change(
        path,
        "CREATE TRIGGER t BEFORE INSERT ON session WHEN NEW.session_id = 'bad'"
        " BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    )
    with pytest.raises(StoreUnavailable, match="no"):
        store.commit([born("a"), born("bad"), born("z")])
    assert store.count() == 0
    assert not store.commit([born("a"), born("z")]).rejected


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM entry WHERE no = 1 AND seq = 1",
        "DELETE FROM look WHERE no = 1 AND k = 1",
        "UPDATE look SET k = 0 WHERE no = 1 AND k = 1",
        "UPDATE look SET k = 2 WHERE no = 1 AND k = 1",
        "UPDATE look SET id = 2 WHERE no = 1 AND k = 1",
        "UPDATE look SET id = 99 WHERE no = 1 AND k = 1",
        "INSERT INTO look VALUES (1, 2, 3)",
        "INSERT INTO look VALUES (1, 2, 99)",
        "UPDATE session SET version = 1 WHERE no = 1",
        "UPDATE session SET version = 3 WHERE no = 1",
        "UPDATE session SET version = 4294967295 WHERE no = 1",
        "UPDATE entry SET seq = 7 WHERE no = 1 AND seq = 2",
        "INSERT INTO settings VALUES (1, NULL, 0, '{}', NULL, NULL, '[[3,1]]')",
    ],
)
def test_a_session_in_which_somebody_else_wrote_nonsense_is_refused_alone(
    store: SQLiteStore, path: Path, sql: str
) -> None:
    store.commit([born("odd", "hello", "again"), born("other", "hello")])
    change(path, sql)
    with pytest.raises(StoreUnavailable, match="'odd' is damaged and cannot be read") as refusal:
        store.load("odd")
    assert "agent-runtime verify" in str(refusal.value)
    assert store.load("other") is not None
