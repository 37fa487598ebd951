"""Every node answers every request: what another one owns is asked there."""

import pytest

from tests.web.nodes.cluster import open_cluster


async def test_a_session_is_written_and_read_at_any_node() -> None:
    async with open_cluster("a", "b") as cluster:
        cluster.roster.owners["s"] = "b"
        written = await cluster.a.say("s", "one")
        assert written.json["seqs"] == [1]
        there = await cluster.b.ask("GET", "/sessions/s/history")
        passed = await cluster.a.ask("GET", "/sessions/s/history")
    assert passed.json == there.json
    assert passed.json["messages"][0]["content"] == "one"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_answer_has_the_head_that_its_owner_gives_it(method: str) -> None:
    async with open_cluster("a", "b") as cluster:
        cluster.roster.owners["s"] = "b"
        await cluster.a.say("s")
        there = await cluster.b.ask(method, "/sessions/s")
        passed = await cluster.a.ask(method, "/sessions/s")
        without = {"date"}
    assert passed.status == there.status
    assert passed.body == there.body
    assert {k: v for k, v in passed.headers.items() if k not in without} == {
        k: v for k, v in there.headers.items() if k not in without
    }
