"""The SDK's own agent, with a fake model: its transcripts go into the service and back."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk import (
    ClaudeAgentOptions,
    MirrorErrorMessage,
    ResultMessage,
    list_sessions_from_store,
    project_key_for_directory,
    query,
)

from tests.frameworks.claude_agent_sdk.model import ANSWER, Model, served
from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient
from web.clients.claude_agent_sdk import AgentRuntimeSessionStore
from web.clients.names import session_id_of


@pytest.fixture
def model() -> Iterator[Model]:
    with served() as model:
        yield model


@pytest.fixture
def settings(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of an agent that knows nobody's account, and no address but the model's."""
    for name in os.environ:
        if name.startswith(("CLAUDE", "ANTHROPIC")):
            monkeypatch.delenv(name)
    for name in ("home", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    environment = {
        "HOME": str(tmp_path / "home"),
        "CLAUDE_CONFIG_DIR": str(tmp_path / "home" / ".claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_API_KEY": "none",
    }
    return {
        "env": environment,
        "cwd": str(tmp_path / "project"),
        "model": "fake",
        "setting_sources": [],
        "tools": [],
    }


def ask(prompt: str, **options: Any) -> list[Any]:
    async def messages() -> list[Any]:
        asked = query(prompt=prompt, options=ClaudeAgentOptions(**options))
        return [message async for message in asked]

    return asyncio.run(messages())


def session_of(messages: list[Any]) -> str:
    [result] = [one for one in messages if isinstance(one, ResultMessage)]
    assert not result.is_error, result
    session_id: str = result.session_id
    return session_id


def test_an_agent_goes_on_from_the_service_after_a_crash_with_what_another_program_said(
    service: Served, settings: dict[str, Any], model: Model
) -> None:
    with AgentRuntimeSessionStore(service.url) as store:
        session_id = session_of(ask("What is the time?", session_store=store, **settings))
        kept = session_id_of(project_key_for_directory(settings["cwd"]), session_id)
        with AgentRuntimeClient(service.url) as client:
            theirs = [{"role": "user", "content": "And?"}, {"role": "assistant", "content": "So."}]
            theirs.append({"role": "developer", "content": "a note"})
            entries: Any = [{"kind": "message", "body": message} for message in theirs]
            client.append_entries(kept, entries)
            service.kill()
            service.restart()
            session_of(ask("And now?", session_store=store, resume=session_id, **settings))
            history = client.history(kept)["messages"]
        [listed] = asyncio.run(list_sessions_from_store(store, settings["cwd"]))
    said = [
        ("user", "What is the time?"),
        ("assistant", ANSWER),
        ("user", "And?"),
        ("assistant", "So."),
        ("user", "And now?"),
    ]
    # What the agent says of itself and of the machine has a role of its own.
    assert [(role, text) for role, text in model.texts if role != "system"] == said
    assert "a note" not in str(model.asked)
    shown = [(one["role"], one["content"]) for one in history]
    assert shown == [*said[:-1], ("developer", "a note"), said[-1], ("assistant", ANSWER)]
    assert (listed.session_id, listed.first_prompt) == (session_id, "What is the time?")


def test_an_agent_tells_of_a_service_that_is_away_and_answers_all_the_same(
    service: Served, settings: dict[str, Any]
) -> None:
    service.kill()
    with AgentRuntimeSessionStore(service.url) as store:
        messages = ask("What is the time?", session_store=store, **settings)
    session_of(messages)
    errors = [one.error for one in messages if isinstance(one, MirrorErrorMessage)]
    assert errors
    assert all("No service answers at http" in error for error in errors)


def test_a_resume_from_a_service_that_is_away_ends_with_its_sentence(
    service: Served, settings: dict[str, Any]
) -> None:
    service.kill()
    session_id = "7a4d3e52-36cf-4d3f-9c0c-0d3f9d5f2a11"
    with (
        AgentRuntimeSessionStore(service.url) as store,
        pytest.raises(RuntimeError, match="No service answers at http"),
    ):
        ask("And now?", session_store=store, resume=session_id, **settings)
