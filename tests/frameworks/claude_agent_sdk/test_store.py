"""Transcripts in a service: what is kept of them, how it is shown, and what a crash leaves."""

import asyncio
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.frameworks.claude_agent_sdk.transcripts import (
    ID,
    KEY,
    append,
    conversation,
    load,
    text_of,
    user,
)
from tests.frameworks.counted import Held
from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient
from web.clients.claude_agent_sdk import AgentRuntimeSessionStore
from web.clients.embedded import open_portal
from web.clients.errors import ServiceUnreachable


def test_lines_come_back_with_their_members_in_order(store: AgentRuntimeSessionStore) -> None:
    append(store, conversation())
    assert text_of(load(store)) == text_of(conversation())


def test_histories_and_contexts_show_what_was_said(
    store: AgentRuntimeSessionStore, service: Served
) -> None:
    append(store, conversation())
    url = f"{service.url}/api/v1/sessions/{ID}"
    history = httpx.get(f"{url}/history").json()["messages"]
    assert [(one["role"], one["content"]) for one in history] == [
        ("user", "What is in a.txt?"),
        ("assistant", ""),
        ("user", ""),
        ("assistant", "It says hello."),
    ]
    context = httpx.get(f"{url}/context").json()
    assert context["interrupted"] == []
    assert [one["content"] for one in context["messages"]] == [
        line["message"]["content"] for line in conversation() if "message" in line
    ]


def test_a_line_with_a_uuid_is_kept_once_after_a_crash_too(
    store: AgentRuntimeSessionStore, service: Served
) -> None:
    append(store, conversation()[:4])
    service.kill()
    service.restart()
    append(store, conversation()[2:6])
    assert load(store) == conversation()[:6]


def test_of_two_lines_with_one_uuid_the_first_stays_and_what_is_new_beside_them_is_kept(
    store: AgentRuntimeSessionStore,
) -> None:
    append(store, [user(1, "first")])
    append(store, [user(1, "second"), user(2, "new"), user(2, "newer")])
    assert load(store) == [user(1, "first"), user(2, "new")]


def test_lines_without_a_uuid_are_kept_each_time(store: AgentRuntimeSessionStore) -> None:
    title = {"type": "custom-title", "customTitle": "Mine"}
    append(store, [title, title])
    append(store, [title])
    assert load(store) == [title] * 3


def test_lines_are_in_the_order_of_the_calls_that_did_not_wait_for_each_other(
    store: AgentRuntimeSessionStore,
) -> None:
    lines = [user(number, f"{number}") for number in range(1, 60)]

    async def all_at_once() -> None:
        await asyncio.gather(*(store.append(KEY, [line]) for line in lines))

    asyncio.run(all_at_once())
    assert load(store) == lines


def test_lines_that_nobody_waits_for_any_more_keep_their_place(tmp_path: Path) -> None:
    lines = [user(number, f"{number}") for number in range(1, 5)]

    async def steps(held: Held) -> Any:
        store = AgentRuntimeSessionStore(runtime=held)
        await store.append(KEY, lines[:1])
        held.is_open.clear()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.append, KEY, lines[1:2])
            await anyio.to_thread.run_sync(held.has_come.wait)
            with anyio.move_on_after(0):
                await store.append(KEY, lines[2:3])
            tasks.start_soon(store.append, KEY, lines[3:4])
            held.is_open.set()
        return await store.load(KEY)

    with open_portal(f"sqlite:///{tmp_path}/held.db") as portal:
        assert anyio.run(steps, Held(portal)) == lines


def test_a_service_that_was_killed_between_appends_has_all_that_they_said(
    store: AgentRuntimeSessionStore, service: Served
) -> None:
    for start in range(0, 7, 3):
        append(store, conversation()[start : start + 3])
        service.kill()
        service.restart()
    assert load(store) == conversation()


def test_a_service_that_is_away_is_named_and_nothing_is_written(
    store: AgentRuntimeSessionStore, service: Served
) -> None:
    append(store, conversation()[:2])
    service.kill()
    with pytest.raises(ServiceUnreachable, match="No service answers at http"):
        append(store, conversation()[2:])
    service.restart()
    assert load(store) == conversation()[:2]


def test_a_line_beyond_what_a_call_takes_goes_in_pieces(store: AgentRuntimeSessionStore) -> None:
    large = user(2, "\\" * 7_000_000)
    append(store, [user(1, "before"), large, user(3, "after")])
    append(store, [large])
    assert load(store) == [user(1, "before"), large, user(3, "after")]


def test_a_large_line_that_a_rewind_takes_back_leaves_nothing(
    store: AgentRuntimeSessionStore, client: AgentRuntimeClient
) -> None:
    append(store, [user(1, "before"), user(2, "x" * 13_000_000)])
    last = client.get_session(ID)["version"]
    client.rewind(ID, last - 1)
    assert load(store) == [user(1, "before")]
    assert len(asyncio.run(store.list_session_summaries(KEY["project_key"]))) == 1


@pytest.mark.parametrize(
    "line",
    [
        user(1, "half a pair: \ud83d"),
        user(1, "its own metadata", message={"role": "user", "content": "x", "metadata": {"a": 1}}),
        user(1, "no role", message={"content": "x"}),
        user(1, "no message", message=None),
        user(1, "large numbers", n=2**80, f=1.5e300),
        {"type": "system", "uuid": "a\0b", "deep": eval("[" * 90 + "]" * 90)},  # noqa: S307
        {"type": "system", "uuid": 17},
        {"type": "system", "uuid": "x" * 1000},
        {"json": "{}", "type": "json"},
    ],
    ids=lambda line: str(line)[:40],
)
def test_odd_lines_come_back_too(store: AgentRuntimeSessionStore, line: Any) -> None:
    append(store, [line])
    assert text_of(load(store)) == text_of([line])


def test_what_another_program_said_is_in_the_transcript_and_what_answers_it_finds_it(
    store: AgentRuntimeSessionStore, client: AgentRuntimeClient
) -> None:
    append(store, [user(1, "hello")])
    client.append_entries(
        ID,
        [
            {"kind": "message", "body": {"role": "assistant", "content": "hi", "name": "bot"}},
            {"kind": "message", "body": {"role": "developer", "content": "be brief"}},
        ],
    )
    [first, said, noted] = load(store)
    assert first == user(1, "hello")
    assert said["type"] == "assistant"
    assert said["message"] == {"role": "assistant", "content": "hi"}
    assert said["parentUuid"] == first["uuid"]
    assert said["agent_runtime"] == {"seq": 3, "role": "assistant", "lossy": ["name"]}
    assert (noted["type"], noted["content"]) == ("system", "be brief")
    assert noted["parentUuid"] == said["uuid"]
    assert load(store) == [first, said, noted]
