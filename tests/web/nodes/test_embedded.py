"""Nodes inside larger programs: without what asks the others, and with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from quart_trio import QuartTrio

from tests.web.nodes.cluster import TOKEN, Cluster, open_cluster
from tests.web.under_hosts import Ask, asking
from web import create_app, create_blueprint, open_forwarding

HOST = {"Host": "localhost"}
JSON = {**HOST, "Content-Type": "application/json"}
BODY = b'{"role": "user", "content": "hello"}'


@asynccontextmanager
async def mounted(two: Cluster, *, forwards: bool) -> AsyncIterator[Ask]:
    """Node `a` inside a larger app."""
    larger = QuartTrio("larger")
    async with open_forwarding(two.a.runtime, TOKEN) as forwarding:
        blueprint = create_blueprint(two.a.runtime, forwarding=forwarding if forwards else None)
        larger.register_blueprint(blueprint)
        yield asking(larger)


@asynccontextmanager
async def alone(two: Cluster, *, forwards: bool) -> AsyncIterator[Ask]:
    async with open_forwarding(two.a.runtime, TOKEN) as forwarding:
        yield asking(create_app(two.a.runtime, forwarding=forwarding if forwards else None))


@pytest.mark.parametrize("program", [mounted, alone])
async def test_what_other_nodes_own_is_not_answered_now_unless_they_can_be_asked(
    program: object,
) -> None:
    assert callable(program)
    async with open_cluster("a", "b") as two:
        path = f"/api/v1/sessions/{two.b.id()}"
        async with program(two, forwards=False) as ask:
            answer = await ask("POST", f"{path}/messages", JSON, BODY)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            assert f"{two.b.address} owns it" in (await answer.get_json())["detail"]
        async with program(two, forwards=True) as ask:
            answer = await ask("POST", f"{path}/messages", JSON, BODY)
            assert answer.status_code == 201
            answer = await ask("GET", f"{path}/history", HOST, b"")
            assert (await answer.get_json())["messages"][0]["content"] == "hello"
