"""Items are taken back: the last one, or all; and a session is made under its true names."""

from collections.abc import Iterator
from typing import Any

import pytest

from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Answer, Call, Reply
from web.clients.embedded import Portal, open_portal
from web.clients.errors import NotFound
from web.clients.shared.conversation import Framework, Item

SOME = Framework("some")
OTHER = Framework("other")


@pytest.fixture
def portal() -> Iterator[Portal]:
    with open_portal("memory://") as portal:
        yield portal


@pytest.fixture
def client(portal: Portal) -> AgentRuntimeClient:
    return AgentRuntimeClient(runtime=portal)


def say(client: AgentRuntimeClient, *texts: str, framework: Framework = SOME) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    client.append_entries("a", [framework.message(one, {"n": 1}) for one in messages])


def shown(item: Item | None) -> Any:
    """What an item says, and whether it is the framework's own."""
    assert item is not None
    said = item.envelope if item.message is None else item.message["content"]
    return said, item.envelope is not None


def test_items_and_records_have_one_order_and_those_of_others_are_messages_alone(
    client: AgentRuntimeClient,
) -> None:
    say(client, "one")
    client.append_entries("a", [SOME.record({"two": 2}), OTHER.record({"hidden": 1})])
    say(client, "three", framework=OTHER)
    expected = [("one", True), ({"two": 2}, True), ("three", False)]
    assert [shown(item) for item in SOME.items(client, "a")] == expected
    assert [shown(item) for item in SOME.last_items(client, "a", 2)] == expected[-2:]


def test_the_last_item_is_popped_and_what_is_no_item_behind_it(client: AgentRuntimeClient) -> None:
    say(client, "one", "two")
    client.append_entries("a", [OTHER.record(1)])
    assert shown(SOME.pop(client, "a")) == ("two", True)
    assert [entry["kind"] for entry in client.iter_log("a", counting=True)] == ["message", "rewind"]
    assert shown(SOME.pop(client, "a")) == ("one", True)
    assert SOME.pop(client, "a") is None


class WrittenMeanwhile:
    """A connection to a session that somebody else writes to, before the first rewind comes."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._is_written = False

    def exchange(self, call: Call) -> Reply:
        if call.path.endswith("/rewind") and not self._is_written:
            self._is_written = True
            say(AgentRuntimeClient(runtime=self._portal), "meanwhile")
        return self._portal.exchange(call)

    def open(self, call: Call) -> Answer:
        return self._portal.open(call)

    def close(self) -> None:
        pass


def test_what_comes_meanwhile_is_not_popped_with_what_is_below_it(portal: Portal) -> None:
    say(AgentRuntimeClient(runtime=portal), "one")
    client = AgentRuntimeClient(runtime=WrittenMeanwhile(portal))
    assert shown(SOME.pop(client, "a")) == ("meanwhile", True)
    assert [shown(item) for item in SOME.items(client, "a")] == [("one", True)]


def test_what_is_cleared_is_taken_back_and_not_lost(client: AgentRuntimeClient) -> None:
    say(client, "one")
    SOME.clear(client, "a")
    assert list(SOME.items(client, "a")) == []
    client.rewind("a", 1)
    assert [shown(item) for item in SOME.items(client, "a")] == [("one", True)]


def test_no_session_has_no_items_and_is_not_made_by_looking(client: AgentRuntimeClient) -> None:
    assert list(SOME.items(client, "a")) == []
    assert SOME.last_items(client, "a", 5) == []
    assert SOME.pop(client, "a") is None
    SOME.clear(client, "a")
    with pytest.raises(NotFound):
        client.get_session("a")


def test_the_true_names_of_a_session_are_told_once(client: AgentRuntimeClient) -> None:
    for _ in range(2):
        SOME.make(client, "~a", {"session_id": "\ud800"})
    assert client.get_session("~a")["metadata"] == {"some": {"session_id": "\ufffd"}}
