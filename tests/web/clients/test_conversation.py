"""A framework's items lie in a session's log, among those of others, in one order."""

from typing import Any

import pytest

from web.clients import AgentRuntimeClient
from web.clients.shared.conversation import Framework
from web.clients.shared.plain import plain

OURS = Framework("ours")
THEIRS = Framework("theirs")


def test_items_come_back_as_they_went_in_beside_those_of_others(
    client: AgentRuntimeClient, session_id: str
) -> None:
    envelope = {"id": 1, "odd": "\ud800"}
    client.append_entries(
        session_id,
        [
            OURS.message({"role": "user", "content": "a\ud800"}, envelope, key="first"),
            OURS.record({"anything": float("inf")}),
            THEIRS.message({"role": "assistant", "content": "b"}, {"other": True}),
            THEIRS.record("theirs alone"),
            {"kind": "message", "body": {"role": "user", "content": "by hand"}},
        ],
    )
    items = list(OURS.items(client, session_id))
    assert [item.envelope for item in items] == [envelope, {"anything": float("inf")}, None, None]
    assert [item.message and item.message["content"] for item in items] == [
        "a\ufffd",
        None,
        "b",
        "by hand",
    ]
    assert [item.seq for item in items] == [1, 2, 3, 5]


def test_what_a_rewind_took_back_is_no_item(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_entries(session_id, [OURS.record(n) for n in range(3)])
    client.rewind(session_id, 2)
    assert [item.envelope for item in OURS.items(client, session_id)] == [0, 1]
    assert [item.envelope for item in OURS.last_items(client, session_id, 1)] == [1]
    assert [item.seq for item in OURS.items(client, session_id, after=1)] == [2]


def test_the_last_items_are_found_beyond_one_page(
    client: AgentRuntimeClient, session_id: str
) -> None:
    client.append_entries(session_id, [OURS.record(n) for n in range(1500)])
    last = OURS.last_items(client, session_id, 1200)
    assert [item.envelope for item in last] == list(range(300, 1500))
    assert len(OURS.last_items(client, session_id, 9999)) == 1500


def test_of_no_session_there_are_no_items(client: AgentRuntimeClient, session_id: str) -> None:
    assert list(OURS.items(client, session_id)) == []
    assert OURS.last_items(client, session_id, 5) == []
    assert list(OURS.newest_items(client, session_id)) == []


def test_a_record_that_was_removed_is_no_item(client: AgentRuntimeClient, session_id: str) -> None:
    entry = OURS.record(1)
    client.append_entries(session_id, [entry, OURS.record(2)])
    client.put_records(session_id, remove=[entry["key"]])
    assert [item.envelope for item in OURS.items(client, session_id)] == [1, 2]


def test_metadata_of_a_message_stays_beside_the_mark(
    client: AgentRuntimeClient, session_id: str
) -> None:
    message = {"role": "user", "content": "a", "metadata": {"mine": 1}}
    client.append_entries(session_id, [OURS.message(message, {"e": 1})])
    [item] = OURS.items(client, session_id)
    assert item.message is not None
    assert item.message["metadata"] == {"mine": 1, "ours": {"e": 1}}
    assert message["metadata"] == {"mine": 1}


@pytest.mark.parametrize(
    ("message", "text", "lossy"),
    [
        ({"content": "Hi"}, "Hi", []),
        ({"content": None}, "", []),
        ({}, "", []),
        ({"content": [{"type": "text", "text": "a"}, {"text": "b"}]}, "a\n\nb", []),
        ({"parts": [{"type": "output_text", "text": "a"}]}, "a", []),
        ({"content": [{"type": "image", "url": "x"}]}, "", ["content"]),
        ({"content": [{"text": "a", "thought": True}]}, "", ["content"]),
        ({"content": {"a": 1}}, '{"a":1}', ["content"]),
        ({"content": "Hi", "tool_calls": [{}]}, "Hi", ["tool_calls"]),
        ({"content": "Hi", "id": "m", "metadata": {"a": 1}}, "Hi", []),
    ],
)
def test_a_message_of_others_is_role_and_text_and_what_it_lost(
    message: dict[str, object], text: str, lossy: list[str]
) -> None:
    found = plain({"role": "user", **message})
    assert found.message == {"role": "user", "content": text}
    assert list(found.lossy) == lossy


def test_a_plain_message_says_what_the_history_says(
    client: AgentRuntimeClient, session_id: str
) -> None:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]},
        {"role": "user", "content": {"é": [1]}},
        {"role": "user", "parts": [{"text": "a"}, {"text": "b", "thought": True}]},
        {"role": "user", "content": 7},
        {"role": "user"},
    ]
    client.append_messages(session_id, messages)
    shown = [one["content"] for one in client.history(session_id)["messages"]]
    assert [plain(one).text for one in messages] == shown


def test_the_last_items_are_all_there_though_pages_end_at_a_number_of_bytes(
    client: AgentRuntimeClient, session_id: str
) -> None:
    for number in range(12):
        text = f"{number}" + "x" * 1_000_000
        client.append_entries(session_id, [OURS.message({"role": "user", "content": text}, {})])
    found = OURS.last_items(client, session_id, 11)
    assert [item.message["content"].rstrip("x") for item in found if item.message] == [
        f"{number}" for number in range(1, 12)
    ]


def test_newest_items_come_newest_first(client: AgentRuntimeClient, session_id: str) -> None:
    client.append_entries(session_id, [OURS.record(number) for number in range(2_500)])
    assert [item.envelope for item in OURS.newest_items(client, session_id)] == list(
        range(2_499, -1, -1)
    )
