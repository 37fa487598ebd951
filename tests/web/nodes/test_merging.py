"""The changes of all nodes in one stream: through any node, and none is missed without a reset."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.web.nodes import cluster
from tests.web.nodes.cluster import Cluster, open_member
from tests.web.nodes.until import until
from tests.web.streams import Event, EventSource
from web.http import crowd
from web.nodes import merging, roll


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll, "LOOKS", 0.01)
    monkeypatch.setattr(roll, "SETTLED", 0.1)
    monkeypatch.setattr(merging, "AGAIN", 0.01)


@asynccontextmanager
async def open_cluster(*names: str, **how: Any) -> AsyncIterator[Cluster]:
    """Nodes that know each other for long enough."""
    async with cluster.open_cluster(*names, **how) as opened:
        for member in opened.members.values():
            while not member.is_settled:
                await trio.sleep(0.01)
        yield opened


def parts(event: Event) -> dict[str, int]:
    """The places in an event's id, by node."""
    assert event.id is not None
    pairs = [place.rpartition("-") for place in event.id.split(",")]
    return {instance: int(number) for instance, _, number in pairs}


async def changed(stream: EventSource, count: int) -> list[str]:
    """The sessions that the next events tell of."""
    events = await stream.some(count)
    assert {event.name for event in events} == {"session"}
    return [event.data["session_id"] for event in events]


async def test_changes_of_all_nodes_come_through_any_of_them() -> None:
    async with open_cluster("a", "b", "c") as three:
        ids = [member.id() for member in three.members.values()]
        for entry in three.members.values():
            async with entry.following("/events") as stream:
                for session_id in ids:
                    await three.a.say(session_id)
                    assert await changed(stream, 1) == [session_id]


async def test_an_id_has_the_places_of_all_nodes_and_each_change_moves_one() -> None:
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        await two.a.say(two.a.id())
        first = parts(await stream.next())
        await two.a.say(two.b.id())
        second = parts(await stream.next())
        assert len(first) == 2
        assert first.keys() == second.keys()
        assert sorted(second[node] - first[node] for node in first) == [0, 1]


async def test_who_comes_back_through_another_node_misses_nothing() -> None:
    async with open_cluster("a", "b") as two:
        async with two.a.following("/events") as stream:
            await two.a.say(two.a.id())
            place = (await stream.next()).id
        ids = [two.b.id(), two.a.id(1), two.b.id(1), two.a.id(2)]
        for session_id in ids:
            await two.a.say(session_id)
        async with two.b.following("/events", Last_Event_ID=str(place)) as stream:
            assert sorted(await changed(stream, 4)) == sorted(ids)
        async with two.b.following(f"/events?after={place}") as stream:
            assert sorted(await changed(stream, 4)) == sorted(ids)


async def test_what_is_no_place_is_refused() -> None:
    async with open_cluster("a", "b") as two:
        answer = await two.a.ask("GET", "/events", b"", Last_Event_ID="nothing")
        assert answer.status == 400
        assert (await two.a.ask("GET", "/events?nothing=1")).status == 400


async def test_a_place_from_before_a_node_began_anew_gets_a_reset_with_a_place() -> None:
    async with open_cluster("a", "b") as two:
        async with two.a.following("/events") as stream:
            await two.a.say(two.a.id())
            place = (await stream.next()).id
        two.b.runtime._parts.feeds.changes.instance = "00000000"
        async with two.a.following("/events", Last_Event_ID=str(place)) as stream:
            assert (await stream.next()).name == "reset"
            await two.a.say(two.b.id())
            event = await stream.next()
            assert event.data["session_id"] == two.b.id()
            assert "00000000" in parts(event)
        async with two.b.following("/events", Last_Event_ID=str(event.id)) as stream:
            await two.a.say(two.b.id(1))
            assert await changed(stream, 1) == [two.b.id(1)]


async def test_a_place_of_a_node_that_is_gone_gets_a_reset() -> None:
    place = "0badc0de-5"
    async with (
        open_cluster("a", "b") as two,
        two.a.following("/events", Last_Event_ID=place) as stream,
    ):
        assert (await stream.next()).name == "reset"


async def test_a_node_that_comes_is_told_of_with_a_reset_and_followed() -> None:
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        await two.a.say(two.a.id())
        await stream.next()
        async with open_member(two.owners, "c") as c:
            two.owners.move(two.b.shards, "c")
            assert (await stream.next()).name == "reset"
            await two.a.say(two.b.id())
            event = await stream.next()
            assert (event.data["session_id"], len(parts(event))) == (two.b.id(), 3)
            assert c.runtime.statistics().followers == 1


async def test_a_node_that_goes_is_told_of_with_a_reset() -> None:
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        await two.b.kill()
        two.owners.move(two.b.shards, "a")
        two.owners.nodes["b"].is_leaving = True
        assert (await stream.next()).name == "reset"
        await two.a.say(two.b.id())
        event = await stream.next()
        assert (event.data["session_id"], len(parts(event))) == (two.b.id(), 1)


async def test_who_gives_all_away_and_goes_is_told_of_once() -> None:
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        assert await two.b.runtime.leave()
        assert (await stream.next()).name == "reset"
        two.b.end_streams()
        await two.b.kill()
        del two.owners.nodes["b"]
        await trio.sleep(0.3)
        await two.a.say(two.b.id())
        assert await changed(stream, 1) == [two.b.id()]


async def test_a_connection_that_is_lost_is_made_again_and_nothing_is_missed() -> None:
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        await two.a.say(two.b.id())
        await stream.next()
        peers = two.a.peers
        peers.cut(peers._busy[two.b.address])
        await two.b.say(two.b.id(1))
        await two.b.say(two.b.id(2))
        assert await changed(stream, 2) == [two.b.id(1), two.b.id(2)]


async def test_a_stream_waits_for_a_node_that_cannot_be_followed_yet() -> None:
    async with open_cluster("a", "b") as two, trio.open_nursery() as nursery:
        way = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = way[0].socket.getsockname()[1]
        await way[0].aclose()
        two.owners.addresses["b"] = f"127.0.0.1:{port}"

        async def come() -> None:
            await until(lambda: two.a.runtime.statistics().followers)
            await trio.serve_tcp(two.b.relay, port, host="127.0.0.1")

        nursery.start_soon(come)
        async with two.a.following("/events") as stream:
            await two.b.say(two.b.id(1))
            assert await changed(stream, 1) == [two.b.id(1)]
            nursery.cancel_scope.cancel()


async def test_one_that_cannot_be_followed_for_long_ends_the_stream_and_no_browser_gives_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(merging, "PATIENCE", 0.2)
    async with open_cluster("a", "b") as two:
        async with two.a.following("/events") as stream:
            await two.b.kill()
            with pytest.raises(EOFError):
                await stream.next()
        async with two.a.following("/events") as stream:
            with pytest.raises(EOFError):
                await stream.next()


async def test_a_silent_stream_says_that_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "ALIVE", 0.02)
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        assert (await stream.next()) == Event("alive", {})
        await two.a.say(two.b.id())
        event = await stream.next()
        while event.name == "alive":
            event = await stream.next()
        assert event.data["session_id"] == two.b.id()


async def test_it_ends_with_its_entry() -> None:
    async with open_cluster("a", "b") as two, two.a.following("/events") as stream:
        two.a.end_streams()
        with pytest.raises(EOFError):
            await stream.next()


async def test_when_its_client_goes_nobody_is_followed_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crowd, "WATCH", 0.02)
    async with open_cluster("a", "b") as two:
        async with two.a.following("/events"):
            assert [one.runtime.statistics().followers for one in two.members.values()] == [1, 1]
        for _ in range(3):
            await two.a.say(two.a.id())
            await trio.sleep(0.01)
        await until(lambda: two.a.runtime.statistics().followers == 0)
        await until(lambda: two.b.runtime.statistics().followers == 0)


async def test_streams_count_once() -> None:
    async with (
        open_cluster("a", "b", streams=2) as two,
        two.a.following("/events"),
        two.b.following("/events"),
    ):
        assert two.a.api.resources.streams.open == 2
        assert (await two.a.ask("GET", "/events")).status == 503


async def test_at_a_node_alone_it_is_as_without_nodes() -> None:
    async with open_cluster("a") as one, one.a.following("/events") as stream:
        await one.a.say(one.a.id())
        event = await stream.next()
        assert list(parts(event)) == [one.a.runtime.changes().cursor.rpartition("-")[0]]
