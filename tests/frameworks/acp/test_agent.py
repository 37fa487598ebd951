"""An agent around another: what is kept, what is told again, and what a crash leaves of it."""

import asyncio
import os
import socket
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import acp
import httpx
import pytest
from acp.connection import Connection

from tests.frameworks.acp.fakes import Scripted, Window, connected, prompt
from tests.frameworks.counted import Counted
from tests.frameworks.served import Served, serving
from tests.frameworks.shown import blocks, run_example
from web.clients import AgentRuntimeClient
from web.clients.acp import agent, run
from web.clients.embedded import open_portal

EVERYTHING = ("say a b c", "work", "blocks", "count 3")


def run_all(steps: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(steps, 100))


async def begun(connection: Any, *prompts: str, cwd: str = "/project") -> str:
    session_id: str = (await connection.new_session(cwd=cwd, mcp_servers=[])).session_id
    for what in prompts:
        await connection.prompt(session_id=session_id, prompt=prompt(what))
    return session_id


def said(what: str) -> dict[str, Any]:
    content = {"type": "text", "text": what}
    return {"sessionUpdate": "user_message_chunk", "content": content}


def answered(what: str) -> dict[str, Any]:
    content = {"type": "text", "text": what}
    return {"sessionUpdate": "agent_message_chunk", "content": content}


def log_of(service: Served, session_id: str) -> list[dict[str, Any]]:
    with AgentRuntimeClient(service.url) as client:
        return [dict(entry) for entry in client.iter_log(session_id)]


async def loaded(service: Served, session_id: str) -> list[dict[str, Any]]:
    """What a client is told that comes back after the agent was started again."""
    window = Window()
    async with connected(Scripted(), window, url=service.url) as connection:
        await connection.load_session(cwd="/project", session_id=session_id, mcp_servers=[])
        assert {told for told, _ in window.told} <= {session_id}
        return window.taken()


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


def test_a_new_session_is_there_at_once(service: Served) -> None:
    async def steps() -> None:
        inner = Scripted()
        async with connected(inner, Window(), url=service.url) as connection:
            session_id = await begun(connection, cwd="/here")
            with AgentRuntimeClient(service.url) as client:
                assert client.get_session(session_id)["metadata"]["cwd"] == "/here"
        assert inner.begun[0]["agent_runtime"] == {"session_id": session_id}

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


def test_sessions_are_listed_by_folder_and_in_pages(service: Served) -> None:
    async def steps() -> None:
        with AgentRuntimeClient(service.url) as client:
            client.create_session("elsewhere", metadata={"cwd": "/other"})
            client.create_session("no folder")
            client.create_session("child", metadata={"cwd": "/project", "parent": "s0"})
            for number in range(60):
                client.create_session(f"s{number}", metadata={"cwd": "/project"})
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "rename Mine")
            first = await connection.list_sessions(cwd="/project")
            second = await connection.list_sessions(cwd="/project", cursor=first.next_cursor)
            everywhere = await connection.list_sessions()
            with pytest.raises(acp.RequestError, match="cursor"):
                await connection.list_sessions(cursor="nonsense")
        found = [one.session_id for one in (*first.sessions, *second.sessions)]
        assert sorted(found) == sorted([session_id, *(f"s{number}" for number in range(60))])
        assert (first.sessions[0].session_id, first.sessions[0].title) == (session_id, "Mine")
        assert second.next_cursor is None
        assert len(everywhere.sessions) == 50

    run_all(steps())


def test_an_unknown_session_is_a_request_error(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            for call in (
                connection.load_session(cwd="/", session_id="nobody", mcp_servers=[]),
                connection.resume_session(cwd="/", session_id="nobody", mcp_servers=[]),
                connection.fork_session(cwd="/", session_id="nobody", mcp_servers=[]),
                connection.prompt(session_id="nobody", prompt=prompt("say x")),
                connection.close_session(session_id="nobody"),
                connection.set_session_mode(session_id="", mode_id="fast"),
                connection.ext_method("session/delete", {"sessionId": "nobody"}),
            ):
                with pytest.raises(acp.RequestError) as refused:
                    await call
                assert refused.value.code == -32002

    run_all(steps())


def test_the_agent_says_what_can_be_done_with_sessions(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            said = await connection.initialize(protocol_version=1)
        assert said.agent_capabilities.load_session
        can = said.agent_capabilities.session_capabilities
        assert None not in (can.list, can.resume, can.close, can.fork, can.delete)

    run_all(steps())


def test_a_session_is_deleted_into_the_trash(service: Served) -> None:
    async def steps() -> None:
        ends = socket.socketpair()
        (its_reader, its_writer), (reader, writer) = [
            await asyncio.open_connection(sock=end) for end in ends
        ]
        kept = agent(Scripted(), url=service.url)
        serving = asyncio.create_task(run(kept, its_writer, its_reader))

        async def unasked(*call: Any) -> None:
            return None

        async with Connection(unasked, writer, reader) as connection:
            arguments = {"cwd": "/project", "mcpServers": []}
            session_id = (await connection.send_request("session/new", arguments))["sessionId"]
            await connection.send_request("session/delete", {"sessionId": session_id})
            with pytest.raises(acp.RequestError, match="no session"):
                await connection.send_request("session/delete", {"sessionId": session_id})
        writer.close()
        await serving
        its_writer.close()
        trash = httpx.get(f"{service.url}/api/v1/trash").json()["sessions"]
        assert [one["session_id"] for one in trash] == [session_id]

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


@pytest.mark.parametrize("prompts", [("wait",), ("think",)])
def test_what_an_agent_had_told_when_it_was_killed_is_told_again_in_its_place(
    service: Served, prompts: tuple[str, ...]
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
                connection.prompt(session_id=session_id, prompt=prompt(prompts[0]))
            )
            await window.until_told("before " if prompts[0] == "wait" else "see")
            process.kill()
            with pytest.raises(ConnectionError):
                await going
        told = [said(prompts[0]), *window.taken()]
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


def test_a_wrong_token_is_refused_in_words(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text("right-token-of-enough-letters")

    async def steps() -> None:
        with serving(tmp_path, "--token-file", str(token)) as service:
            inner = Scripted()
            async with connected(inner, Window(), url=service.url, token="wrong") as connection:
                with pytest.raises(acp.RequestError, match="token"):
                    await begun(connection)
            assert inner.begun == []

    run_all(steps())


def test_a_fork_has_what_was_said_and_goes_its_own_way(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "say one")
            fork = await connection.fork_session(cwd="/fork", session_id=session_id, mcp_servers=[])
            await connection.prompt(session_id=fork.session_id, prompt=prompt("say two"))
            [listed] = (await connection.list_sessions(cwd="/fork")).sessions
        assert listed.session_id == fork.session_id
        one = [said("say one"), answered("one ")]
        assert await loaded(service, session_id) == one
        forked = await loaded(service, fork.session_id)
        assert forked == [*one, said("say two"), answered("two ")]

    run_all(steps())


@pytest.mark.parametrize(("choice", "decided"), [("yes", "approved"), ("no", "denied")])
def test_a_permission_is_an_approval(service: Served, choice: str, decided: str) -> None:
    async def steps() -> None:
        inner = Scripted()
        async with connected(inner, Window(choice), url=service.url) as connection:
            session_id = await begun(connection, "work")
        with AgentRuntimeClient(service.url) as client:
            [approval] = client.iter_approvals(session_id)
        assert (approval["title"], approval["state"]) == ("Read a.txt?", decided)
        assert inner.answers[0].outcome.option_id == choice

    run_all(steps())


def test_what_was_decided_elsewhere_before_the_client_answers_holds(service: Served) -> None:
    class Slow(Window):
        async def request_permission(self, **asked: Any) -> Any:
            with AgentRuntimeClient(service.url) as client:
                [approval] = client.iter_approvals(asked["session_id"])
                client.decide_approval(asked["session_id"], approval["id"], "denied", by="page")
            return await super().request_permission(**asked)

    async def steps() -> None:
        inner = Scripted()
        async with connected(inner, Slow("yes"), url=service.url) as connection:
            await begun(connection, "work")
        assert inner.answers[0].outcome.option_id == "no"

    run_all(steps())


def test_an_agent_that_can_load_loads_its_own_session_and_nothing_is_told_twice(
    service: Served,
) -> None:
    async def steps() -> None:
        first, again, window = Scripted(loads=True), Scripted(loads=True), Window()
        async with connected(first, Window(), url=service.url) as connection:
            session_id = await begun(connection, "say hello")
        async with connected(again, window, url=service.url) as connection:
            await connection.load_session(cwd="/project", session_id=session_id, mcp_servers=[])
            assert window.taken() == [said("say hello"), answered("hello ")]
            await connection.prompt(session_id=session_id, prompt=prompt("say more"))
        assert again.loaded == [first.prompted[0][0]]
        assert again.prompted == [(first.prompted[0][0], "say more")]
        assert again.begun == []

    run_all(steps())


def test_an_agent_that_cannot_is_told_which_session_it_goes_on_with(service: Served) -> None:
    async def steps() -> None:
        again, window = Scripted(), Window()
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "say hello")
        async with connected(again, window, url=service.url) as connection:
            await connection.resume_session(cwd="/project", session_id=session_id, mcp_servers=[])
            assert window.told == []
            await connection.prompt(session_id=session_id, prompt=prompt("say more"))
        assert again.begun[0]["agent_runtime"] == {"session_id": session_id}

    run_all(steps())


def test_a_client_may_go_on_without_a_word_after_a_restart_of_the_agent(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection, "say hello")
        async with connected(Scripted(), Window(), url=service.url) as connection:
            await connection.prompt(session_id=session_id, prompt=prompt("say more"))
            await connection.close_session(session_id=session_id)
            await connection.prompt(session_id=session_id, prompt=prompt("say on"))
        told = await loaded(service, session_id)
        assert [one["content"]["text"] for one in told[1::2]] == ["hello ", "more ", "on "]

    run_all(steps())


def test_what_another_program_said_is_told_as_well(service: Served) -> None:
    async def steps() -> None:
        with AgentRuntimeClient(service.url) as client:
            hello = {"role": "user", "content": "hello"}
            hi = {"role": "assistant", "content": "hi", "name": "bot"}
            entries: Any = [{"kind": "message", "body": body} for body in (hello, hi)]
            client.append_entries("theirs", entries)
        told = await loaded(service, "theirs")
        assert [(one["sessionUpdate"], one["content"]["text"]) for one in told] == [
            ("user_message_chunk", "hello"),
            ("agent_message_chunk", "hi"),
        ]
        assert told[1]["_meta"]["agent_runtime"]["lossy"] == ["name"]

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


def test_a_prompt_is_cancelled(service: Served) -> None:
    async def steps() -> None:
        window = Window()
        async with connected(Scripted(), window, url=service.url) as connection:
            session_id = await begun(connection)
            await connection.cancel(session_id="nobody")
            going = asyncio.create_task(
                connection.prompt(session_id=session_id, prompt=prompt("wait"))
            )
            await window.until_told("before")
            await connection.cancel(session_id=session_id)
            await going

    run_all(steps())


def test_what_the_inner_agent_cannot_do_is_no_method(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            session_id = await begun(connection)
            with pytest.raises(acp.RequestError) as refused:
                await connection.set_session_mode(session_id=session_id, mode_id="fast")
        assert refused.value.code == -32601

    run_all(steps())


def test_each_method_takes_as_many_calls_as_its_docstring_says(tmp_path: Path) -> None:
    async def steps(counted: Counted) -> None:
        async with connected(Scripted(), Window(), runtime=counted) as connection:
            session_id = await begun(connection)
            assert counted.taken() == ["POST"]
            await connection.prompt(session_id=session_id, prompt=prompt("say a b c"))
            assert counted.taken() == ["GET", "POST", *["POST"] * 3, "POST"]
            await connection.prompt(session_id=session_id, prompt=prompt("rename x"))
            assert counted.taken() == ["POST", "POST", "PATCH"]
            await connection.list_sessions(cwd="/project")
            assert counted.taken() == ["GET"]
            await connection.load_session(cwd="/", session_id=session_id, mcp_servers=[])
            assert counted.taken() == ["GET", "GET"]
            await connection.fork_session(cwd="/", session_id=session_id, mcp_servers=[])
            assert counted.taken() == ["POST"]
            await connection.close_session(session_id=session_id)
            assert counted.taken() == []
            await connection.resume_session(cwd="/", session_id=session_id, mcp_servers=[])
            assert counted.taken() == ["GET"]
            await connection.ext_method("session/delete", {"sessionId": session_id})
            assert counted.taken() == ["DELETE"]

    with open_portal(f"sqlite:///{tmp_path}/calls.db") as portal:
        run_all(steps(Counted(portal)))


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
