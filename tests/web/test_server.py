import errno
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import h11
import pytest
import trio
import trio.testing
from hypercorn.events import Event
from quart import request
from quart_trio import QuartTrio
from trio.testing import MockClock

from tests.web.packets import AMBIGUOUS, HELLO, PACKETS, get, post
from tests.web.serving import open_server, send_until_closed, time_passing
from web import answers
from web.http.asgi import App, request_of, send_response
from web.http.guest import answered_by
from web.http.message import ClientGone
from web.http1 import HTTP1
from web.problems import CannotServe
from web.server import RESERVED_FILES, ServerConfig, addresses, open_listeners, serve

LARGE = 20 * 1024 * 1024


class Guest(QuartTrio):
    """Answers each request to its end, also where its client has stopped sending."""

    async def asgi_app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().asgi_app(scope, receive, send)
            return
        request = request_of(scope, receive)
        try:
            async with trio.open_nursery() as nursery:
                answer = await answered_by(cast(App, super().asgi_app), request, nursery)
                await send_response(answer, request.method, receive, send)
        except* (ClientGone, answers.ClientGone):
            pass  # nobody is left to be told


def make_app() -> QuartTrio:
    app = Guest(__name__)

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    @app.post("/echo")
    async def echo() -> Any:
        return await request.get_data()

    return app


@pytest.mark.parametrize(
    ("packet", "status"),
    [pytest.param(packet, status, id=name) for name, packet, status in PACKETS],
)
async def test_a_strange_packet_is_answered_and_the_next_client_too(
    packet: bytes, status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_server(make_app()) as served:
        async with await served.connect() as client:
            await client.send(packet)
            await client.stream.send_eof()
            answer = await client.read_to_end()
        assert (await served.ask("GET", "/hello")).body == b"hello"
    assert answer.startswith(b"HTTP/1.1 ")
    if status is not None:
        assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"server:" not in answer.lower()
    assert [record.message for record in caplog.records if record.name.startswith("web")] == []


@pytest.mark.parametrize("packet", [pytest.param(packet, id=name) for name, packet in AMBIGUOUS])
async def test_what_two_readers_could_split_differently_is_refused_and_the_rest_not_read(
    packet: bytes,
) -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        await client.send(packet + HELLO)
        await client.stream.send_eof()
        answer = await client.read_to_end()
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))


@pytest.mark.parametrize("cut", [1, 10, len(HELLO) - 1])
async def test_a_client_that_leaves_in_the_middle_harms_nobody(
    cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_server(make_app()) as served:
        async with await served.connect() as client:
            await client.send(HELLO[:cut])
        async with await served.connect() as client:
            await client.send(post(b"Content-Length: 1000", body=b"x"))
        assert (await served.ask("GET", "/hello")).status == 200
    assert [record.message for record in caplog.records if record.name.startswith("web")] == []


@pytest.mark.parametrize(
    "failure",
    [
        lambda: ValueError("secret"),
        lambda: ExceptionGroup("secret", [KeyError("secret"), ExceptionGroup("", [IndexError()])]),
        lambda: AssertionError("secret"),
        lambda: RecursionError("secret"),
    ],
)
async def test_a_bug_in_the_protocol_ends_one_connection_and_is_logged_once_without_content(
    failure: Callable[[], Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    handle = HTTP1.handle

    async def break_on_boom(self: HTTP1, event: Event) -> None:
        if b"boom" in getattr(event, "data", b""):
            raise failure()
        await handle(self, event)

    monkeypatch.setattr(HTTP1, "handle", break_on_boom)
    async with (
        open_server(make_app()) as served,
        await served.connect() as other,
        await served.connect() as client,
    ):
        assert (await other.ask("GET", "/hello")).status == 200
        await client.send(b"boom")
        assert await client.read_to_end() == b""
        assert (await other.ask("GET", "/hello")).status == 200
    (record,) = [record for record in caplog.records if record.name.startswith("web")]
    assert "127.0.0.1 port" in record.message
    assert "Error" in record.message
    assert "secret" not in caplog.text
    assert "boom" not in record.message


async def test_an_app_that_fails_outside_its_error_handling_is_a_500_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = make_app()
    inner = app.asgi_app

    async def divide(_: str) -> None:
        _ = str(1 // 0)

    async def fail(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/fail":
            async with trio.open_nursery() as nursery:
                nursery.start_soon(divide, "secret")
                nursery.start_soon(trio.sleep_forever)
        await inner(scope, receive, send)

    app.asgi_app = fail  # type: ignore[method-assign]
    async with open_server(app) as served:
        assert (await served.ask("GET", "/fail")).status == 500
        assert (await served.ask("GET", "/hello")).status == 200
    (record,) = [record for record in caplog.records if record.name.startswith("web")]
    assert "ZeroDivisionError at test_server.py" in record.message
    assert "secret" not in caplog.text


async def test_one_connection_takes_many_requests() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        for body in (b"one", b"two" * 100_000, b"three"):
            assert (await client.ask("POST", "/echo", body)).body == body


async def test_requests_that_are_sent_ahead_are_answered_in_order() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        await client.send(HELLO + post(b"Content-Length: 3", body=b"two") + HELLO)
        assert [(await client.answer()).body for _ in range(3)] == [b"hello", b"two", b"hello"]


async def test_what_follows_a_last_request_is_not_answered() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        await client.send(get(b"/hello", b"Connection: close") + HELLO)
        assert (await client.answer()).body == b"hello"
        assert await client.read_to_end() == b""


async def test_a_client_that_has_closed_its_sending_side_gets_its_answer() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        await client.send(HELLO)
        await client.stream.send_eof()
        assert (await client.answer()).body == b"hello"


async def test_an_answer_leaves_in_one_piece() -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        await client.send(HELLO)
        assert (await client.stream.receive_some()).endswith(b"hello")


async def test_a_head_that_trickles_in_ends_with_408(mock_clock: MockClock) -> None:
    async with open_server(make_app(), ServerConfig(header_timeout=0.1)) as served:
        async with await served.connect() as client, trio.open_nursery() as nursery:

            async def trickle() -> None:
                await client.send(b"GET /hello HTTP/1.1\r\nX: ")
                try:
                    while True:
                        await client.send(b"x")
                        await trio.sleep(0.01)
                except trio.BrokenResourceError:
                    return

            nursery.start_soon(trickle)
            with time_passing(mock_clock):
                answer = await client.read_to_end()
            nursery.cancel_scope.cancel()
        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_a_silent_connection_is_closed_without_a_word(mock_clock: MockClock) -> None:
    async with open_server(make_app(), ServerConfig(idle_timeout=0.05)) as served:
        async with await served.connect() as client:
            with time_passing(mock_clock):
                assert await client.read_to_end() == b""
        async with await served.connect() as client:
            assert (await client.ask("GET", "/hello")).status == 200
            with time_passing(mock_clock):
                assert await client.read_to_end() == b""


async def test_a_body_that_stops_coming_ends_with_408(mock_clock: MockClock) -> None:
    app = make_app()
    begun = trio.Event()

    @app.before_request
    async def begin() -> None:
        begun.set()

    async with open_server(app, ServerConfig(read_timeout=0.05)) as served:
        async with await served.connect() as client:
            await client.send(post(b"Content-Length: 1000", body=b"x"))
            await begun.wait()
            with time_passing(mock_clock):
                answer = await client.read_to_end()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer


async def test_no_deadline_runs_while_the_app_works(mock_clock: MockClock) -> None:
    app = make_app()

    @app.post("/slow")
    async def slow() -> str:
        await request.get_data()
        with time_passing(mock_clock):
            await trio.sleep(0.3)
        return "done"

    hasty = ServerConfig(header_timeout=0.05, idle_timeout=0.05, read_timeout=0.05)
    async with open_server(app, hasty) as served:
        assert (await served.ask("POST", "/slow", b"x")).body == b"done"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_does_not_read_is_given_up(
    streamed: bool, mock_clock: MockClock
) -> None:
    app = make_app()
    inner = app.asgi_app
    ended = trio.Event()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)
        if scope["path"] == "/large":
            ended.set()

    app.asgi_app = watched  # type: ignore[method-assign]

    @app.get("/large")
    async def large() -> Any:
        async def forever() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 65536

        return forever() if streamed else b"x" * LARGE

    async with open_server(app, ServerConfig(send_timeout=0.1)) as served:
        async with await served.connect() as client:
            await client.send(get(b"/large"))
            with time_passing(mock_clock):
                if not streamed:
                    await ended.wait()
                else:
                    await send_until_closed(client.stream, b"x")
            assert len(await client.read_to_end()) < LARGE
        assert (await served.ask("GET", "/hello")).status == 200


async def test_a_large_answer_reaches_a_client_that_reads() -> None:
    app = make_app()

    @app.get("/large")
    async def large() -> bytes:
        return b"x" * LARGE

    async with open_server(app, ServerConfig(send_timeout=5)) as served:
        assert len((await served.ask("GET", "/large")).body) == LARGE


async def test_a_new_connection_takes_the_place_of_the_longest_idle() -> None:
    async with (
        open_server(make_app(), ServerConfig(max_connections=2)) as served,
        await served.connect() as first,
        await served.connect() as second,
    ):
        for client in (first, second, first):
            assert (await client.ask("GET", "/hello")).status == 200
        assert (await served.ask("GET", "/hello")).status == 200
        assert await second.read_to_end() == b""
        assert (await first.ask("GET", "/hello")).status == 200


async def test_a_crowd_of_silent_connections_keeps_nobody_out() -> None:
    async with open_server(make_app(), ServerConfig(max_connections=20)) as served:
        crowd = [await served.connect() for _ in range(100)]
        for client in crowd[::2]:
            await client.send(HELLO[:10])
        for _ in range(5):
            assert (await served.ask("GET", "/hello")).status == 200
        for client in crowd:
            await trio.aclose_forcefully(client.stream)


async def test_the_idle_make_room_before_the_process_runs_out_of_files(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (RESERVED_FILES + 2, 2**20))
    async with (
        open_server(make_app(), ServerConfig(max_connections=800)) as served,
        await served.connect() as first,
        await served.connect() as second,
    ):
        for client in (first, second):
            assert (await client.ask("GET", "/hello")).status == 200
        assert (await served.ask("GET", "/hello")).status == 200
        assert await first.read_to_end() == b""
        assert (await second.ask("GET", "/hello")).status == 200
    (record,) = [record for record in caplog.records if record.name == "web.server"]
    assert record.message == (
        "Only 2 connections at one time, not 800: the process may have 66 files open"
    )


async def test_a_connection_that_finds_all_others_busy_gets_a_503() -> None:
    app = make_app()
    started, release = trio.Event(), trio.Event()

    @app.get("/wait")
    async def wait() -> str:
        started.set()
        await release.wait()
        return "done"

    async with open_server(app, ServerConfig(max_connections=1)) as served:
        async with await served.connect() as busy:
            await busy.send(get(b"/wait"))
            await started.wait()
            refused = await served.ask("GET", "/hello")
            assert refused.status == 503
            assert refused.headers["retry-after"] == "1"
            assert refused.json["error"] == refused.json["detail"]
            release.set()
            assert (await busy.answer()).body == b"done"
        assert (await served.ask("GET", "/hello")).status == 200


async def test_running_out_of_file_descriptors_does_not_end_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    accept, failed = listener.accept, trio.Event()

    async def fail_once() -> trio.SocketStream:
        if not failed.is_set():
            failed.set()
            raise OSError(errno.EMFILE, "Too many open files")
        return await accept()

    monkeypatch.setattr(listener, "accept", fail_once)
    shutdown = trio.Event()
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[list[str]]) -> None:
            await serve(make_app(), [listener], shutdown=shutdown, task_status=task_status)

        await nursery.start(run)
        await failed.wait()
        stream = await trio.open_tcp_stream(*listener.socket.getsockname())
        await stream.send_all(get(b"/hello", b"Connection: close"))
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
        await stream.aclose()
        shutdown.set()


async def test_shutdown_closes_the_idle_and_answers_the_busy() -> None:
    app = make_app()
    started, release = trio.Event(), trio.Event()

    @app.get("/wait")
    async def wait() -> str:
        started.set()
        await release.wait()
        return "done"

    async with (
        open_server(app) as served,
        await served.connect() as busy,
        await served.connect() as idle,
        await served.connect() as silent,
    ):
        assert (await idle.ask("GET", "/hello")).status == 200
        await busy.send(get(b"/wait"))
        await started.wait()
        served.shutdown.set()
        assert await idle.read_to_end() == b""
        assert await silent.read_to_end() == b""
        with pytest.raises(OSError, match=r"."):
            await served.connect()
        assert not served.stopped.is_set()
        release.set()
        answer = await busy.answer()
        assert answer.body == b"done"
        assert answer.headers["connection"] == "close"
        await served.stopped.wait()


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("cut", [1, len(HELLO)])
async def test_shutdown_answers_what_has_arrived(warm: bool, cut: int) -> None:
    async with open_server(make_app()) as served, await served.connect() as client:
        assert (await served.ask("GET", "/hello")).status == 200  # the connection is accepted
        if warm:
            assert (await client.ask("GET", "/hello")).status == 200
        await client.send(HELLO[:cut])
        served.shutdown.set()
        await trio.testing.wait_all_tasks_blocked()
        await client.send(HELLO[cut:])
        assert (await client.answer()).body == b"hello"
        assert await client.read_to_end() == b""
        await served.stopped.wait()


async def test_what_takes_longer_than_the_grace_time_is_cut_off() -> None:
    app = make_app()
    started = trio.Event()

    @app.get("/wait")
    async def wait() -> str:
        started.set()
        await trio.sleep_forever()
        return "never"

    config = ServerConfig(grace=0.05)
    async with open_server(app, config) as served, await served.connect() as client:
        await client.send(get(b"/wait"))
        await started.wait()
        served.shutdown.set()
        with pytest.raises((h11.RemoteProtocolError, trio.BrokenResourceError)):
            await client.answer()
        await served.stopped.wait()


async def test_cancelling_ends_everything_at_once() -> None:
    listeners = await open_listeners("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:

        async def run(task_status: trio.TaskStatus[list[str]]) -> None:
            await serve(make_app(), listeners, shutdown=trio.Event(), task_status=task_status)

        await nursery.start(run)
        stream = await trio.open_tcp_stream(*listeners[0].socket.getsockname())
        await stream.send_all(HELLO)
        assert await stream.receive_some()
        nursery.cancel_scope.cancel()
    await stream.aclose()


async def test_the_app_is_started_and_shut_down_around_the_serving() -> None:
    app = make_app()
    order: list[str] = []

    @app.before_serving
    async def before() -> None:
        order.append("before")

    @app.after_serving
    async def after() -> None:
        order.append("after")

    async with open_server(app) as served:
        order.append(str((await served.ask("GET", "/hello")).status))
    assert order == ["before", "200", "after"]


async def test_an_address_that_is_taken_is_told_to_the_operator() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        port = listener.socket.getsockname()[1]
        with pytest.raises(CannotServe, match=f"127.0.0.1 port {port}") as caught:
            await open_listeners("127.0.0.1", port)
        assert caught.value.hint


async def test_the_bound_addresses_are_reported() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        port = listener.socket.getsockname()[1]
        assert addresses([listener]) == [f"http://127.0.0.1:{port}"]


async def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("web").addHandler(logging.NullHandler())
    async with open_server(make_app()) as served:
        assert (await served.ask("GET", "/hello")).status == 200
        assert (await served.ask("GET", "/nope")).status == 404
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("setting", ["max_connections", "header_timeout", "send_timeout"])
def test_a_limit_of_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        ServerConfig(**{setting: 0})
