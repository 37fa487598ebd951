"""Streams of events, of a session and of all: what they show, where they begin and how they end."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from persistence import MemoryStore
from runtime import Entry, RuntimeConfig, Session, open_runtime
from tests.clock import Clock
from tests.web.conftest import Api
from tests.web.hosts.hosting import open_host
from tests.web.http.serving import open_server as open_http
from tests.web.http.serving import time_passing
from tests.web.serving import open_server
from tests.web.streams import Event, EventSource, followed
from web import create_app
from web.api import events
from web.api.dispatch import Api as Table
from web.api.entries import shown_entry
from web.behind import open_answers
from web.call.stream import event
from web.http.limits import ServerConfig

PLACE = "/sessions/s/events"


async def log_of(api: Api, session_id: str = "s") -> list[dict[str, Any]]:
    page = await (await api.get(f"/sessions/{session_id}/log?limit=1000")).get_json()
    entries: list[dict[str, Any]] = page["entries"]
    return entries


# -- on every host -------------------------------------------------------------------------------


async def test_a_stream_shows_each_entry_as_the_log_does_and_ends_with_the_session(
    api: Api,
) -> None:
    await api.say("s", "one", "two")
    log: list[dict[str, Any]] = []

    async def meanwhile() -> None:
        await api.say("s", "three")
        await api.post("/agents/s/switch", {"agent": "coder", "reason": "r"})
        await api.post("/sessions/s/records", {"put": [{"key": "k", "value": ["a\nb\u2028", 1]}]})
        await api.post("/sessions/s/rewind", {"to": 2})
        log.extend(await log_of(api))
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, PLACE, meanwhile)
    assert [event.data for event in events[:-1]] == log
    assert [event.name for event in events[:-1]] == [entry["kind"] for entry in log]
    assert events[-1] == Event("deleted", {})
    assert len(log) == 6


async def test_an_id_is_the_place_behind_the_entry(api: Api) -> None:
    await api.say("s", "one", "two", "three")
    head = await api.get("/sessions/s")
    delete = partial(api.call, "DELETE", "/api/v1/sessions/s")
    events = await followed(api, PLACE, delete)
    assert head.headers["etag"] == f'"{events[2].id}"'
    await api.say("s", "other", "log")
    again = await followed(api, f"{PLACE}?after={events[1].id}", delete)
    assert again[0] == Event("reset", {}, "0")


async def test_who_is_cut_off_behind_a_reset_begins_anew_though_its_old_log_is_back(
    api: Api,
) -> None:
    delete = partial(api.call, "DELETE", "/api/v1/sessions/s")
    await api.say("s", "one", "two")
    tag = (await api.get("/sessions/s")).headers["etag"].strip('"')
    await api.say("s", "three")
    await delete()
    trashed = (await (await api.get("/trash")).get_json())["sessions"][0]["trash_id"]
    await api.say("s", "another log")
    first, *_ = await followed(api, PLACE, delete, **{"Last-Event-ID": tag})
    assert first == Event("reset", {}, "0")
    await api.post("/sessions/s/undelete", {"trash_id": trashed})
    events = await followed(api, f"{PLACE}?after={tag}", delete, **{"Last-Event-ID": "0"})
    assert [event.data.get("seq") for event in events] == [1, 2, 3, None]


@pytest.mark.parametrize("name", ["Last-Event-ID", "last-event-id"])
async def test_who_connects_again_gets_the_rest(api: Api, name: str) -> None:
    await api.say("s", "one", "two", "three")
    log = await log_of(api)
    etag = (await api.get("/sessions/s")).headers["etag"].strip('"')
    await api.say("s", "four")
    delete = partial(api.call, "DELETE", "/api/v1/sessions/s")
    events = await followed(api, f"{PLACE}?after=1", delete, **{name: etag})
    assert [event.data["seq"] for event in events[:-1]] == [4]
    assert len(log) == 3


async def test_an_empty_last_event_id_is_none(api: Api) -> None:
    await api.say("s", "one", "two")
    delete = partial(api.call, "DELETE", "/api/v1/sessions/s")
    events = await followed(api, f"{PLACE}?after=1", delete, **{"Last-Event-ID": ""})
    assert [event.data.get("seq") for event in events] == [2, None]


async def test_kinds_can_be_chosen(api: Api) -> None:
    await api.say("s", "one")
    await api.post("/agents/s/switch", {"agent": "coder", "reason": "r"})

    async def meanwhile() -> None:
        await api.post("/sessions/s/records", {"put": [{"key": "k", "value": 1}]})
        await api.say("s", "two")
        await api.call("DELETE", "/api/v1/sessions/s")

    events = await followed(api, f"{PLACE}?kind=switch&kind=record", meanwhile)
    assert [event.name for event in events] == ["switch", "record", "deleted"]


async def test_all_sessions_are_followed_at_once(api: Api) -> None:
    async def meanwhile() -> None:
        await api.post("/sessions", {"session_id": "s", "title": "t"})
        await api.say("s", "one")
        await api.call("DELETE", "/api/v1/sessions/s")
        api.runtime.end_following()

    events = await followed(api, "/events", meanwhile)
    moment = (await (await api.get("/trash")).get_json())["sessions"][0]["last_activity"]
    known = {"session_id": "s", "title": "t"}
    assert [(event.name, event.data) for event in events] == [
        ("session", {**known, "change": "created", "version": 1, "last_activity": moment}),
        ("session", {**known, "change": "changed", "version": 2, "last_activity": moment}),
        ("session", {"session_id": "s", "change": "deleted"}),
    ]
    numbers = [int((event.id or "").rpartition("-")[2]) for event in events]
    assert numbers == list(range(numbers[0], numbers[0] + 3))


async def test_a_place_among_the_changes_of_another_service_gets_a_reset(api: Api) -> None:
    async def meanwhile() -> None:
        await api.say("s", "one")
        api.runtime.end_following()

    events = await followed(api, "/events", meanwhile, **{"Last-Event-ID": "0badc0de-5"})
    assert [event.name for event in events] == ["reset", "session"]


@pytest.mark.parametrize("path", [PLACE, "/events"])
async def test_the_end_of_the_service_ends_a_stream_as_a_whole(api: Api, path: str) -> None:
    await api.say("s", "one")

    async def meanwhile() -> None:
        api.runtime.end_following()

    await followed(api, path, meanwhile)
    answer = await api.get(path)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sessions/none/events", 404),
        (f"{PLACE}?after=x", 400),
        (f"{PLACE}?after=-1", 400),
        (f"{PLACE}?after=1-xyz", 400),
        (f"{PLACE}?after={'9' * 19}", 400),
        (f"{PLACE}?kind=nothing", 400),
        (f"{PLACE}?limit=5", 400),
        ("/events?after=x", 400),
        ("/events?kind=message", 400),
    ],
)
async def test_what_is_wrong_is_no_stream(api: Api, path: str, status: int) -> None:
    await api.say("s", "one")
    answer = await api.get(path)
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert not api.runtime._parts.feeds.are_followed


@pytest.mark.parametrize("path", [PLACE, "/events"])
async def test_a_last_event_id_that_is_none_is_refused(api: Api, path: str) -> None:
    await api.say("s", "one")
    answer = await api.get(path, headers={"Last-Event-ID": "a b"})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [PLACE, "/events"])
async def test_a_head_is_answered_at_once(api: Api, path: str) -> None:
    await api.say("s", "one")
    answer = await api.call("HEAD", f"/api/v1{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert await answer.get_data(as_text=False) == b""
    while api.runtime._parts.feeds.by_session:
        await trio.lowlevel.checkpoint()


# -- over a socket -------------------------------------------------------------------------------

Connect = Callable[[], Awaitable[EventSource]]

SERVERS = pytest.mark.parametrize("server", ["own", "hypercorn"])


@asynccontextmanager
async def served(
    server: str = "own", *, limits: ServerConfig | None = None, **config: Any
) -> AsyncIterator[tuple[Session, Connect]]:
    """A session with one message, served over sockets, and what connects to that."""
    settings = RuntimeConfig(**{"durability": "commit", **config})
    async with open_runtime(MemoryStore(), settings, now=Clock()) as runtime:
        await runtime.session("s").append(said("one"))
        app = create_app(runtime)
        host = open_server(app, limits) if server == "own" else open_host(app, config=limits)
        async with host as opened, AsyncExitStack() as sources:

            async def connect() -> EventSource:
                stream = await trio.open_tcp_stream("127.0.0.1", opened.port)
                sources.push_async_callback(trio.aclose_forcefully, stream)
                return EventSource(stream)

            yield runtime.session("s"), connect
            runtime.end_following()  # as a service does when it is to stop


def said(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


@SERVERS
async def test_the_head_leaves_at_once_and_says_that_nothing_is_to_be_held_back(
    server: str,
) -> None:
    async with served(server) as (session, connect):
        source = await connect()
        assert await source.open(f"{PLACE}?after=1") == 200
        assert source.headers["content-type"] == "text/event-stream"
        assert source.headers["cache-control"] == "no-store, no-transform"
        assert source.headers["x-accel-buffering"] == "no"
        for text in ("two", "three"):
            await session.append(said(text))
            assert (await source.next()).data["body"] == said(text)


@SERVERS
async def test_the_end_of_a_stream_is_a_last_chunk(server: str) -> None:
    async with served(server) as (session, connect):
        source = await connect()
        await source.open(f"{PLACE}?after=1")
        await session.delete()
        assert (await source.next()).name == "deleted"
        with pytest.raises(EOFError):
            await source.next()


@SERVERS
async def test_who_has_nothing_to_hear_hears_that_the_stream_is_there(
    server: str, mock_clock: MockClock
) -> None:
    async with served(server) as (_, connect):
        for path in (f"{PLACE}?after=1", "/events"):
            source = await connect()
            await source.open(path)
            with time_passing(mock_clock):
                assert await source.some(2) == [Event("alive", {})] * 2


@SERVERS
async def test_a_client_that_goes_is_forgotten(server: str) -> None:
    async with served(server) as (session, connect):
        source = await connect()
        await source.open(PLACE)
        await source.next()
        await trio.aclose_forcefully(source.stream)
        while session._shared.feeds.are_followed:
            await session.append(said("more"))


async def test_a_client_that_goes_while_nothing_happens_is_forgotten(
    mock_clock: MockClock,
) -> None:
    async with served() as (session, connect):
        source = await connect()
        await source.open(PLACE)
        await source.next()
        await trio.aclose_forcefully(source.stream)
        with time_passing(mock_clock):
            while session._shared.feeds.are_followed:
                await trio.sleep(1)


async def test_a_client_that_has_ended_its_sending_is_told_all_the_same() -> None:
    async with served() as (session, connect):
        source = await connect()
        await source.open(PLACE)
        await source.stream.send_eof()
        await session.append(said("two"))
        assert [event.data["seq"] for event in await source.some(2)] == [1, 2]


@SERVERS
async def test_a_client_that_never_reads_is_cut_off(server: str, mock_clock: MockClock) -> None:
    async with served(server, limits=ServerConfig(send_timeout=5)) as (session, connect):
        for _ in range(20):
            await session.append(said("x" * 2**20))
        source = await connect()
        await source.send(PLACE)
        while not session._shared.feeds.are_followed:
            await trio.lowlevel.checkpoint()
        with time_passing(mock_clock):
            while session._shared.feeds.are_followed:
                await trio.sleep(1)


async def test_long_entries_and_many_short_ones_arrive() -> None:
    async with served() as (session, connect):
        source = await connect()
        await source.open(PLACE)
        await session.append(said("x" * 3 * 2**20))
        await session.append(*(said(f"{n}" * 500) for n in range(300)))
        events = await source.some(302)
        assert [event.data["seq"] for event in events] == list(range(1, 303))
        assert events[1].data["body"] == said("x" * 3 * 2**20)


async def test_what_many_follow_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []

    def noted(entry: Entry) -> Any:
        encoded.append(entry.seq)
        return shown_entry(entry)

    async with served() as (session, connect):
        sources = [await connect() for _ in range(10)]
        for source in sources:
            await source.open(f"{PLACE}?after=1")
        monkeypatch.setattr(events, "shown_entry", noted)
        await session.append(said("two"))
        assert {(await source.next()).id for source in sources} != {None}
    assert encoded == [2]


async def test_a_line_break_in_what_is_stored_is_a_space() -> None:
    assert event("message", b'{"a":\r\n1}') == b'event: message\ndata: {"a":  1}\n\n'


async def test_more_streams_than_there_may_be_are_refused_and_other_calls_are_not() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        await runtime.session("s").append(said("one"))
        api = Table(runtime, streams=2)
        async with open_answers(api) as answer, open_http(answer) as host:
            async with AsyncExitStack() as closing:
                for path, status in [(PLACE, 200), ("/events", 200), (PLACE, 503)]:
                    client = await closing.enter_async_context(await host.connect())
                    assert await EventSource(client.stream).open(path) == status
                assert (await host.ask("GET", "/api/v1/sessions/s")).status == 200
                assert api.resources.streams.open == 2
            while api.resources.streams.open:
                await runtime.session("s").append(said("more"))
                await runtime.flush()
