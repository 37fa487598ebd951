"""An agent around another: permissions, and what passes through it."""

import asyncio
from typing import Any

import acp
import pytest

from tests.frameworks.acp.fakes import Scripted, Window, connected, prompt
from tests.frameworks.acp.steps import begun, run_all
from tests.frameworks.served import Served
from web.clients import AgentRuntimeClient


def test_the_agent_says_what_can_be_done_with_sessions(service: Served) -> None:
    async def steps() -> None:
        async with connected(Scripted(), Window(), url=service.url) as connection:
            said = await connection.initialize(protocol_version=1)
        assert said.agent_capabilities.load_session
        can = said.agent_capabilities.session_capabilities
        assert None not in (can.list, can.resume, can.close, can.fork, can.delete)

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
