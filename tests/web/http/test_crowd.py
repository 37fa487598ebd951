"""How many may be connected, and who makes room."""

import errno

import pytest
import trio

from tests.web.http.packets import HELLO, get
from tests.web.http.serving import hello_and_echo, in_memory, open_server, routed
from web.http.limits import RESERVED_FILES, ServerConfig
from web.http.listen import open_listeners
from web.http.message import Request, Response
from web.http.server import serve


async def test_a_new_connection_takes_the_place_of_the_longest_idle() -> None:
    async with (
        in_memory(config=ServerConfig(max_connections=2)) as served,
        served.connect() as first,
        served.connect() as second,
    ):
        for client in (first, second, first):
            assert (await client.ask("GET", "/hello")).status == 200
        assert (await served.ask("GET", "/hello")).status == 200
        assert await second.read_to_end() == b""
        assert (await first.ask("GET", "/hello")).status == 200


async def test_who_has_sent_part_of_a_head_makes_room_as_well() -> None:
    async with (
        in_memory(config=ServerConfig(max_connections=1)) as served,
        served.connect() as client,
    ):
        await client.send(HELLO[:10])
        await trio.testing.wait_all_tasks_blocked()
        assert (await served.ask("GET", "/hello")).status == 200
        assert await client.read_to_end() == b""


async def test_a_crowd_of_silent_connections_keeps_nobody_out() -> None:
    async with open_server(config=ServerConfig(max_connections=20)) as served:
        crowd = [await served.connect() for _ in range(100)]
        for client in crowd[::2]:
            await client.send(HELLO[:10])
        for _ in range(5):
            assert (await served.ask("GET", "/hello")).status == 200
        for client in crowd:
            await trio.aclose_forcefully(client.stream)


async def test_what_comes_too_late_for_one_that_makes_room_is_not_answered() -> None:
    asked: list[str] = []

    async def note(request: Request) -> Response:
        asked.append(request.path)
        return Response(204)

    async with (
        in_memory(routed(note=note), ServerConfig(max_connections=1)) as served,
        served.connect() as client,
    ):
        await trio.testing.wait_all_tasks_blocked()
        await client.send(get(b"/note"))
        # Its task is about to run, and the crowd does not know that.
        assert served.server.crowd.enter()
        assert await client.read_to_end() == b""
    assert asked == []


async def test_a_connection_that_finds_all_others_busy_gets_a_503(
    caplog: pytest.LogCaptureFixture,
) -> None:
    started, release = trio.Event(), trio.Event()

    async def wait(request: Request) -> Response:
        started.set()
        await release.wait()
        return Response(200, b"done")

    async with open_server(routed(wait=wait), ServerConfig(max_connections=1)) as served:
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
    (record,) = caplog.records
    assert "all 1 connections are busy" in record.message


async def test_the_idle_make_room_before_the_process_runs_out_of_files(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (RESERVED_FILES + 2, 2**20))
    async with (
        in_memory(config=ServerConfig(max_connections=800)) as served,
        served.connect() as first,
        served.connect() as second,
    ):
        for client in (first, second):
            assert (await client.ask("GET", "/hello")).status == 200
        assert (await served.ask("GET", "/hello")).status == 200
        assert await first.read_to_end() == b""
        assert (await second.ask("GET", "/hello")).status == 200
    (record,) = caplog.records
    assert record.message == (
        "Only 2 connections at one time, not 800: the process may have 66 files open"
    )


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
            await serve(hello_and_echo, [listener], shutdown=shutdown, task_status=task_status)

        await nursery.start(run)
        await failed.wait()
        stream = await trio.open_tcp_stream(*listener.socket.getsockname())
        await stream.send_all(get(b"/hello", b"Connection: close"))
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
        await stream.aclose()
        shutdown.set()
