"""An agent around another: what is kept, told again, and left by a crash."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import acp
import httpx
import pytest

from tests.frameworks.acp.fakes import Scripted, Window, connected, prompt
from tests.frameworks.acp.steps import answered, begun, loaded, log_of, run_all, said
from tests.frameworks.served import Served
from tests.frameworks.shown import blocks, run_example
from web.clients import AgentRuntimeClient
from web.clients.embedded import open_portal

EVERYTHING = ("say a b c", "work", "blocks", "count 3")


def test_all_that_a_client_was_told_is_told_again_in_order(service: Served) -> None:
    async def steps() -> None:
        window = Window()
        told = []
        async with connected(Scripted(), window, url=service.url) as connection:
            session_id = await begun(connection)
            for what in EVERYTHING:
                await connection.prompt(session_id=session_id, prompt=prompt(what))
                told += [said(what), *window.taken()]
        assert {one["sessionUpdate"] for one in told} == {
            "user_message_chunk",
            "agent_message_chunk",
            "agent_thought_chunk",
            "plan",
            "tool_call",
            "tool_call_update",
        }
        assert await loaded(service, session_id) == told

    run_all(steps())


def test_a_text_in_pieces_is_one_entry(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "count 200")
        kinds = [entry["kind"] for entry in log_of(service, session_id)]
        assert kinds == ["settings", "message", "message"]

    run_all(steps())


def test_histories_and_contexts_have_the_conversation(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "work")
        url = f"{service.url}/api/v1/sessions/{session_id}"
        history = httpx.get(f"{url}/history").json()["messages"]
        assert [(one["role"], one["content"]) for one in history] == [
            ("user", "work"),
            ("assistant", "I read a.txt."),
            ("assistant", ""),
            ("tool", "hello"),
            ("assistant", ""),
            ("tool", '"completed"'),
            ("assistant", "It says hello."),
        ]
        context = httpx.get(f"{url}/context").json()
        assert context["interrupted"] == []
        assert context["messages"][2]["tool_calls"][0]["function"] == {
            "name": "read",
            "arguments": '{"path": "a.txt"}',
        }

    run_all(steps())


def test_a_service_that_was_killed_in_the_middle_of_a_text_has_all_of_it(service: Served) -> None:
    async def steps() -> None:
        window, inner = Window(), Scripted()
        async with connected(inner, window, url=service.url) as connection:
            session_id = await begun(connection, "work")
            before = window.taken()
            going = asyncio.create_task(
                connection.prompt(session_id=session_id, prompt=prompt("wait"))
            )
            await window.until_told("before")
            service.kill()
            service.restart()
            inner.gate.set()
            await going
        told = [said("work"), *before, said("wait"), answered("before after")]
        assert await loaded(service, session_id) == told

    run_all(steps())


def test_what_could_not_be_kept_is_not_told_and_not_told_again(service: Served) -> None:
    async def steps() -> None:
        window, inner = Window(), Scripted()
        async with connected(inner, window, url=service.url) as connection:
            session_id = await begun(connection)
            going = asyncio.create_task(
                connection.prompt(session_id=session_id, prompt=prompt("wait"))
            )
            await window.until_told("before")
            service.kill()
            inner.gate.set()
            with pytest.raises(acp.RequestError, match="No service answers at http"):
                await going
            assert window.taken() == [answered("before ")]
            service.restart()
            await connection.load_session(cwd="/", session_id=session_id, mcp_servers=[])
        assert window.taken() == [said("wait"), answered("before ")]

    run_all(steps())


@pytest.mark.parametrize(("what", "last"), [("wait", "before "), ("think", "see")])
def test_what_an_agent_had_told_when_it_was_killed_is_told_again_in_its_place(
    service: Served, what: str, last: str
) -> None:
    async def steps() -> None:
        window = Window()
        environment = {**os.environ, "AGENT_RUNTIME_URL": service.url}
        command = (sys.executable, "-m", "tests.frameworks.acp.fakes")
        async with acp.spawn_agent_process(
            window, *command, env=environment, use_unstable_protocol=True
        ) as (connection, process):
            await connection.initialize(protocol_version=1)
            session_id = await begun(connection)
            going = asyncio.create_task(
                connection.prompt(session_id=session_id, prompt=prompt(what))
            )
            await window.until_told(last)
            process.kill()
            with pytest.raises(ConnectionError):
                await going
        told = [said(what), *window.taken()]
        assert await loaded(service, session_id) == told
        async with connected(Scripted(), Window(), url=service.url) as connection:
            await connection.prompt(session_id=session_id, prompt=prompt("say more"))
        assert await loaded(service, session_id) == [*told, said("say more"), answered("more ")]

    run_all(steps())


def test_two_agents_with_one_session_lose_nothing_of_each_other(service: Served) -> None:
    async def steps() -> None:
        window, inner = Window(), Scripted()
        async with (
            connected(inner, window, url=service.url) as one,
            connected(Scripted(), Window(), url=service.url) as other,
        ):
            session_id = await begun(one)
            going = asyncio.create_task(one.prompt(session_id=session_id, prompt=prompt("wait")))
            await window.until_told("before")
            await other.prompt(session_id=session_id, prompt=prompt("say meanwhile"))
            inner.gate.set()
            await going
        assert await loaded(service, session_id) == [
            said("wait"),
            answered("before "),
            said("say meanwhile"),
            answered("meanwhile after"),
        ]

    run_all(steps())


def test_a_service_that_is_away_is_named_and_nothing_is_told(service: Served) -> None:
    async def steps() -> None:
        window, inner = Window(), Scripted()
        async with connected(inner, window, url=service.url) as connection:
            session_id = await begun(connection)
            service.kill()
            for call in (
                connection.prompt(session_id=session_id, prompt=prompt("say x")),
                connection.new_session(cwd="/project", mcp_servers=[]),
                connection.list_sessions(),
            ):
                with pytest.raises(acp.RequestError, match="No service answers at http"):
                    await call
            assert (window.told, inner.prompted) == ([], [])
            service.restart()
            await connection.prompt(session_id=session_id, prompt=prompt("say x"))
        assert await loaded(service, session_id) == [said("say x"), answered("x ")]

    run_all(steps())


def test_what_another_program_said_is_told_as_well(service: Served) -> None:
    async def steps() -> None:
        with AgentRuntimeClient(service.url) as client:
            hello = {"role": "user", "content": "hello"}
            hi = {"role": "assistant", "content": "hi", "name": "bot"}
            brief = {"role": "system", "content": "be brief"}
            entries: Any = [{"kind": "message", "body": body} for body in (brief, hello, hi)]
            client.append_entries("theirs", entries)
        told = await loaded(service, "theirs")
        assert [(one["sessionUpdate"], one["content"]["text"]) for one in told] == [
            ("agent_thought_chunk", "be brief"),
            ("user_message_chunk", "hello"),
            ("agent_message_chunk", "hi"),
        ]
        assert told[2]["_meta"]["agent_runtime"]["lossy"] == ["name"]

    run_all(steps())


def test_a_rewind_takes_back_what_is_told(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "say one")
            at = log_of(service, session_id)[-1]["seq"]
            await connection.prompt(session_id=session_id, prompt=prompt("say two"))
        with AgentRuntimeClient(service.url) as client:
            client.rewind(session_id, at)
        assert await loaded(service, session_id) == [said("say one"), answered("one ")]

    run_all(steps())


def test_what_the_agent_tells_before_its_client_knows_the_session_is_kept(
    service: Served,
) -> None:
    async def steps() -> None:
        window = Window()
        async with connected(Scripted(), window, url=service.url) as connection:
            session_id = await begun(connection, cwd="/early")
        assert [one for one, _ in window.told] == [session_id]
        mode = {"sessionUpdate": "current_mode_update", "currentModeId": "fast"}
        assert await loaded(service, session_id) == [mode]

    run_all(steps())


def test_calls_of_the_agent_to_its_client_name_the_clients_session(service: Served) -> None:
    async def steps() -> None:
        window = Window()
        async with connected(Scripted(), window, url=service.url) as connection:
            session_id = await begun(connection, "read")
        assert window.text == f"/a.txt of {session_id}"

    run_all(steps())


def test_what_is_beyond_what_a_call_takes_goes_in_pieces(service: Served) -> None:
    async def steps() -> None:
        image = {"type": "image", "data": "A" * 20_000_000, "mimeType": "image/png"}
        block = acp.image_block(image["data"], image["mimeType"])
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection)
            blocks = [*prompt("say a"), block]
            await connection.prompt(session_id=session_id, prompt=blocks)
        shown = {"sessionUpdate": "user_message_chunk", "content": image}
        assert await loaded(service, session_id) == [said("say a"), shown, answered("a ")]

    run_all(steps())


def test_it_is_the_same_with_a_runtime_in_the_process(tmp_path: Path) -> None:
    async def steps(portal: Any) -> None:
        window = Window()
        async with connected(Scripted(), window, runtime=portal) as connection:
            session_id = await begun(connection, "work")
            told = window.taken()
            await connection.load_session(cwd="/", session_id=session_id, mcp_servers=[])
        assert window.taken() == [said("work"), *told]

    with open_portal(f"sqlite:///{tmp_path}/embedded.db") as portal:
        run_all(steps(portal))


def test_the_example_runs(service: Served) -> None:
    assert "told again: Hello" in run_example("acp_agent", service.url)


@pytest.mark.parametrize("block", blocks("Agent Client Protocol"))
def test_the_document_is_an_agent_as_it_stands(service: Served, block: str) -> None:
    async def steps() -> None:
        window = Window()
        environment = {**os.environ, "AGENT_RUNTIME_URL": service.url}
        async with acp.spawn_agent_process(
            window, sys.executable, "-c", block, env=environment, use_unstable_protocol=True
        ) as (connection, _):
            await connection.initialize(protocol_version=1)
            session_id = await begun(connection, "hi")
        assert await loaded(service, session_id) == [said("hi"), *window.taken()]

    run_all(steps())
