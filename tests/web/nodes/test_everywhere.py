"""Calls that are about more than one session, or of which each node has a part."""

import json

import pytest
import trio

from runtime import StoreUnavailable
from tests.web.nodes.cluster import Cluster, open_cluster

OLD = b'{"max_age_hours": 0.0000001}'


async def fill(cluster: Cluster) -> set[str]:
    """A session at each node."""
    ids = set()
    for member in cluster.members.values():
        ids.add(member.id())
        assert (await member.say(member.id())).status == 201
    await trio.sleep(0.01)
    return ids


async def test_a_session_is_created_by_its_owner_whoever_is_asked() -> None:
    async with open_cluster("a", "b") as two:
        named = json.dumps({"session_id": two.b.id(), "system_prompt": "x"}).encode()
        answer = await two.a.ask("POST", "/sessions", named)
        assert (answer.status, answer.json["session_id"]) == (201, two.b.id())
        assert answer.headers["location"] == f"/api/v1/sessions/{two.b.id()}"
        assert two.a.forwards == {"answered": 1}
        assert (await two.b.ask("POST", "/sessions", named)).status == 409


async def test_a_session_without_a_name_is_created_where_it_was_asked_for() -> None:
    async with open_cluster("a", "b") as two:
        for member in two.members.values():
            answer = await member.ask("POST", "/sessions", b"{}")
            assert answer.status == 201
            assert member.node.owns(answer.json["session_id"])
            assert member.forwards == {}


async def test_lists_and_the_trash_are_the_same_everywhere() -> None:
    async with open_cluster("a", "b") as two:
        ids = await fill(two)
        for member in two.members.values():
            page = await member.ask("GET", "/sessions")
            assert {one["session_id"] for one in page.json["sessions"]} == ids
        assert (await two.a.ask("DELETE", f"/sessions/{two.b.id()}")).status == 204
        for member in two.members.values():
            page = await member.ask("GET", "/trash")
            assert [one["session_id"] for one in page.json["sessions"]] == [two.b.id()]
        trash_id = page.json["sessions"][0]["trash_id"]
        assert (await two.a.ask("DELETE", f"/trash/{trash_id}")).status == 204
        assert (await two.b.ask("GET", "/trash")).json == {"sessions": []}


async def test_what_is_said_through_one_node_is_found_through_the_other() -> None:
    async with open_cluster("a", "b") as two:
        ids = await fill(two)
        said = json.dumps({"role": "user", "content": "a needle"}).encode()
        for session_id in ids:
            answer = await two.a.ask("POST", f"/sessions/{session_id}/messages", said)
            assert answer.status == 201
        for member in two.members.values():
            page = await member.ask("GET", "/search?q=needle")
            assert {hit["session_id"] for hit in page.json["hits"]} == ids


async def test_approvals_of_all_sessions_are_listed_everywhere() -> None:
    async with open_cluster("a", "b") as two:
        for session_id in await fill(two):
            question = json.dumps({"id": "q", "title": session_id}).encode()
            asked = await two.a.ask("POST", f"/sessions/{session_id}/approvals", question)
            assert asked.status == 201
        for member in two.members.values():
            page = await member.ask("GET", "/approvals")
            assert {one["title"] for one in page.json["approvals"]} == {two.a.id(), two.b.id()}


@pytest.mark.parametrize("entry", ["a", "b", "c"])
@pytest.mark.parametrize(("source", "target"), [("a", "a"), ("a", "b"), ("b", "a"), ("b", "c")])
async def test_a_fork_is_made_whoever_owns_what(entry: str, source: str, target: str) -> None:
    async with open_cluster("a", "b", "c") as three:
        begun, copy = three.members[source].id(), three.members[target].id(1)
        await three.a.say(begun, "one")
        await three.a.say(begun, "two")
        wanted = json.dumps({"session_id": copy, "at": 1}).encode()
        for status in (201, 200):
            answer = await three.members[entry].ask("POST", f"/sessions/{begun}/fork", wanted)
            assert (answer.status, answer.json["session_id"]) == (status, copy)
            assert answer.headers["location"] == f"/api/v1/sessions/{copy}"
        history = await three.a.ask("GET", f"/sessions/{copy}/history")
        assert [one["content"] for one in history.json["messages"]] == ["one"]


@pytest.mark.parametrize("entry", ["a", "b", "c"])
async def test_what_was_deleted_comes_back_under_another_nodes_id(entry: str) -> None:
    async with open_cluster("a", "b", "c") as three:
        await three.a.say(three.b.id(), "one")
        await three.a.ask("DELETE", f"/sessions/{three.b.id()}")
        wanted = json.dumps({"session_id": three.c.id()}).encode()
        path = f"/sessions/{three.b.id()}/undelete"
        answer = await three.members[entry].ask("POST", path, wanted)
        assert (answer.status, answer.json["session_id"]) == (200, three.c.id())
        assert (await three.a.ask("GET", f"/sessions/{three.c.id()}")).status == 200


# -- summed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", ["a", "b", "c"])
async def test_a_cleanup_is_done_by_all_nodes_and_summed(entry: str) -> None:
    async with open_cluster("a", "b", "c") as three:
        await fill(three)
        dry = OLD[:-1] + b', "dry_run": true}'
        answer = await three.members[entry].ask("POST", "/maintenance/cleanup", dry)
        assert (answer.status, answer.json) == (200, {"deleted": 0, "would_delete": 3})
        answer = await three.members[entry].ask("POST", "/maintenance/cleanup", OLD)
        assert (answer.status, answer.json) == (200, {"deleted": 3})
        assert (await three.a.ask("GET", "/sessions")).json["sessions"] == []


async def test_a_node_that_does_not_answer_is_named_with_what_was_done() -> None:
    async with open_cluster("a", "b", "c") as three:
        await fill(three)
        await three.b.kill()
        answer = await three.a.ask("POST", "/maintenance/cleanup", OLD)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert f"{three.b.address} did not answer" in answer.json["detail"]
        assert "together it is: deleted 2" in answer.json["detail"]
        assert "what is done stays done" in answer.json["detail"]


async def test_a_node_that_cannot_do_it_has_not_done_it() -> None:
    async with open_cluster("a", "b", commit_timeout=0.1) as two:
        await fill(two)
        two.b.node.store.commit_error = StoreUnavailable("the disk is full")
        answer = await two.a.ask("POST", "/maintenance/cleanup", OLD)
        assert answer.status == 503
        assert "deleted 1" in answer.json["detail"]
        two.b.node.store.commit_error = None


async def test_who_has_left_is_not_asked() -> None:
    async with open_cluster("a", "b") as two:
        await fill(two)
        two.owners.move(two.b.shards, "a")
        two.b.node.is_leaving = True
        await two.b.kill()
        answer = await two.a.ask("POST", "/maintenance/cleanup", OLD)
        assert (answer.status, answer.json) == (200, {"deleted": 2})


async def test_a_wrong_call_is_refused_before_anybody_is_asked() -> None:
    async with open_cluster("a", "b") as two:
        answer = await two.a.ask("POST", "/maintenance/cleanup", b'{"max_age_hours": -1}')
        assert answer.status == 400
        assert two.b.api.resources.metrics.requests == {}


# -- the nodes themselves --------------------------------------------------------------------------


async def test_all_nodes_are_listed_with_what_they_have() -> None:
    async with open_cluster("a", "b") as two:
        two.a.node.is_leaving = True
        answer = await two.b.ask("GET", "/nodes")
        assert answer.status == 200
        seen = {"shards": 128, "seen": "2025-12-31T12:00:00.000Z"}
        assert answer.json["nodes"] == [
            {"id": "a", **seen, "address": two.a.address, "leaving": True},
            {"id": "b", **seen, "address": two.b.address, "self": True},
        ]


async def test_what_is_passed_on_is_counted() -> None:
    async with open_cluster("a", "b") as two:
        await two.a.say(two.b.id())
        answer = await two.a.ask("GET", "/metrics")
        text = answer.body.decode()
        assert 'agent_runtime_forwards_total{outcome="answered"} 1.0\n' in text
        assert "agent_runtime_shards 128.0\n" in text
        assert "agent_runtime_takeovers_total 0.0\n" in text
        assert "agent_runtime_fence_refusals_total 0.0\n" in text


async def test_who_leaves_says_so_to_proxies_and_answers_all_the_same() -> None:
    async with open_cluster("a", "b") as two:
        assert (await two.a.ask("GET", "/health")).json["status"] == "healthy"
        assert await two.a.runtime.leave()
        health = await two.a.ask("GET", "/health")
        assert (health.status, health.json["status"]) == (503, "leaving")
        assert (await two.a.say(two.a.id())).status == 201
        assert (await two.b.ask("GET", "/health")).status == 200
