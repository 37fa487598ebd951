"""Every node answers every request: what another one owns is asked there, and nobody notices."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.web.nodes.cluster import Cluster, open_cluster


@pytest.fixture(params=[False, True], ids=["own", "hypercorn"])
async def two(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """Two nodes, on each kind of server."""
    async with open_cluster("a", "b", hypercorn=request.param) as cluster:
        yield cluster


def said(answer: object) -> dict[str, str]:
    """The head of an answer, but for what another one has at another moment."""
    headers: dict[str, str] = answer.headers  # type: ignore[attr-defined]
    return {name: value for name, value in headers.items() if name != "date"}


async def test_a_session_is_written_and_read_at_any_node(two: Cluster) -> None:
    session_id = two.b.id()
    written = await two.a.say(session_id, "one")
    assert (written.status, written.json["seqs"]) == (201, [1])
    there = await two.b.ask("GET", f"/sessions/{session_id}/history")
    passed = await two.a.ask("GET", f"/sessions/{session_id}/history")
    assert passed.json == there.json
    assert passed.json["messages"][0]["content"] == "one"
    assert (two.a.forwards, two.b.forwards) == ({"answered": 2}, {})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT"])
@pytest.mark.parametrize(
    "path",
    [
        "/sessions/ID",
        "/sessions/ID/history",
        "/sessions/ID/messages?last=1",
        "/sessions/ID/log?kind=message&limit=1",
        "/sessions/ID/records?prefix=%C3%BC%20",
        "/sessions/ID/resume",
        "/sessions/ID/turn",
        "/sessions/ID/approvals/nothing",
        "/sessions/ID/messages?nothing=1",
        "/agents/ID/current",
        "/sessions/ID/nothing",
    ],
)
async def test_an_answer_is_that_of_the_owner(method: str, path: str) -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        await two.a.say(session_id)
        path = path.replace("ID", session_id)
        there = await two.b.ask(method, path)
        passed = await two.a.ask(method, path)
    assert (passed.status, said(passed), passed.body) == (there.status, said(there), there.body)


async def test_what_a_request_asks_for_in_its_head_is_heard(two: Cluster) -> None:
    session_id = two.b.id()
    tag = (await two.a.say(session_id)).headers["etag"]
    path = f"/sessions/{session_id}"
    assert (await two.a.ask("GET", path, If_None_Match=tag)).status == 304
    assert (await two.a.say(session_id, If_Match=tag)).status == 201
    again = await two.a.say(session_id, If_Match=tag)
    assert (again.status, again.headers["etag"] != tag) == (412, True)
    async_ = await two.a.say(session_id, Prefer="respond-async")
    assert (async_.status, async_.headers["preference-applied"]) == (202, "respond-async")
    assert (await two.a.say(session_id, Turn="1")).status == 412


@pytest.mark.parametrize("session_id", ["a/b", "ü *?#", "%", "a%2Fb", "+"])
async def test_any_id_is_passed_on_as_it_was_sent(session_id: str) -> None:
    sent = "".join(f"%{byte:02X}" for byte in session_id.encode())
    async with open_cluster("a", "b") as two:
        await two.a.say(sent)
        await two.b.say(sent)
        for member in two.members.values():
            page = await member.ask("GET", "/sessions")
            assert [one["session_id"] for one in page.json["sessions"]] == [session_id]
            assert page.json["sessions"][0]["message_count"] == 2


async def test_large_bodies_pass_both_ways(two: Cluster) -> None:
    session_id, text = two.b.id(), "large ü " * 500_000
    body = json.dumps({"role": "user", "content": text}, ensure_ascii=False).encode()
    written = await two.a.ask("POST", f"/sessions/{session_id}/messages", body)
    assert written.status == 201
    read = await two.a.ask("GET", f"/sessions/{session_id}/history")
    assert read.json["messages"][0]["content"] == text
