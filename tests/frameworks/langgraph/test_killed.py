"""`kill -9` of the service between steps: what was answered is there, and nothing is half."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.types import Command

from tests.frameworks.langgraph.graphs import THREAD, asking, chat, history, texts
from tests.frameworks.served import Served, serving
from web.clients.errors import AccessRefused, ServiceUnreachable
from web.clients.langgraph import AgentRuntimeSaver
from web.clients.langgraph.values import LARGEST

CONFIG: Any = {"configurable": {"thread_id": "thread", "checkpoint_ns": ""}}


def checkpoint(**values: Any) -> Any:
    return empty_checkpoint() | {
        "channel_values": values,
        "channel_versions": dict.fromkeys(values, "1"),
    }


def test_a_service_killed_between_a_checkpoint_and_its_writes_has_both(service: Served) -> None:
    with AgentRuntimeSaver(service.url) as saver:
        stored = saver.put(CONFIG, checkpoint(a=1), {"step": 1}, {"a": "1"})
        service.restart()
        saver.put_writes(stored, [("a", 2)], "task")
        service.restart()
        found = saver.get_tuple(stored)
    assert found is not None
    assert found.checkpoint["channel_values"] == {"a": 1}
    assert found.pending_writes == [("task", "a", 2)]


def test_a_service_killed_after_each_turn_loses_none(service: Served) -> None:
    with AgentRuntimeSaver(service.url) as saver:
        graph = chat(saver, "One.", "Two.", "Three.")
        for said in ("1", "2", "3"):
            graph.invoke({"messages": [("user", said)]}, THREAD)
            service.restart()
        state = texts(graph.get_state(THREAD).values["messages"])
    assert state == ["1", "One.", "2", "Two.", "3", "Three."]
    assert [text for _, text in history(service.url)] == state


def test_a_service_killed_while_a_person_thinks_goes_on_with_the_answer(service: Served) -> None:
    ran: list[str] = []
    with AgentRuntimeSaver(service.url) as saver:
        graph = asking(saver, ran)
        graph.invoke({"done": []}, THREAD)
        service.restart()
        done = graph.invoke(Command(resume="yes"), THREAD)
    assert done["done"] == ["first", "answered yes", "third"]
    assert ran == ["first", "third"]


def test_a_service_that_is_away_is_named_and_a_later_try_goes_on(service: Served) -> None:
    ran: list[str] = []
    with AgentRuntimeSaver(service.url) as saver:
        graph = asking(saver, ran)
        graph.invoke({"done": []}, THREAD)
        service.kill()
        with pytest.raises(ServiceUnreachable, match="is it running there"):
            graph.invoke(Command(resume="yes"), THREAD)
        service.restart()
        done = graph.invoke(Command(resume="yes"), THREAD)
    assert done["done"] == ["first", "answered yes", "third"]


def test_a_large_checkpoint_whose_service_dies_halfway_is_not_there(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with AgentRuntimeSaver(service.url) as saver:
        before = saver.put(CONFIG, checkpoint(a="small"), {"step": 1}, {"a": "1"})
        append, calls = saver._client.append_entries, []

        def then_die(*arguments: Any, **options: Any) -> Any:
            calls.append(arguments)
            if len(calls) == 2:
                service.kill()
            return append(*arguments, **options)

        monkeypatch.setattr(saver._client, "append_entries", then_die)
        large = checkpoint(a=uuid.uuid4().bytes * (LARGEST // 4))
        with pytest.raises(ServiceUnreachable):
            saver.put(before, large, {"step": 2}, {"a": "2"})
        service.restart()
        found = saver.get_tuple(CONFIG)
        assert found is not None
        assert found.checkpoint["channel_values"] == {"a": "small"}
        monkeypatch.undo()
        large["channel_versions"] = {"a": "2"}
        saver.put(before, large, {"step": 2}, {"a": "2"})
        found = saver.get_tuple(CONFIG)
    assert found is not None
    assert found.checkpoint["channel_values"] == large["channel_values"]


def test_a_wrong_token_is_said_in_the_services_words(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-right-token-of-this-service\n")
    file.chmod(0o600)
    with (
        serving(tmp_path, "--token-file", str(file)) as guarded,
        AgentRuntimeSaver(guarded.url, token="another") as saver,
        pytest.raises(AccessRefused, match="token"),
    ):
        chat(saver, "Hello.").invoke({"messages": [("user", "Hi")]}, THREAD)
