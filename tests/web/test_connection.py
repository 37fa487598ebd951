import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import h11
import pytest
import trio
import trio.testing
from hypercorn.typing import ASGIReceiveEvent
from quart import Response, redirect, request
from quart_trio import QuartTrio
from trio.testing import MockClock
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from tests.web.serving import open_server, send_until_closed, time_passing
from web.connection import HTTPConnection, PulledBody
from web.server import ServerConfig

LIMIT = 1000


def make_app() -> QuartTrio:
    app = QuartTrio(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LIMIT
    app.asgi_http_class = HTTPConnection  # type: ignore[assignment] # a sibling of Quart-Trio's

    @app.route("/hello", methods=["GET", "POST"])
    async def hello() -> str:
        return "hello"

    @app.post("/echo")
    async def echo() -> Any:
        return await request.get_data()

    @app.delete("/gone")
    async def gone() -> tuple[str, int]:
        return "", 204

    return app


def arriving(*events: tuple[bytes, bool] | None) -> Callable[[], Awaitable[ASGIReceiveEvent]]:
    """A `receive` that gives these parts of a body (and whether more comes); None disconnects."""
    waiting = list(events)

    async def receive() -> ASGIReceiveEvent:
        await trio.lowlevel.checkpoint()
        event = waiting.pop(0)
        if event is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": event[0], "more_body": event[1]}

    return receive


async def test_a_body_is_whole_however_often_it_is_awaited() -> None:
    body = PulledBody(arriving((b"a", True), (b"b", True), (b"", False)), None, None)
    assert await body == b"ab"
    assert await body == b"ab"
    assert body.ended


async def test_a_body_is_iterated_as_it_arrives() -> None:
    body = PulledBody(arriving((b"a", True), (b"", True), (b"b", False)), None, None)
    assert [part async for part in body] == [b"a", b"b"]


async def test_a_body_is_not_asked_for_until_somebody_wants_it() -> None:
    body = PulledBody(arriving(), None, None)
    assert not body.ended


async def test_a_body_announced_over_the_limit_is_not_read_at_all() -> None:
    body = PulledBody(arriving(), 11, 10)
    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge):
            await body


async def test_an_endless_body_is_read_up_to_the_limit_only() -> None:
    body = PulledBody(arriving((b"x" * 6, True), (b"x" * 6, True)), None, 10)
    for _ in range(2):
        with pytest.raises(RequestEntityTooLarge):
            await body


async def test_iterating_respects_the_limit_too() -> None:
    body = PulledBody(arriving((b"x" * 6, True), (b"x" * 6, True)), None, 10)
    with pytest.raises(RequestEntityTooLarge):
        _ = [part async for part in body]


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert await PulledBody(arriving((b"x" * 10, False)), 10, 10) == b"x" * 10


async def test_a_body_that_is_cut_off_is_never_taken_for_whole() -> None:
    body = PulledBody(arriving((b"half", True), None), None, None)
    for _ in range(2):
        with pytest.raises(ClientDisconnected):
            await body


async def test_two_readers_get_the_same_body() -> None:
    body = PulledBody(arriving((b"a", True), (b"b", False)), None, None)
    read: list[bytes] = []

    async def reader() -> None:
        read.append(await body)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        nursery.start_soon(reader)
    assert read == [b"ab", b"ab"]


async def test_the_apps_own_test_client_works() -> None:
    client = make_app().test_client()
    assert await (await client.post("/echo", data=b"body")).get_data() == b"body"
    assert (await client.post("/echo", data=b"x" * (LIMIT + 1))).status_code == 413


async def test_a_plain_answer_is_two_events() -> None:
    app = make_app()
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    scope: Any = {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "method": "GET",
        "scheme": "http",
        "path": "/hello",
        "raw_path": b"/hello",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": None,
        "server": None,
        "extensions": {},
    }
    await app(scope, arriving(), send)
    assert [event["type"] for event in events] == ["http.response.start", "http.response.body"]
    assert events[1] == {"type": "http.response.body", "body": b"hello", "more_body": False}


async def test_head_is_answered_like_get_without_the_body() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        answer = await client.ask("HEAD", "/hello")
        assert (answer.status, answer.headers["content-length"], answer.body) == (200, "5", b"")
        assert (await client.ask("GET", "/hello")).body == b"hello"


async def test_204_has_no_length_and_keeps_the_connection() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        answer = await client.ask("DELETE", "/gone")
        assert (answer.status, answer.body) == (204, b"")
        assert "content-length" not in answer.headers
        assert (await client.ask("GET", "/hello")).body == b"hello"


async def test_werkzeugs_own_responses_are_sent() -> None:
    app = make_app()

    @app.get("/there")
    async def there() -> Any:
        return redirect("/hello")

    async with open_server(app) as served:
        assert (await served.ask("GET", "/there")).headers["location"] == "/hello"


async def test_a_short_body_that_nobody_reads_keeps_the_connection() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        for _ in range(3):
            assert (await client.ask("POST", "/hello", b"x" * 100)).body == b"hello"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_refusal_reaches_a_client_that_is_still_sending_and_then_the_connection_closes(
    chunked: bool,
) -> None:
    large = b"x" * 5_000_000
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(large)
    head = b"POST /echo HTTP/1.1\r\nHost: localhost\r\n" + length + b"\r\n\r\n"
    framed = b"%x\r\n" % len(large) + large + b"\r\n0\r\n\r\n" if chunked else large
    async with open_server(make_app()) as served, await served.connect() as client:
        # Not a byte is read before all of it is sent, as simple clients have it.
        await client.send(head + framed)
        answer = await client.answer()
        assert answer.status == 413
        assert answer.headers["connection"].lower() == "close"
        assert await client.read_to_end() == b""


async def test_a_handler_that_ignores_a_large_body_is_not_held_up_by_it() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        assert (await client.ask("POST", "/hello", b"x" * 5_000_000)).body == b"hello"
        assert await client.read_to_end() == b""


async def test_a_client_that_never_stops_sending_is_cut_off(mock_clock: MockClock) -> None:
    config = ServerConfig(linger_timeout=0.1)
    async with open_server(make_app(), config) as served, await served.connect() as client:
        await client.send(
            b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n"
        )
        with time_passing(mock_clock):
            await send_until_closed(client.stream, b"x" * 65536)
        # Here the reset may have overtaken the answer; that is what the lingering bounds.
        assert (await served.ask("GET", "/hello")).status == 200


async def test_a_client_is_asked_to_continue_only_if_its_body_is_wanted() -> None:
    async with open_server(make_app()) as served:
        async with await served.connect() as client:
            await client.send(
                b"POST /echo HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
            )
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 100 ")
            await client.send(b"body")
            assert (await client.answer()).body == b"body"
        async with await served.connect() as client:
            await client.send(
                b"POST /echo HTTP/1.1\r\nHost: a\r\n"
                b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n"
            )
            assert (await client.stream.receive_some()).startswith(b"HTTP/1.1 413 ")


async def test_a_stream_arrives_piece_by_piece() -> None:
    app = make_app()
    more = trio.Event()

    @app.get("/stream")
    async def stream() -> Any:
        async def parts() -> AsyncIterator[str | bytes]:
            yield "one"
            await more.wait()
            yield b"two"

        return parts()

    async with open_server(app) as served, await served.connect() as client:
        await client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        data = b""
        while b"one" not in data:
            data += await client.stream.receive_some()
        assert b"two" not in data
        more.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += await client.stream.receive_some()
        assert b"two" in data
        await client.send(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await client.stream.receive_some()).endswith(b"hello")


@pytest.mark.parametrize("body", [b"", b"x"])
async def test_a_stream_ends_when_its_client_has_gone(body: bytes) -> None:
    app = make_app()
    ended = trio.Event()

    @app.route("/stream", methods=["GET", "POST"])
    async def stream() -> Any:
        await request.get_data()

        async def parts() -> AsyncIterator[bytes]:
            try:
                yield b"one"
                await trio.sleep_forever()
            finally:
                ended.set()

        return parts()

    async with open_server(app) as served:
        async with await served.connect() as client:
            await client.send(
                b"POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            assert await client.stream.receive_some()
        await ended.wait()


async def test_a_stream_beside_an_unread_body_ends_at_its_next_piece() -> None:
    app = make_app()
    ended = trio.Event()

    @app.post("/stream")
    async def stream() -> Any:
        async def parts() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 1000
                    await trio.lowlevel.checkpoint()
            finally:
                ended.set()

        return parts()

    async with open_server(app) as served:
        async with await served.connect() as client:
            await client.send(b"POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
            assert await client.stream.receive_some()
        await ended.wait()


async def test_a_stream_that_fails_or_takes_too_long_is_not_taken_for_whole(
    mock_clock: MockClock,
) -> None:
    app = make_app()

    @app.get("/fail")
    async def fail() -> Any:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            raise ZeroDivisionError

        return parts()

    @app.get("/late")
    async def late() -> Any:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            await trio.sleep_forever()

        response = Response(parts())
        response.timeout = 0.05
        return response

    async with open_server(app) as served:
        with pytest.raises(h11.RemoteProtocolError):
            await served.ask("GET", "/fail")
        with time_passing(mock_clock), pytest.raises(h11.RemoteProtocolError):
            await served.ask("GET", "/late")


async def test_a_handler_goes_on_when_its_client_has_gone() -> None:
    app = make_app()
    started, go_on, done = trio.Event(), trio.Event(), trio.Event()

    @app.post("/write")
    async def write() -> dict[str, int]:
        json.loads(await request.get_data())
        started.set()
        await go_on.wait()
        await trio.lowlevel.checkpoint()
        done.set()
        return {"written": 1}

    async with open_server(app) as served:
        async with await served.connect() as client:
            await client.send(b"POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
            await started.wait()
        await trio.testing.wait_all_tasks_blocked()
        go_on.set()
        await done.wait()
