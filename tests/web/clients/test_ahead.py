"""What is too much for one call goes ahead of it in parts."""

import pytest

from web.clients.client import AgentRuntimeClient
from web.clients.embedded import open_portal
from web.clients.shared import ahead
from web.clients.shared.ahead import Ahead, beginning


@pytest.mark.parametrize("length", [1, 7, 8, 9, 100])
def test_a_text_of_any_length_comes_back(monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(ahead, "PART", 8)
    text = "".join(chr(ord("a") + number % 26) for number in range(length))
    with open_portal("memory://") as portal:
        client = AgentRuntimeClient(runtime=portal)
        first = Ahead.put(client, "a", "some", text)
        second = Ahead.put(client, "a", "some", "other")
        assert first.get(client, "a") == text
        assert second.get(client, "a") == "other"


def test_of_a_text_of_which_a_part_was_removed_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ahead, "PART", 2)
    with open_portal("memory://") as portal:
        client = AgentRuntimeClient(runtime=portal)
        put = Ahead.put(client, "a", "some", "text")
        client.put_records("a", remove=[f"{put.key}0001"])
        assert put.get(client, "a") is None


def test_others_are_shown_what_is_small_and_beginnings() -> None:
    large = "x" * 20_000
    message = {
        "role": "user",
        "content": [{"type": "text", "text": "See:"}, {"type": "image", "data": large}],
        "output": large,
        "more": {"of": large},
    }
    assert beginning(message) == {
        "role": "user",
        "content": [{"type": "text", "text": "See:"}],
        "output": "x" * 1000,
        "more": '{"of": "' + "x" * 992,
    }
