"""Exports and imports at any node: the owner of the id has them, wherever they are sent."""

import json

from tests.web.nodes.cluster import open_cluster

JSON_LINES = {"Content_Type": "application/jsonl"}


async def test_a_session_is_exported_and_imported_at_any_node() -> None:
    async with open_cluster("a", "b") as two:
        source = two.b.id()
        for text in ("one", "two"):
            await two.a.say(source, text)
        passed = await two.a.ask("GET", f"/sessions/{source}/export")
        there = await two.b.ask("GET", f"/sessions/{source}/export")
        assert (passed.status, passed.body) == (200, there.body)
        assert passed.headers["content-type"] == "application/jsonl"
        for number, owner in enumerate((two.a, two.b)):
            target = owner.id(number + 5)
            path = f"/import?session_id={target}"
            done = await two.a.ask("POST", path, passed.body, **JSON_LINES)
            assert (done.status, done.json["session_id"]) == (201, target)
            again = await two.b.ask("POST", path, passed.body, **JSON_LINES)
            assert (again.status, again.json["applied"]) == (200, 0)
            for member in (two.a, two.b):
                back = await member.ask("GET", f"/sessions/{target}/export")
                assert back.body.partition(b"\n")[2] == passed.body.partition(b"\n")[2]


async def test_what_is_wrong_is_said_by_the_owner_too() -> None:
    async with open_cluster("a", "b") as two:
        target = two.b.id()
        await two.b.say(target)
        text = (await two.b.ask("GET", f"/sessions/{target}/export")).body
        other = json.dumps({"format": "agent-runtime", "session_id": target}).encode()
        refused = await two.a.ask(
            "POST", "/import", b"\n".join((other, *text.splitlines()[1:])), **JSON_LINES
        )
        assert refused.status in (400, 409)
        assert "line 2: entry 1 is not what was written" in refused.json["error"]
