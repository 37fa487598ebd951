"""What the type checker is to know of the clients: `make test` has it look at this file."""

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from web.clients import AgentRuntimeClient, AsyncAgentRuntimeClient
from web.clients.calls.approvals import Approval
from web.clients.calls.shapes import Entry, Header
from web.clients.calls.turns import Turn
from web.clients.core.awaiting import AsyncStreaming
from web.clients.core.parsing import Event
from web.clients.core.streaming import Streaming


def waited(client: AgentRuntimeClient) -> None:
    assert_type(client.get_session("s"), Header)
    assert_type(client.get_turn("s"), Turn | None)
    assert_type(client.iter_log("s", after=3), Iterator[Entry])
    assert_type(client.wait_approval("s", "a"), Approval)
    assert_type(client.follow_session("s"), Streaming[Event])
    assert_type(client.export_session("s"), Streaming[bytes])
    client.get_session("s", nonsense=1)  # type: ignore[call-arg]
    client.iter_log(3)  # type: ignore[arg-type]


async def awaited(client: AsyncAgentRuntimeClient) -> None:
    assert_type(await client.get_session("s"), Header)
    assert_type(await client.get_turn("s"), Turn | None)
    assert_type(client.iter_log("s", after=3), AsyncIterator[Entry])
    assert_type(await client.wait_approval("s", "a"), Approval)
    assert_type(client.follow_session("s"), AsyncStreaming[Event])
    assert_type(client.export_session("s"), AsyncStreaming[bytes])
    client.iter_log(3)  # type: ignore[arg-type]
