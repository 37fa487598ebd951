"""The later schemas of the guide's own system are taken over too, whatever keys they have."""

import json
import time
from pathlib import Path
from typing import get_args

import pytest

from persistence import SQLiteStore, open_store
from persistence.sqlite.checking.verify import verify
from runtime import CannotOpenStore, Listing
from runtime.store.stored import StoredSession
from tests.persistence.builders import change, dump, query
from tests.persistence.sqlite.guide.later_database import Keys, LaterDatabase
from tests.persistence.sqlite.guide.looking import messages, taken_over, trash

CALL = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}


@pytest.fixture(autouse=True)
def utc(moscow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's zone is no part of these tests."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture(params=get_args(Keys))
def later(path: Path, request: pytest.FixtureRequest) -> LaterDatabase:
    return LaterDatabase(path, request.param)


@pytest.fixture
def uuids(path: Path) -> LaterDatabase:
    return LaterDatabase(path, "uuid")


def kinds(session: StoredSession) -> list[str]:
    return [row[1] for row in session.entries]


def test_messages_come_back_with_the_members_that_were_sent(later: LaterDatabase) -> None:
    later.session("s")
    later.message("s", 1, "user", "Привет", name="anna")
    later.message("s", 2, "assistant", None, tool_calls=[CALL])
    later.message("s", 3, "tool", "a.txt", tool_call_id="c1", metadata_json={"ms": 7})
    assert messages(taken_over(later)) == [
        {"role": "user", "content": "Привет", "name": "anna"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "a.txt", "tool_call_id": "c1", "metadata": {"ms": 7}},
    ]


def test_the_number_of_tokens_is_kept_in_a_messages_metadata(later: LaterDatabase) -> None:
    later.session("s")
    later.message("s", 1, "user", "hi", token_count=12)
    assert messages(taken_over(later)) == [
        {"role": "user", "content": "hi", "metadata": {"token_count": 12}}
    ]


def test_messages_are_in_the_order_of_their_times_and_of_their_arrival(
    later: LaterDatabase,
) -> None:
    later.session("s")
    for minute, text in ((3, "c"), (1, "a"), (2, "b1"), (2, "b2"), (2, "b3")):
        later.message("s", minute, "user", text)
    found = [message["content"] for message in messages(taken_over(later))]
    assert found == ["a", "b1", "b2", "b3", "c"]


def test_sessions_keep_their_messages_apart(later: LaterDatabase) -> None:
    for name in ("b", "empty", "a", "c"):
        later.session(name)
    for number in range(9):
        later.message("abc"[number % 3], number, "user", f"{number}")
    for number, name in enumerate("abc"):
        found = [message["content"] for message in messages(taken_over(later, name))]
        assert found == [f"{number}", f"{number + 3}", f"{number + 6}"]
    assert messages(taken_over(later, "empty")) == []


def test_switches_lie_between_the_messages(later: LaterDatabase) -> None:
    later.session("s")
    later.message("s", 1, "user", "hi")
    context = later.context("s", "architect", switch_count=3, metadata_json={"model": "m"})
    later.switch(context, 2, "coder", from_agent="orchestrator", reason="asked")
    later.switch(context, 4, "architect", from_agent="coder")
    later.message("s", 3, "user", "ho")
    session = taken_over(later)
    assert kinds(session) == ["settings", "message", "switch", "message", "switch"]
    assert session.header.current_agent == "architect"
    assert session.header.switch_count == 3
    assert session.header.last_switch_at == "2025-12-31T11:04:00.000Z"
    assert json.loads(session.settings.metadata) == {"model": "m"}


def test_what_a_switch_has_beside_is_kept_in_the_sessions_metadata(later: LaterDatabase) -> None:
    later.session("s")
    context = later.context("s", "coder", switch_count=1)
    later.switch(context, 2, "coder", metadata_json={"confidence": 0.9})
    assert json.loads(taken_over(later).settings.metadata) == {
        "agent_history": [
            {
                "from": "",
                "to": "coder",
                "reason": "",
                "timestamp": "2025-12-31T11:02:00.000Z",
                "metadata": {"confidence": 0.9},
            }
        ]
    }


def test_a_session_keeps_its_times(later: LaterDatabase) -> None:
    later.session("s")
    later.message("s", 50, "user", "after the last activity")
    header = taken_over(later).header
    assert header.created_at == "2025-12-31T11:00:00.000Z"
    assert header.last_activity == "2025-12-31T11:45:00.000Z"


def test_a_title_and_a_description_stay(uuids: LaterDatabase) -> None:
    uuids.session("s", title="My title", description="What for")
    settings = taken_over(uuids).settings
    assert settings.title == "My title"
    assert json.loads(settings.metadata) == {"description": "What for"}


def test_a_session_that_is_not_active_is_archived(later: LaterDatabase) -> None:
    later.session("s", is_active=0)
    assert taken_over(later).settings.archived


def test_a_deleted_session_lies_in_the_trash_and_can_be_had_back(later: LaterDatabase) -> None:
    later.session("alive")
    later.session("gone", is_active=0, deleted_at="2025-12-31 12:00:00")
    later.message("gone", 1, "user", "hi")
    [trashed] = trash(later)
    assert (trashed.info.session_id, trashed.info.message_count) == ("gone", 1)
    assert trashed.deleted_at == "2025-12-31T12:00:00.000Z"
    assert not trashed.info.archived
    report = verify(later.path)
    assert (report.sessions, report.trashed, report.problems) == (1, 1, ())


def test_what_json_cannot_say_is_replaced(
    later: LaterDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    later.session("s")
    later.message("s", 1, "user", "hi", metadata_json='{"cost": NaN}')
    assert messages(taken_over(later))[0]["metadata"] == {"cost": None}
    assert "Session 's': replaced 1 values" in caplog.text


def test_rows_of_no_session_are_left_to_the_backup_and_counted(
    later: LaterDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    later.session("s")
    later.session("other")
    later.message("other", 1, "user", "lost")
    change(later.path, "DELETE FROM sessions WHERE id = (SELECT max(id) FROM sessions)")
    change(later.path, "UPDATE messages SET session_db_id = 'nobody'")
    store = SQLiteStore.open(later.path)
    assert store.list_sessions(Listing(), 10).total == 1
    store.close()
    assert "1 rows belong to no session" in caplog.text
    [saved] = later.path.parent.glob("*.before-upgrade-*.db")
    assert query(saved, "SELECT content FROM messages") == [("lost",)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"tool_calls": "[{"}, "message 2: tool_calls is not JSON"),
        ({"tool_calls": "{}"}, "message 2: tool_calls is not a JSON array"),
        ({"metadata_json": "[]"}, "message 2: metadata_json is not a JSON object"),
        ({"timestamp": "soon"}, "message 2: 'soon' is not a time"),
    ],
)
def test_a_message_that_cannot_be_read_is_named_and_nothing_changes(
    later: LaterDatabase, columns: dict[str, object], said: str
) -> None:
    later.session("s")
    later.message("s", 1, "user", "hi")
    later.message("s", 2, "assistant", "ho", **columns)
    before = dump(later.path)
    with pytest.raises(CannotOpenStore, match=said) as error:
        open_store(str(later.path))
    assert "row 's' of table sessions" in error.value.problem
    assert dump(later.path) == before


def test_views_take_the_place_of_the_tables(later: LaterDatabase) -> None:
    later.session("s")
    later.message("s", 1, "user", "hi")
    taken_over(later)
    [(messages,)] = query(later.path, "SELECT messages FROM sessions")
    assert json.loads(messages) == [{"role": "user", "content": "hi"}]
    tables = {name for (name,) in query(later.path, "SELECT name FROM sqlite_schema")}
    assert not tables & {"messages", "agent_switches"}


@pytest.mark.parametrize(
    ("change_it", "said"),
    [
        ("ALTER TABLE messages ADD COLUMN rating", "the unknown column rating in messages"),
        ("ALTER TABLE messages DROP COLUMN name", "no column name in messages"),
        ("DROP TABLE agent_switches", "no table agent_switches"),
    ],
)
def test_another_version_of_the_schema_is_refused_by_what_differs(
    later: LaterDatabase, change_it: str, said: str
) -> None:
    later.session("s")
    change(later.path, change_it)
    before = dump(later.path)
    with pytest.raises(CannotOpenStore, match=said):
        open_store(str(later.path))
    assert dump(later.path) == before
