"""Transcripts in a service: as sessions that are listed, forked and deleted."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import httpx
import pytest
from claude_agent_sdk import (
    InMemorySessionStore,
    delete_session_via_store,
    fork_session_via_store,
    get_session_info_from_store,
    get_session_messages_from_store,
    list_sessions_from_store,
    list_subagents_from_store,
    project_key_for_directory,
    rename_session_via_store,
    tag_session_via_store,
)
from claude_agent_sdk.testing import run_session_store_conformance

from tests.frameworks.claude_agent_sdk.transcripts import (
    ID,
    KEY,
    SESSION,
    SUBAGENT,
    append,
    assistant,
    conversation,
    load,
    user,
)
from tests.frameworks.counted import Counted
from tests.frameworks.served import Served, serving
from tests.frameworks.shown import blocks, run_block, run_example
from web.clients import AgentRuntimeClient
from web.clients.claude_agent_sdk import AgentRuntimeSessionStore
from web.clients.embedded import open_portal
from web.clients.errors import AccessRefused
from web.clients.names import session_id_of


def test_the_conformance_function_passes_under_trio_and_embedded(tmp_path: Path) -> None:
    numbers = iter(range(100))
    with open_portal(f"sqlite:///{tmp_path}/probe.db"):
        pass
    portals = []

    def make() -> AgentRuntimeSessionStore:
        portal = open_portal(f"sqlite:///{tmp_path}/{next(numbers)}.db")
        portals.append(portal)
        return AgentRuntimeSessionStore(runtime=portal.__enter__())

    try:
        anyio.run(run_session_store_conformance, make, backend="trio")
    finally:
        for portal in portals:
            portal.__exit__(None, None, None)


def test_a_wrong_token_is_refused_in_words(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("right-token-of-enough-letters")
    with (
        serving(tmp_path, "--token-file", str(token)) as service,
        AgentRuntimeSessionStore(service.url, token="wrong") as store,
        pytest.raises(AccessRefused, match="token"),
    ):
        append(store, conversation())


def test_odd_names_have_sessions_of_their_own(store: AgentRuntimeSessionStore) -> None:
    keys: list[dict[str, str]] = [
        {"project_key": "a:b", "session_id": "c"},
        {"project_key": "a", "session_id": "b:c"},
        {"project_key": "a", "session_id": "b", "subpath": "c"},
        {"project_key": "", "session_id": "c"},
        {"project_key": "p" * 600, "session_id": "c"},
        {"project_key": "half \ud83d", "session_id": "c"},
    ]
    for number, key in enumerate(keys, 1):
        append(store, [user(number, "x")], key)
    for number, key in enumerate(keys, 1):
        assert load(store, key) == [user(number, "x")]
        listed = asyncio.run(store.list_sessions(key["project_key"]))
        if "subpath" not in key:
            assert [one["session_id"] for one in listed] == [key["session_id"]]


def test_a_session_that_another_program_began_is_listed_once_the_sdk_writes_to_it(
    store: AgentRuntimeSessionStore, client: AgentRuntimeClient
) -> None:
    client.append_entries(ID, [{"kind": "message", "body": {"role": "user", "content": "hello"}}])
    append(store, [assistant(2, "hi")])
    [listed] = asyncio.run(store.list_sessions(KEY["project_key"]))
    assert listed["session_id"] == SESSION


def test_a_rewind_is_a_rewind_of_the_transcript_and_of_its_summary(
    store: AgentRuntimeSessionStore, client: AgentRuntimeClient
) -> None:
    append(store, [user(1, "hello")])
    before = client.get_session(ID)["version"]
    append(store, [{"type": "custom-title", "customTitle": "Taken back"}])
    [summary] = asyncio.run(store.list_session_summaries(KEY["project_key"]))
    assert summary["data"]["custom_title"] == "Taken back"
    client.rewind(ID, before)
    [summary] = asyncio.run(store.list_session_summaries(KEY["project_key"]))
    assert load(store) == [user(1, "hello")]
    assert "custom_title" not in summary["data"]


def test_the_sdks_own_functions_say_the_same_of_our_store_as_of_its_own(
    store: AgentRuntimeSessionStore, tmp_path: Path
) -> None:
    async def said(store: Any) -> Any:
        key = {**KEY, "project_key": project_key_for_directory(tmp_path)}
        folder = str(tmp_path)
        for line in conversation():
            await store.append(key, [line])
        await store.append({**key, "subpath": "subagents/agent-1"}, [user(1, "look")])
        await rename_session_via_store(store, SESSION, "Renamed", folder)
        await tag_session_via_store(store, SESSION, "good", folder)
        await tag_session_via_store(store, SESSION, None, folder)
        fork = await fork_session_via_store(store, SESSION, folder, str(UUID(int=3)))
        found = await list_sessions_from_store(store, folder)
        known = await get_session_info_from_store(store, SESSION, folder)
        read = await get_session_messages_from_store(store, SESSION, folder)
        forked = await get_session_messages_from_store(store, fork.session_id, folder)
        agents = await list_subagents_from_store(store, SESSION, folder)
        await delete_session_via_store(store, SESSION, folder)
        left = await list_sessions_from_store(store, folder)
        shown = [
            (one.session_id == SESSION, one.summary, one.custom_title, one.first_prompt, one.tag)
            for one in [*found, known, *left]
        ]
        return shown, [one.message for one in [*read, *forked]], agents

    assert asyncio.run(said(store)) == asyncio.run(said(InMemorySessionStore()))


def test_subagents_are_children_of_their_session_and_go_into_the_trash_with_it(
    store: AgentRuntimeSessionStore, client: AgentRuntimeClient, service: Served
) -> None:
    append(store, [user(1, "hello")])
    append(store, [user(1, "look")], SUBAGENT)
    child = session_id_of(*SUBAGENT.values())
    assert client.get_session(child)["metadata"]["parent"] == ID
    asyncio.run(store.delete(KEY))
    trash = httpx.get(f"{service.url}/api/v1/trash").json()["sessions"]
    assert {one["session_id"] for one in trash} == {ID, child}


def test_a_session_that_was_deleted_by_another_process_begins_anew(
    store: AgentRuntimeSessionStore, service: Served
) -> None:
    append(store, [user(1, "hello")])
    with AgentRuntimeSessionStore(service.url) as other:
        asyncio.run(other.delete(KEY))
    append(store, [user(2, "again")])
    assert load(store) == [user(2, "again")]
    assert len(asyncio.run(store.list_sessions(KEY["project_key"]))) == 1


def test_each_method_takes_as_many_calls_as_its_docstring_says(tmp_path: Path) -> None:
    with open_portal(f"sqlite:///{tmp_path}/calls.db") as portal:
        counted = Counted(portal)
        store = AgentRuntimeSessionStore(runtime=counted)
        project = KEY["project_key"]
        append(store, [user(1, "hello")])
        assert counted.taken() == ["GET", "POST", "POST"]
        append(store, [user(2, "again")])
        assert counted.taken() == ["POST"]
        append(AgentRuntimeSessionStore(runtime=counted), [user(3, "elsewhere")])
        assert counted.taken() == ["GET", "POST"]
        load(store)
        assert counted.taken() == ["GET"]
        asyncio.run(store.list_sessions(project))
        assert counted.taken() == ["GET"]
        asyncio.run(store.list_session_summaries(project))
        assert counted.taken() == ["GET", "GET", "PATCH"]
        asyncio.run(store.list_session_summaries(project))
        assert counted.taken() == ["GET"]
        asyncio.run(store.list_subkeys({"project_key": project, "session_id": SESSION}))
        assert counted.taken() == ["GET"]
        asyncio.run(store.delete(KEY))
        assert counted.taken() == ["GET", "DELETE"]


def test_the_example_runs(service: Served) -> None:
    assert "What is in a.txt?" in run_example("claude_agent", service.url)


@pytest.mark.parametrize("block", blocks("Claude Agent SDK"))
def test_the_document_runs_as_it_stands(service: Served, block: str) -> None:
    assert "hello" in run_block(block, service.url)
