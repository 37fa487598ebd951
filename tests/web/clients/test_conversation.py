"""A framework's items in a log, read from its end."""

from collections.abc import Iterator

import pytest

from web.clients.client import AgentRuntimeClient
from web.clients.embedded import open_portal
from web.clients.shared.conversation import Framework

OURS = Framework("ours")


@pytest.fixture
def client() -> Iterator[AgentRuntimeClient]:
    with open_portal("memory://") as portal:
        yield AgentRuntimeClient(runtime=portal)


def test_the_last_items_are_all_there_though_pages_end_at_a_number_of_bytes(
    client: AgentRuntimeClient,
) -> None:
    for number in range(12):
        text = f"{number}" + "x" * 1_000_000
        client.append_entries("s", [OURS.message({"role": "user", "content": text}, {})])
    found = OURS.last_items(client, "s", 11)
    assert [item.message["content"].rstrip("x") for item in found if item.message] == [
        f"{number}" for number in range(1, 12)
    ]


def test_newest_items_come_newest_first(client: AgentRuntimeClient) -> None:
    client.append_entries("s", [OURS.record(number) for number in range(2_500)])
    assert [item.envelope for item in OURS.newest_items(client, "s")] == list(range(2_499, -1, -1))


def test_a_session_that_is_not_there_has_no_items(client: AgentRuntimeClient) -> None:
    assert not list(OURS.newest_items(client, "nobody"))
    assert not OURS.last_items(client, "nobody", 3)
