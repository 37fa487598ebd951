"""What the rows of the first schema become: messages as they were sent, switches, a header."""

import json
from typing import Any

import pytest

from persistence.sqlite.checking.verify import verify
from tests.persistence.builders import OldDatabase
from tests.persistence.sqlite.guide.looking import (
    backups,
    bodies,
    entries,
    messages,
    refused,
    taken_over,
)


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
    [switch] = entries(taken_over(old), "switch")
    assert json.loads(switch.body) == {"from": "orchestrator", "to": "coder", "reason": "r"}
    assert switch.at == utc


CALL = {"id": "c1", "type": "function", "function": {"name": "ls", "arguments": "{}"}}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "Привет", "name": None},
        {"role": "assistant", "content": None, "name": None, "tool_calls": [CALL]},
        {"role": "assistant", "tool_calls": None},
        {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url"}]},
        {"role": "developer", "content": "x", "refusal": "no", "name": 7},
        {"role": "tool", "tool_call_id": {"a": 1}, "content": {"b": [2]}},
        {"role": "assistant", "content": "x", "tool_calls": [{"function": {"arguments": {}}}]},
        {"role": "user", "content": "hi", "metadata": {"a": 1}},
        {"role": "user", "content": "hi", "metadata": "not an object"},
        {"role": "user", "content": "hi", "timestamp": "yesterday"},
        {"role": "user", "content": "hi", "timestamp": "2025-12-31T11:10:00"},
        {"role": "user", "content": "hi", "id": "m1"},
        {"role": "user", "content": "hi", "id": 7},
        {"role": "user", "content": "hi", "id": [1.5]},
        {"role": "user", "content": "hi", "id": "x" * 257},
        {"role": "user", "content": "hi", "n": 123456789012345678901234567890},
        {"role": "r" * 65, "content": "hi", "metadata": {"a": 1}},
    ],
    ids=str,
)
def test_a_message_comes_back_as_it_was_sent(old: OldDatabase, message: dict[str, Any]) -> None:
    old.session("s", message)
    assert messages(taken_over(old)) == [message]


def test_an_id_that_was_used_twice_is_the_first_ones_key(old: OldDatabase) -> None:
    twice = [{"role": "user", "id": "m1", "content": text} for text in "ab"]
    old.session("s", *twice)
    session = taken_over(old)
    assert [entry.key for entry in entries(session)] == ["m1", None]
    assert messages(session) == twice


def test_a_message_has_its_own_time_and_else_that_of_the_last_activity(old: OldDatabase) -> None:
    old.session(
        "s",
        {"role": "user", "content": "hi", "timestamp": "2025-12-31T11:10:00"},
        {"role": "user", "content": "ho"},
    )
    assert [entry.at for entry in entries(taken_over(old))] == [
        "2025-12-31T08:10:00.000Z",
        "2025-12-31T08:45:00.123Z",
    ]


def test_messages_and_switches_lie_in_the_order_of_time(old: OldDatabase) -> None:
    def said(minute: int) -> dict[str, str]:
        return {"role": "user", "content": f"{minute}", "timestamp": f"2025-12-31T11:{minute}:00"}

    def switched(minute: int) -> dict[str, str]:
        return {"from": "a", "to": "coder", "timestamp": f"2025-12-31T11:{minute}:00"}

    old.session("s", said(10), said(12), said(11), said(30))
    old.context("s", switched(11), switched(12), switched(40))
    found = entries(taken_over(old))
    assert [(entry.kind, entry.at[14:16]) for entry in found if entry.kind != "settings"] == [
        ("message", "10"),
        ("switch", "11"),
        ("message", "12"),
        ("message", "11"),
        ("switch", "12"),
        ("message", "30"),
        ("switch", "40"),
    ]


def test_entries_are_numbered_from_1_and_linked(old: OldDatabase) -> None:
    old.session("s", *[{"role": "user", "content": "hi"}] * 3)
    old.context("s", {"from": "coder", "to": "coder"})
    session = taken_over(old)
    assert [entry.seq for entry in entries(session)] == [1, 2, 3, 4, 5]
    assert session.header.version == 5
    assert verify(old.path).ok


def test_what_goes_without_saying_makes_no_entry(old: OldDatabase) -> None:
    old.session("s", {"role": "user", "content": "hi"})
    old.context("s", current_agent="orchestrator")
    assert [entry.kind for entry in entries(taken_over(old))] == ["message"]


def test_an_empty_session_has_the_entry_that_a_new_one_has(old: OldDatabase) -> None:
    old.session("s")
    assert bodies(taken_over(old), "settings") == [{"agent": "orchestrator"}]


def test_a_session_without_context_has_the_default_agent(old: OldDatabase) -> None:
    old.session("s")
    session = taken_over(old)
    assert (session.header.current_agent, session.header.switch_count) == ("orchestrator", 0)
    assert (session.header.last_switch_at, session.settings.metadata) == (None, b"{}")


def test_a_context_without_session_becomes_one_without_messages(old: OldDatabase) -> None:
    old.context("s", last_switch_at="2025-12-31 11:30:00.000000", context_metadata='{"a": [1]}')
    session = taken_over(old)
    assert session.header.created_at == "2025-12-31T08:00:00.000Z"
    assert session.header.last_activity == "2025-12-31T08:30:00.000Z"
    assert session.header.last_switch_at == "2025-12-31T08:30:00.000Z"
    assert (session.header.current_agent, session.header.message_count) == ("coder", 0)
    assert json.loads(session.settings.metadata) == {"a": [1]}


def test_a_context_that_never_switched_was_last_active_when_it_began(old: OldDatabase) -> None:
    old.context("s")
    assert taken_over(old).header.last_activity == "2025-12-31T08:00:00.000Z"


def test_the_count_of_switches_is_kept_though_the_history_is_shorter(old: OldDatabase) -> None:
    old.session("s")
    old.context("s", {"from": "a", "to": "coder", "reason": None}, switch_count=12)
    session = taken_over(old)
    assert session.header.switch_count == 12
    assert bodies(session, "switch") == [{"from": "a", "to": "coder", "reason": ""}]


def test_the_agent_is_the_one_of_the_row_though_its_switches_lead_elsewhere(
    old: OldDatabase,
) -> None:
    old.session("s")
    old.context("s", {"from": "a", "to": "b"}, current_agent="c", switch_count=7)
    session = taken_over(old)
    assert (session.header.current_agent, session.header.switch_count) == ("c", 7)
    first, added = bodies(session, "switch")
    assert (first["to"], added["from"], added["to"]) == ("b", "b", "c")


def test_the_agent_that_it_began_with_is_the_one_of_the_first_switch(old: OldDatabase) -> None:
    old.context("s", {"from": "planner", "to": "coder"})
    assert bodies(taken_over(old), "settings") == [{"agent": "planner"}]


def test_what_has_no_place_in_a_switch_is_kept_in_the_sessions_metadata(old: OldDatabase) -> None:
    history = [{"from": "a", "to": "coder", "reason": "r", "confidence": 0.9}]
    old.context("s", *history, context_metadata='{"x": 1}')
    metadata = json.loads(taken_over(old).settings.metadata)
    assert metadata == {"x": 1, "agent_history": history}


# What cannot be read


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"messages": "[{"}, "messages is not JSON"),
        ({"messages": '{"a": 1}'}, "messages is not a JSON array"),
        ({"messages": '[{"role": "user"}, "x"]'}, "message 2: it is not a JSON object"),
        ({"messages": '[{"content": "x"}]'}, "message 1: it has no role"),
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
