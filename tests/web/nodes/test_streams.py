"""Answers that are long, or do not end, through a node that passes them on."""

import pytest
import trio

from tests.web.nodes.cluster import open_cluster
from tests.web.nodes.until import until
from tests.web.streams import Event
from web.http import crowd
from web.http.limits import ServerConfig


@pytest.mark.parametrize("hypercorn", [False, True])
async def test_a_stream_passes_event_by_event_and_ends_with_its_session(hypercorn: bool) -> None:
    async with open_cluster("a", "b", hypercorn=hypercorn) as two:
        session_id = two.b.id()
        await two.a.say(session_id, "one")
        async with two.a.following(f"/sessions/{session_id}/events") as stream:
            first = await stream.next()
            await two.b.say(session_id, "two")
            second = await stream.next()
            assert [first.data["seq"], second.data["seq"]] == [1, 2]
            await two.b.ask("DELETE", f"/sessions/{session_id}")
            assert await stream.next() == Event("deleted", {})
            with pytest.raises(EOFError):
                await stream.next()
        tag = first.id
        await two.a.say(session_id, "another")
        path = f"/sessions/{session_id}/events"
        async with two.a.following(path, Last_Event_ID=str(tag)) as stream:
            assert (await stream.next()).name == "reset"


async def test_when_its_client_goes_the_owner_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "WATCH", 0.05)
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        await two.a.say(session_id)
        async with two.a.following(f"/sessions/{session_id}/events") as stream:
            await stream.next()
            assert two.b.runtime.statistics().followers == 1
        for _ in range(2):  # the first tells the entry's kernel that nobody is there
            await two.a.say(session_id)
            await trio.sleep(0.01)
        await until(lambda: two.b.runtime.statistics().followers == 0)
        await until(lambda: two.a.api.resources.streams.open == 0)


async def test_when_its_owner_goes_it_ends_in_order_and_the_client_connects_again() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        await two.a.say(session_id)
        async with two.a.following(f"/sessions/{session_id}/events") as stream:
            place = (await stream.next()).id
            await two.b.kill()
            with pytest.raises(EOFError):
                await stream.next()
        two.owners.move(two.b.shards, "a")
        await two.a.say(session_id, "two")
        path = f"/sessions/{session_id}/events"
        async with two.a.following(path, Last_Event_ID=str(place)) as stream:
            assert (await stream.next()).data["seq"] == 2


async def test_when_the_session_goes_to_another_node_so_does_who_follows() -> None:
    async with open_cluster("a", "b", "c") as three:
        session_id = three.b.id()
        await three.a.say(session_id)
        path = f"/sessions/{session_id}/events"
        async with three.a.following(path) as stream:
            place = (await stream.next()).id
            three.b.node.give(three.b.shards, "c")
            with pytest.raises(EOFError):
                await stream.next()
        async with three.a.following(path, Last_Event_ID=str(place)) as stream:
            await three.a.say(session_id, "two")
            assert (await stream.next()).data["seq"] == 2
        assert three.c.node.owns(session_id)


async def test_when_the_entry_stops_its_streams_end_in_order() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        await two.a.say(session_id)
        async with two.a.following(f"/sessions/{session_id}/events") as stream:
            await stream.next()
            two.a.end_streams()
            with pytest.raises(EOFError):
                await stream.next()
        async with two.a.following(f"/sessions/{session_id}/events") as stream:
            with pytest.raises(EOFError):
                await stream.next()


async def test_streams_that_pass_through_count_among_those_of_the_entry() -> None:
    async with open_cluster("a", "b", streams=1) as two:
        session_id = two.b.id()
        await two.a.say(session_id)
        path = f"/sessions/{session_id}/events"
        async with two.a.following(path) as stream:
            await stream.next()
            assert (await two.a.ask("GET", path)).status == 503
        await two.a.say(session_id)
        await two.a.say(session_id)
        await until(lambda: two.a.api.resources.streams.open == 0)


async def test_a_long_answer_whose_owner_goes_breaks_off_and_has_no_end() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        for _ in range(8):
            assert (await two.a.say(session_id, "x" * 4_000_000)).status == 201
        async with await two.a.connect() as client, trio.open_nursery() as nursery:
            path = f"/api/v1/sessions/{session_id}/history"
            await client.send(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            begun = await client.stream.receive_some(4_096)
            assert b"HTTP/1.1 200 OK" in begun
            await two.b.kill()
            nursery.start_soon(two.b.kill)
            rest = await client.read_to_end()
        assert len(rest) < 32_000_000
        assert not rest.endswith(b"0\r\n\r\n")


async def test_of_a_body_that_is_cut_nothing_is_passed_on() -> None:
    async with open_cluster("a", "b") as two:
        session_id = two.b.id()
        async with await two.a.connect() as client:
            await client.send(
                f"POST /api/v1/sessions/{session_id}/messages HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{".encode()
            )
            await client.stream.send_eof()
            assert (await client.read_to_end()).startswith(b"HTTP/1.1 400 ")
        assert two.a.forwards == {}
        assert (await two.a.ask("GET", f"/sessions/{session_id}")).status == 404


async def test_a_body_beyond_the_limits_is_refused_by_the_entry() -> None:
    async with open_cluster("a", "b", server=ServerConfig(read_timeout=100)) as two:
        session_id = two.b.id()
        answer = await two.a.say(session_id, "x" * (17 << 20))
        assert (answer.status, two.a.forwards) == (413, {})
        two.a.api.resources.bodies.held = two.a.api.resources.bodies.limit
        answer = await two.a.say(session_id, "x" * 100_000)
        assert (answer.status, answer.headers["retry-after"], two.a.forwards) == (503, "2", {})
