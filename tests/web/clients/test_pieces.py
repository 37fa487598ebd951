"""What is too large for one call, and what is seen of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from web.clients.client import AgentRuntimeClient
from web.clients.embedded import open_portal
from web.clients.shared import pieces
from web.clients.shared.carrying import cleaned
from web.clients.shared.conversation import Framework, Item

OURS = Framework("ours")

LARGE = 'ü"\\ 😀' * 40_000
"""Larger than the room that these tests leave."""


@pytest.fixture(autouse=True)
def room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than there is, so that tests need not send so much."""
    monkeypatch.setattr(pieces, "ROOM", 300_000)
    monkeypatch.setattr(pieces, "PIECE", 100_000)


@pytest.fixture
def client() -> Iterator[AgentRuntimeClient]:
    with open_portal("memory://") as portal:
        yield AgentRuntimeClient(runtime=portal)


def said(item: Item) -> Any:
    return None if item.message is None else item.message["content"]


def test_a_large_message_is_read_whole(client: AgentRuntimeClient) -> None:
    entry = OURS.message({"role": "user", "content": LARGE, "more": [1]}, {"a": LARGE[:10]})
    OURS.append(client, "s", [entry])
    [item] = OURS.items(client, "s")
    assert item.envelope == {"a": LARGE[:10]}
    assert item.message == entry["body"]
    assert OURS.last_items(client, "s", 1) == [item]
    assert OURS.pop(client, "s") == item


def test_to_another_framework_a_large_message_is_whole_too(client: AgentRuntimeClient) -> None:
    OURS.append(client, "s", [OURS.message({"role": "user", "content": LARGE}, {"a": 1})])
    [item] = Framework("theirs").items(client, "s")
    assert item.envelope is None
    assert said(item) == LARGE


def test_a_large_record_is_read_whole(client: AgentRuntimeClient) -> None:
    OURS.append(client, "s", [OURS.record({"a": LARGE}), OURS.record("small")])
    assert [item.envelope for item in OURS.items(client, "s")] == [{"a": LARGE}, "small"]


def test_many_that_are_too_large_together_are_read_whole(client: AgentRuntimeClient) -> None:
    texts = [f"{number}" + "x" * 70_000 for number in range(7)]
    OURS.append(client, "s", [OURS.message({"role": "user", "content": one}, {}) for one in texts])
    assert [said(item) for item in OURS.items(client, "s")] == texts
    assert len(list(client.iter_log("s", kinds=["message"]))) == 7


def test_records_that_are_no_items_stay_as_they_are(client: AgentRuntimeClient) -> None:
    OURS.append(client, "s", [{"kind": "record", "key": "ours.state/a", "body": {"value": LARGE}}])
    [record] = client.iter_records("s")
    assert record["value"] == LARGE


def test_others_see_how_it_begins(
    client: AgentRuntimeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    OURS.append(client, "s", [OURS.message({"role": "user", "content": "x" * 17_000_000}, {})])
    [entry] = client.iter_log("s", kinds=["message"])
    content = entry["body"]["content"]
    assert content.startswith("x" * 4096)
    assert content.endswith("… (16995904 more characters)")


def test_it_is_sent_again_without_a_second_copy(client: AgentRuntimeClient) -> None:
    entry = OURS.message({"role": "user", "content": LARGE}, {}, key="one")
    OURS.append(client, "s", [entry])
    version = client.get_session("s")["version"]
    OURS.append(client, "s", [entry])
    assert client.get_session("s")["version"] == version


def test_where_a_piece_is_gone_it_is_another_programs(client: AgentRuntimeClient) -> None:
    OURS.append(client, "s", [OURS.message({"role": "user", "content": LARGE}, {"a": 1})])
    OURS.append(client, "s", [OURS.record({"a": LARGE[1:]})])
    client.put_records("s", remove_prefix=["ours.piece/"])
    [item] = OURS.items(client, "s")
    assert item.envelope is None
    assert said(item).startswith(LARGE[:100])


def test_what_is_redacted_of_what_is_shown_is_read_so(client: AgentRuntimeClient) -> None:
    OURS.append(client, "s", [OURS.message({"role": "user", "content": LARGE}, {"a": 1})])
    [entry] = client.iter_log("s", kinds=["message"])
    client.redact("s", entry["seq"], "/content")
    [item] = OURS.items(client, "s")
    assert said(item) == "[redacted]"


def test_where_a_piece_is_redacted_what_is_shown_is_read(client: AgentRuntimeClient) -> None:
    OURS.append(client, "s", [OURS.message({"role": "user", "content": LARGE}, {"a": 1})])
    client.redact("s", 1)
    [item] = OURS.items(client, "s")
    assert item.envelope is None
    assert said(item).startswith(LARGE[:100])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("half \ud800", "half \ufffd"),
        ([{"a": "\ud800"}, 1], [{"a": "\ufffd"}, 1]),
        ([float("nan")], "[NaN]"),
        ("\ud83d\ude00", "😀"),
    ],
    ids=ascii,
)
def test_what_is_not_carried_is_shown_as_it_can_be(value: object, shown: object) -> None:
    assert cleaned(value) == shown
