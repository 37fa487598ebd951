"""A database that the guide's own system wrote is taken over, whole or not at all."""

import json
import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from persistence import SQLiteStore
from persistence.sqlite.guide import takeover as guide
from persistence.sqlite.schema import OLD_TABLES
from persistence.sqlite.verify import verify
from persistence.sqlite.writing import write
from runtime.errors import CannotOpenStore
from runtime.session.message import decode_message
from runtime.store import Delta, StoredSession
from tests.persistence.builders import OldDatabase, change, delta, dump, query


@pytest.fixture(autouse=True)
def moscow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is three hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Europe/Moscow")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def old(path: Path) -> OldDatabase:
    return OldDatabase(path)


def taken_over(old: OldDatabase, session_id: str = "s") -> StoredSession:
    store = SQLiteStore.open(old.path)
    try:
        session = store.load(session_id)
    finally:
        store.close()
    assert session is not None
    return session


def bodies(session: StoredSession) -> list[Any]:
    return [json.loads(entry.body) for entry in session.entries]


def metadata(session: StoredSession) -> Any:
    [entry] = session.entries
    return None if entry.metadata is None else json.loads(entry.metadata)


def backups(old: OldDatabase) -> list[Path]:
    return sorted(old.path.parent.glob("sessions.before-upgrade-*.db"))


def refused(old: OldDatabase) -> CannotOpenStore:
    """Taking over is refused, and the database is as it was."""
    before, modified = dump(old.path), old.path.stat().st_mtime_ns
    with pytest.raises(CannotOpenStore) as error:
        SQLiteStore.open(old.path)
    assert dump(old.path) == before
    assert old.path.stat().st_mtime_ns == modified
    return error.value


def test_local_times_become_utc(old: OldDatabase) -> None:
    old.session("s", last_activity="2025-12-31 11:45:00.123456", created_at="2025-12-31 01:00:00")
    header = taken_over(old).header
    assert header.last_activity == "2025-12-31T08:45:00.123Z"
    assert header.created_at == "2025-12-30T22:00:00.000Z"


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2025-12-31T11:45:00.123456", "2025-12-31T08:45:00.123Z"),
        ("2025-12-31T11:45:00", "2025-12-31T08:45:00.000Z"),
        ("2025-12-31 11:45:00.5", "2025-12-31T08:45:00.500Z"),
        ("2025-12-31T08:45:00Z", "2025-12-31T08:45:00.000Z"),
        ("2025-12-31T10:45:00.000+02:00", "2025-12-31T08:45:00.000Z"),
    ],
)
def test_times_in_the_history_are_read_in_every_form(
    old: OldDatabase, written: str, utc: str
) -> None:
    old.session("s")
    old.context("s", {"from": "orchestrator", "to": "coder", "reason": "r", "timestamp": written})
    [change] = taken_over(old).switches
    assert (change.from_agent, change.to_agent, change.reason) == ("orchestrator", "coder", "r")
    assert change.timestamp == utc


def test_the_version_of_a_session_begins_at_1(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi"})
    header = taken_over(old).header
    assert (header.version, header.message_count) == (1, 1)


def test_a_history_never_shows_a_null(old: OldDatabase) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
    old.session(
        "s",
        {"role": "user", "content": "Привет", "name": None},
        {"role": "assistant", "content": None, "name": None, "tool_calls": [call]},
        {"role": "tool", "content": "a.txt", "name": "ls", "tool_call_id": "c1"},
        {"role": "assistant", "content": "", "tool_calls": None},
    )
    session = taken_over(old)
    assert bodies(session) == [
        {"role": "user", "content": "Привет"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "a.txt", "name": "ls", "tool_call_id": "c1"},
        {"role": "assistant", "content": ""},
    ]
    assert [entry.metadata for entry in session.entries] == [None] * 4


def test_every_message_that_was_taken_over_decodes(old: OldDatabase) -> None:
    call = {"id": "c1", "function": {"name": "ls", "arguments": "{}"}, "index": 0}
    odd = {"id": "c1", "function": {"name": "ls", "arguments": {"path": "."}}}
    old.session("s", *({"role": "assistant", "tool_calls": [calls]} for calls in (call, odd, 7)))
    assert [decode_message(entry).role for entry in taken_over(old).entries] == ["assistant"] * 3


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("refusal", "no"),
        ("name", 7),
        ("tool_call_id", {"a": 1}),
        ("tool_calls", [{"function": {"name": "ls", "arguments": {"path": "."}}}]),
        ("timestamp", "yesterday"),
        ("id", "not\nprintable"),
    ],
)
def test_what_has_no_place_in_a_message_is_kept_in_its_metadata(
    old: OldDatabase, member: str, value: object
) -> None:
    old.session("s", {"role": "user", "content": "hi", member: value})
    session = taken_over(old)
    assert bodies(session) == [{"role": "user", "content": "hi"}]
    assert metadata(session) == {member: value}


def test_content_in_parts_is_shown_as_text_and_kept_as_it_was(old: OldDatabase) -> None:
    parts = [{"type": "text", "text": "hi"}]
    old.session("s", {"role": "user", "content": parts})
    session = taken_over(old)
    [body] = bodies(session)
    assert json.loads(body["content"]) == parts
    assert metadata(session) == {"content": parts}


def test_a_messages_own_metadata_stays_its_metadata(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi", "metadata": {"a": 1}})
    assert metadata(taken_over(old)) == {"a": 1}


def test_a_message_keeps_its_own_time_and_else_gets_the_last_activity(old: OldDatabase) -> None:
    old.session(
        "s",
        {"role": "user", "content": "hi", "timestamp": "2025-12-31T11:10:00"},
        {"role": "user", "content": "ho"},
    )
    session = taken_over(old)
    assert [entry.timestamp for entry in session.entries] == [
        "2025-12-31T08:10:00.000Z",
        "2025-12-31T08:45:00.123Z",
    ]
    assert [entry.metadata for entry in session.entries] == [None, None]


def test_a_message_id_is_the_clients_id_once(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "id": "m1"}, {"role": "user", "id": "m1"})
    first, second = taken_over(old).entries
    assert (first.id, first.metadata) == ("m1", None)
    assert (second.id, second.metadata) == (None, b'{"id":"m1"}')


def test_a_session_without_context_has_the_default_agent(old: OldDatabase) -> None:
    old.session("s")
    header = taken_over(old).header
    assert (header.current_agent, header.switch_count) == ("orchestrator", 0)
    assert (header.last_switch_at, header.metadata) == (None, b"{}")


def test_a_context_without_session_becomes_one_without_messages(old: OldDatabase) -> None:
    old.context("s", last_switch_at="2025-12-31 11:30:00.000000", context_metadata='{"a": [1]}')
    session = taken_over(old)
    assert session.header.created_at == "2025-12-31T08:00:00.000Z"
    assert session.header.last_activity == "2025-12-31T08:30:00.000Z"
    assert (session.header.current_agent, len(session.entries)) == ("coder", 0)
    assert json.loads(session.header.metadata) == {"a": [1]}


def test_a_context_that_never_switched_was_last_active_when_it_began(old: OldDatabase) -> None:
    old.context("s")
    assert taken_over(old).header.last_activity == "2025-12-31T08:00:00.000Z"


def test_the_count_of_switches_is_kept_though_the_history_is_shorter(old: OldDatabase) -> None:
    old.session("s")
    old.context("s", {"from": "a", "to": "b", "reason": None}, switch_count=12)
    session = taken_over(old)
    assert (session.header.switch_count, len(session.switches)) == (12, 1)
    assert session.switches[0].reason == ""


def test_what_has_no_place_in_a_switch_is_kept_in_the_contexts_metadata(old: OldDatabase) -> None:
    history = [{"from": "a", "to": "b", "reason": "r", "confidence": 0.9}]
    old.context("s", *history, context_metadata='{"x": 1}')
    assert json.loads(taken_over(old).header.metadata) == {"x": 1, "agent_history": history}


def test_ids_that_the_wire_would_refuse_stay(old: OldDatabase) -> None:
    for name in ("a/b c", "", "ключ"):
        old.session(name, {"role": "user", "content": name})
    store = SQLiteStore.open(old.path)
    names = {info.session_id for info in store.list_sessions().sessions}
    store.close()
    assert names == {"a/b c", "", "ключ"}


def test_many_sessions_arrive_whole(old: OldDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "_CHUNK_MESSAGES", 5)
    for number in range(23):
        old.session(f"s{number}", *[{"role": "user", "content": "x"}] * number)
        old.context(f"s{number}", *[{"from": "a", "to": "b"}] * (number % 3))
    taken_over(old, "s22")
    report = verify(old.path)
    assert (report.sessions, report.messages, report.switches) == (23, 253, 22)
    assert report.ok


def test_views_take_the_place_of_the_tables(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi", "name": None})
    taken_over(old)
    kinds = query(old.path, "SELECT name, type FROM sqlite_schema WHERE sql NOTNULL")
    assert {name: kind for name, kind in kinds if name in OLD_TABLES} == dict.fromkeys(
        OLD_TABLES, "view"
    )
    [row] = query(old.path, "SELECT * FROM sessions")
    assert row == (
        "s",
        '[{"role":"user","content":"hi"}]',
        "2025-12-31T08:45:00.123Z",
        "2025-12-31T08:00:00.000Z",
    )


def test_a_query_of_the_users_own_survives(old: OldDatabase) -> None:
    change(old.path, "CREATE VIEW mine AS SELECT session_id FROM sessions")
    old.session("s")
    taken_over(old)
    assert query(old.path, "SELECT * FROM mine") == [("s",)]


def test_the_database_goes_on_as_one_of_ours(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi"})
    store = SQLiteStore.open(old.path)
    assert not store.commit([delta("s", "ho", after=1)]).rejected
    store.close()
    assert [body["content"] for body in bodies(taken_over(old))] == ["hi", "ho"]


def test_a_private_backup_of_the_old_database_comes_first(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi"})
    before = dump(old.path)
    taken_over(old)
    [saved] = backups(old)
    assert dump(saved) == before
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600


def test_the_database_is_for_its_owner_only_afterwards(old: OldDatabase) -> None:
    old.path.chmod(0o644)
    old.session("s")
    taken_over(old)
    assert stat.S_IMODE(old.path.stat().st_mode) == 0o600


def test_taking_over_happens_once(old: OldDatabase) -> None:
    old.session("s")
    taken_over(old)
    taken_over(old)
    assert len(backups(old)) == 1


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"messages": "[{"}, "messages is not JSON"),
        ({"messages": '{"a": 1}'}, "messages is not a JSON array"),
        ({"messages": '[{"role": "user"}, "x"]'}, "message 2: it is not a JSON object"),
        ({"messages": '[{"content": "x"}]'}, "message 1: it has no role"),
        ({"messages": '[{"role": "user", "x": NaN}]'}, "messages is not JSON"),
        ({"messages": b"\xff"}, "messages is not JSON"),
        ({"last_activity": "yesterday"}, "'yesterday' is not a time"),
        ({"created_at": 1735641900}, "1735641900 is not a time"),
    ],
)
def test_a_session_that_cannot_be_read_is_named_and_nothing_changes(
    old: OldDatabase, columns: dict[str, object], said: str
) -> None:
    old.session("good", {"role": "user", "content": "hi"})
    old.session("bad", **columns)
    error = refused(old)
    assert "row 'bad' of table sessions" in error.problem
    assert said in error.problem
    assert str(backups(old)[0]) in error.hint


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"agent_history": "nothing"}, "agent_history is not JSON"),
        ({"agent_history": "[7]"}, "agent_history: item 1 is not a JSON object"),
        ({"agent_history": '[{"from": "a"}]'}, "item 1 does not say to which agent"),
        ({"agent_history": '[{"to": ["a"]}]'}, "item 1 has a member that is not text"),
        ({"agent_history": '[{"to": "a", "timestamp": "x"}]'}, "'x' is not a time"),
        ({"context_metadata": "[]"}, "context_metadata is not a JSON object"),
        ({"last_switch_at": "soon"}, "'soon' is not a time"),
        ({"created_at": ""}, "'' is not a time"),
        ({"switch_count": "many"}, "switch_count 'many' is not a number"),
        ({"current_agent": b"x"}, "current_agent b'x' is not text"),
    ],
)
def test_a_context_that_cannot_be_read_is_named_and_nothing_changes(
    old: OldDatabase, columns: dict[str, object], said: str
) -> None:
    old.session("bad")
    old.context("bad", **columns)
    error = refused(old)
    assert "row 'bad' of table agent_contexts" in error.problem
    assert said in error.problem


def test_an_id_that_is_not_text_is_refused(old: OldDatabase) -> None:
    old.session(b"\x01")  # type: ignore[arg-type]
    assert "session_id is not text" in refused(old).problem


def test_if_something_did_not_arrive_nothing_changes(
    old: OldDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_one(connection: Any, deltas: Sequence[Delta]) -> list[str]:
        return write(connection, deltas[1:])

    old.session("a")
    old.session("b", {"role": "user", "content": "hi"})
    monkeypatch.setattr(guide, "write", lose_one)
    assert "it has 2 sessions, but 1 arrived" in refused(old).problem


def test_a_refused_attempt_made_again_finds_its_backup(old: OldDatabase) -> None:
    old.session("bad", messages="[{")
    assert refused(old).hint == refused(old).hint
    assert len(backups(old)) == 1


def test_a_corrected_database_is_backed_up_again_and_taken_over(old: OldDatabase) -> None:
    old.session("s", messages="[{")
    os.utime(old.path, (1_000_000_000, 1_000_000_000))  # a while ago
    refused(old)
    change(old.path, "UPDATE sessions SET messages = '[]'")
    assert list(taken_over(old).entries) == []
    assert len(backups(old)) == 2
