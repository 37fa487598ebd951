"""The end in order: what has arrived is answered, within the grace time."""

import socket
from contextlib import ExitStack

import h11
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.web.http.packets import HELLO, get, post
from tests.web.http.serving import (
    Client,
    hello_and_echo,
    in_memory,
    open_server,
    routed,
    streams,
    time_passing,
)
from web.http.connection import LAST_WORD
from web.http.limits import ServerConfig
from web.http.listen import open_listeners
from web.http.message import Chunks, Request, Response
from web.http.server import serve


async def test_shutdown_closes_the_idle_and_answers_the_busy() -> None:
    started, release = trio.Event(), trio.Event()

    async def wait(request: Request) -> Response:
        started.set()
        await release.wait()
        return Response(200, b"done")

    async with (
        open_server(routed(wait=wait)) as served,
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
    async with open_server() as served, await served.connect() as client:
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


async def test_shutdown_waits_for_the_rest_of_a_body() -> None:
    async with open_server() as served, await served.connect() as client:
        await client.send(post(b"Content-Length: 4", body=b"bo"))
        await trio.testing.wait_all_tasks_blocked()
        served.shutdown.set()
        await trio.testing.wait_all_tasks_blocked()
        await client.send(b"dy")
        assert (await client.answer()).body == b"body"
        await served.stopped.wait()


@pytest.mark.parametrize("pieces", [3, 10_000], ids=["ends", "does not end"])
async def test_a_stream_goes_on_until_the_grace_time_is_over(
    pieces: int, mock_clock: MockClock
) -> None:
    async def slow() -> Chunks:
        for _ in range(pieces):
            yield b"x"
            await trio.sleep(1)

    async with (
        open_server(routed(slow=streams(slow)), ServerConfig(grace=10)) as served,
        await served.connect() as client,
    ):
        await client.send(get(b"/slow"))
        assert await client.stream.receive_some()
        served.shutdown.set()
        with time_passing(mock_clock):
            rest = await client.read_to_end()
            await served.stopped.wait()
    assert rest.endswith(b"0\r\n\r\n") is (pieces == 3)


@pytest.mark.parametrize("is_endless", [True, False])
async def test_who_takes_nothing_more_holds_up_the_end_only_where_a_stream_has_one(
    mock_clock: MockClock, is_endless: bool
) -> None:
    async def more() -> Chunks:
        while True:
            yield b"x" * 100_000

    async def endpoint(_: Request) -> Response:
        return Response(200, more(), is_endless=is_endless)

    async with (
        in_memory(routed(more=endpoint), ServerConfig(send_timeout=60)) as served,
        served.connect(lockstep=True) as client,
    ):
        await client.send(get(b"/more"))
        assert await client.stream.receive_some(1)
        begun = trio.current_time()
        served.server.crowd.retire()
        with time_passing(mock_clock):
            while served.server.crowd.size:
                await trio.sleep(0.1)
        waited = trio.current_time() - begun
    assert (waited < 2 * LAST_WORD) is is_endless


async def test_a_stream_without_an_end_that_begins_at_the_end_is_short(
    mock_clock: MockClock,
) -> None:
    async def silent() -> Chunks:
        yield b"x"
        await trio.sleep_forever()

    async def endpoint(_: Request) -> Response:
        await release.wait()
        return Response(200, silent(), is_endless=True)

    release = trio.Event()
    async with in_memory(routed(more=endpoint)) as served, served.connect() as client:
        await client.send(get(b"/more"))
        await trio.testing.wait_all_tasks_blocked()
        served.server.crowd.retire()
        release.set()
        with time_passing(mock_clock):
            await client.read_to_end()


async def test_what_takes_longer_than_the_grace_time_is_cut_off() -> None:
    started = trio.Event()

    async def wait(request: Request) -> Response:
        started.set()
        await trio.sleep_forever()
        raise AssertionError

    config = ServerConfig(grace=0.05)
    async with open_server(routed(wait=wait), config) as served, await served.connect() as client:
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
            await serve(hello_and_echo, listeners, shutdown=trio.Event(), task_status=task_status)

        await nursery.start(run)
        stream = await trio.open_tcp_stream(*listeners[0].socket.getsockname())
        await stream.send_all(HELLO)
        assert await stream.receive_some()
        nursery.cancel_scope.cancel()
    await stream.aclose()


async def test_shutdown_answers_what_waits_in_the_backlog() -> None:
    listeners = await open_listeners("127.0.0.1", 0)
    shutdown = trio.Event()
    shutdown.set()
    with ExitStack() as clients:
        sockets = [
            clients.enter_context(socket.create_connection(listeners[0].socket.getsockname()))
            for _ in range(20)
        ]
        for client in sockets:
            client.sendall(HELLO)
        await serve(hello_and_echo, listeners, shutdown=shutdown)
        for client in sockets:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(client))
            assert (await Client(stream).answer()).body == b"hello"


async def test_shutdown_takes_no_one_from_an_empty_backlog() -> None:
    listeners = await open_listeners("127.0.0.1", 0)
    address = listeners[0].socket.getsockname()
    shutdown = trio.Event()
    shutdown.set()
    await serve(hello_and_echo, listeners, shutdown=shutdown)
    with socket.socket() as late:
        assert late.connect_ex(address) != 0
