"""What concerns all sessions, or rewrites one, is asked of any node."""

from tests.web.nodes.cluster import open_cluster


async def test_any_node_says_what_all_sessions_used() -> None:
    async with open_cluster("a", "b") as two:
        for member in (two.a, two.b):
            name = member.id()
            await two.a.say(name)
            report = await two.b.ask("POST", f"/sessions/{name}/usage", b'{"n": 5, "agent": "x"}')
            assert report.status == 201
        for member in (two.a, two.b):
            answer = await member.ask("GET", "/usage?since=2025-01-01")
            assert (answer.status, answer.json["totals"]) == (200, {"n": 10})


async def test_any_node_has_the_owner_redact() -> None:
    async with open_cluster("a", "b") as two:
        name = two.b.id()
        await two.a.say(name, "hunter2")
        await two.a.say(name, "more")
        done = await two.a.ask("POST", f"/sessions/{name}/redact", b'{"seq": 1}')
        assert (done.status, done.json["version"], done.json["traces"]) == (200, 2, [])
        for member in (two.a, two.b):
            found = await member.ask("GET", f"/sessions/{name}/history")
            texts = [message["content"] for message in found.json["messages"]]
            assert texts == ["[redacted]", "more"]
        again = await two.b.ask("POST", f"/sessions/{name}/redact", b'{"seq": 1}')
        assert (again.status, again.headers["etag"]) == (200, done.headers["etag"])
