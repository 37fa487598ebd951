"""Who may come in at a node: clients by the rules of the entry, nodes by the token of all nodes."""

import pytest

from tests.runtime.nodes import id_in
from tests.web.http.serving import Answer
from tests.web.nodes.cluster import TOKEN, Member, open_cluster, open_member
from tests.web.requests import request
from web import Guard
from web.api.dispatch import Api
from web.nodes import forwarding

CLIENTS = "0123456789abcdef"
IDE = "vscode-webview://1a2b3c"
RULES = Guard(token=CLIENTS, origins=frozenset({IDE}))


async def hop(member: Member, session_id: str, token: str = TOKEN, **headers: str) -> Answer:
    headers |= {"Agent_Runtime_Node": token, "Agent_Runtime_For": session_id}
    return await member.ask("GET", f"/sessions/{session_id}/history", b"", **headers)


async def test_the_entry_asks_for_the_clients_token_and_the_owner_for_the_nodes() -> None:
    async with open_cluster("a", "b", rules=RULES) as two:
        session_id = two.b.id()
        assert (await two.a.say(session_id)).status == 401
        assert two.a.forwards == {}
        answer = await two.a.say(session_id, Authorization=f"Bearer {CLIENTS}")
        assert answer.status == 201


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
async def test_a_node_comes_in_whatever_the_rules_say(headers: dict[str, str]) -> None:
    async with open_cluster("a", "b", rules=RULES) as two:
        answer = await hop(two.b, two.b.id(), Sec_Fetch_Site="cross-site", **headers)
        assert answer.status == 404


@pytest.mark.parametrize("token", ["wrong", CLIENTS, ""])
@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {CLIENTS}"}])
async def test_who_has_not_got_the_token_of_nodes_is_forbidden_before_anything_else(
    token: str, headers: dict[str, str]
) -> None:
    async with open_cluster("a", "b", rules=RULES) as two:
        answer = await hop(two.b, two.b.id(), token, Sec_Fetch_Site="cross-site", **headers)
        assert answer.status == 403
        assert "have their token" in answer.json["detail"]


async def test_what_browsers_are_told_is_said_once_and_by_the_entry() -> None:
    async with open_cluster("a", "b", rules=RULES) as two:
        session_id = two.b.id()
        head = {"Authorization": f"Bearer {CLIENTS}", "Origin": IDE}
        here = await two.a.say(two.a.id(), **head)
        passed = await two.a.say(session_id, **head)
        owners = await hop(two.b, session_id)
    named = {"access-control-allow-origin", "vary", "x-content-type-options"}
    assert {name: here.headers[name] for name in named} == {
        name: passed.headers[name] for name in named
    }
    assert not named & owners.headers.keys()


async def test_without_nodes_the_fields_mean_nothing() -> None:
    async with open_cluster("a") as one:
        api = Api(one.a.runtime, rules=Guard())
        path = f"/api/v1/sessions/{one.a.id()}"
        head = [("Host", "localhost"), ("Agent-Runtime-Node", "x"), ("Agent-Runtime-For", "y")]
        answer = await api.answer(request("GET", path, *head))
        assert answer is not None
        assert answer.status == 404


async def test_nodes_with_different_tokens_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "PATIENCE", 0.0)
    async with (
        open_cluster("a") as cluster,
        open_member(cluster.owners, "b", token="of another cluster"),
    ):
        cluster.owners.move(range(256), "b")
        answer = await cluster.a.say(id_in(range(256)))
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert "--node-token-file" in answer.json["detail"]


async def test_without_anybody_to_ask_what_is_not_here_is_not_answered_now() -> None:
    async with open_cluster("a", "b") as two:
        api = Api(two.a.runtime)
        answer = await api.answer(request("GET", f"/api/v1/sessions/{two.b.id()}"))
        assert answer is not None
        assert (answer.status, dict(answer.headers)["Retry-After"]) == (503, "1")
