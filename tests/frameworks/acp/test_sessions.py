"""An agent around another: its sessions."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import acp
import httpx
import pytest
from acp.connection import Connection

from tests.frameworks.acp.fakes import Scripted, Window, connected, prompt
from tests.frameworks.acp.steps import answered, begun, loaded, run_all, said
from tests.frameworks.counted import Counted
from tests.frameworks.served import Served, serving
from web.clients import AgentRuntimeClient
from web.clients.acp import agent, run
from web.clients.embedded import open_portal


def test_a_new_session_is_there_at_once(service: Served) -> None:
    async def steps() -> None:
        inner = Scripted()
        async with connected(inner, Window(), url=service.url) as connection:
            session_id = await begun(connection, cwd="/here")
            with AgentRuntimeClient(service.url) as client:
                assert client.get_session(session_id)["metadata"]["cwd"] == "/here"
        assert inner.begun[0]["agent_runtime"] == {"session_id": session_id}

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


def test_a_fork_is_another_session_of_an_agent_that_can_load_too(service: Served) -> None:
    async def steps() -> None:
        again = Scripted(loads=True)
        async with connected(Scripted(loads=True), Window(), url=service.url) as connection:
            session_id = await begun(connection, "say hello")
            fork = await connection.fork_session(cwd="/", session_id=session_id, mcp_servers=[])
        async with connected(again, Window(), url=service.url) as connection:
            for one in (session_id, fork.session_id):
                await connection.resume_session(cwd="/", session_id=one, mcp_servers=[])
        assert len(set(again.loaded)) == 2
        assert again.begun == []

    run_all(steps())


def test_an_agent_that_has_forgotten_its_session_begins_another(service: Served) -> None:
    class Forgetful(Scripted):
        async def load_session(self, cwd: str, session_id: str, **_: Any) -> Any:
            raise acp.RequestError.resource_not_found(session_id)

    async def steps() -> None:
        again, window = Forgetful(loads=True), Window()
        async with connected(Scripted(loads=True), Window(), url=service.url) as connection:
            session_id = await begun(connection, "say hello")
        async with connected(again, window, url=service.url) as connection:
            await connection.load_session(cwd="/", session_id=session_id, mcp_servers=[])
        assert window.taken() == [said("say hello"), answered("hello ")]
        assert again.begun[0]["agent_runtime"] == {"session_id": session_id}

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
