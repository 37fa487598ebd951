"""Answers in pieces: as they come, never a part for the whole, always closed."""

import socket
import struct

import h11
import pytest
import trio
from trio.testing import MockClock

from tests.web.http.packets import HELLO, get, post
from tests.web.http.serving import in_memory, open_server, read, routed, streams, time_passing
from web.http.limits import ServerConfig
from web.http.message import Chunks, Request, Response


async def drain(stream: trio.abc.ReceiveStream) -> None:
    while await stream.receive_some():
        pass


async def two() -> Chunks:
    yield b"one"
    yield b""
    yield b"two" * 30_000


async def test_a_stream_arrives_piece_by_piece() -> None:
    more = trio.Event()

    async def parts() -> Chunks:
        yield b"one"
        await more.wait()
        yield b"two"

    async with in_memory(routed(stream=streams(parts))) as served, served.connect() as client:
        await client.send(get(b"/stream"))
        assert (await client.stream.receive_some()).endswith(b"\r\n\r\n3\r\none\r\n")
        more.set()
        data = b""
        while not data.endswith(b"0\r\n\r\n"):
            data += await client.stream.receive_some()
        assert data == b"3\r\ntwo\r\n0\r\n\r\n"
        assert (await client.ask("GET", "/hello")).body == b"hello"


async def test_pieces_of_any_size_are_the_answer() -> None:
    async with in_memory(routed(stream=streams(two))) as served, served.connect() as client:
        answer = await client.ask("GET", "/stream")
        assert answer.body == b"one" + b"two" * 30_000
        assert answer.headers["transfer-encoding"] == "chunked"


async def test_a_stream_of_nothing_is_an_empty_answer() -> None:
    async def nothing() -> Chunks:
        return
        yield b""

    async with in_memory(routed(stream=streams(nothing))) as served, served.connect() as client:
        answer = await client.ask("GET", "/stream")
        assert (answer.status, answer.body) == (200, b"")


async def test_http_1_0_gets_a_stream_until_the_end() -> None:
    async with in_memory(routed(stream=streams(two))) as served, served.connect() as client:
        await client.send(get(b"/stream", version=b"1.0"))
        head, _, body = (await client.read_to_end()).partition(b"\r\n\r\n")
        assert body == b"one" + b"two" * 30_000
        assert b"chunked" not in head
        assert not served.lines[0].was_cut


async def test_a_client_that_has_closed_its_sending_side_gets_the_whole_stream() -> None:
    async def slow() -> Chunks:
        for _ in range(10):
            await trio.testing.wait_all_tasks_blocked()
            yield b"x" * 1000

    async with (
        open_server(routed(stream=streams(slow))) as served,
        await served.connect() as client,
    ):
        await client.send(get(b"/stream"))
        await client.stream.send_eof()
        assert len((await client.answer()).body) == 10_000


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_a_stream_that_nobody_may_get_is_closed_unread(method: str, status: int) -> None:
    begun, closed = trio.Event(), trio.Event()

    class Watched:
        """Chunks that say when they are closed."""

        async def __anext__(self) -> bytes:
            begun.set()
            raise StopAsyncIteration

        async def aclose(self) -> None:
            closed.set()

    async def answer(request: Request) -> Response:
        return Response(status, Watched())  # type: ignore[arg-type]

    async with in_memory(routed(stream=answer)) as served, served.connect() as client:
        answered = await client.ask(method, "/stream")
        assert (answered.status, answered.body) == (status, b"")
        assert (await client.ask("GET", "/hello")).body == b"hello"
    assert closed.is_set()
    assert not begun.is_set()


async def fail() -> Chunks:
    yield b"one"
    raise ZeroDivisionError("secret")


async def test_a_stream_that_fails_is_not_taken_for_whole_and_logged_once_without_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with in_memory(routed(fail=streams(fail))) as served:
        with pytest.raises(h11.RemoteProtocolError):
            await served.ask("GET", "/fail")
    (record,) = caplog.records
    assert "ZeroDivisionError at test_streams.py" in record.message
    assert "secret" not in caplog.text


async def test_a_stream_that_fails_to_http_1_0_is_reset() -> None:
    async with open_server(routed(fail=streams(fail))) as served, await served.connect() as client:
        await client.send(get(b"/fail", version=b"1.0"))
        with pytest.raises(trio.BrokenResourceError):
            await drain(client.stream)


async def test_a_stream_that_the_end_of_the_server_cuts_off_is_reset_to_http_1_0() -> None:
    async def endless() -> Chunks:
        yield b"one"
        await trio.sleep_forever()

    async with in_memory(routed(stream=streams(endless))) as served:
        client = served.connect()
        await client.send(get(b"/stream", version=b"1.0"))
        assert (await client.stream.receive_some()).endswith(b"one")
    assert served.lines[0].was_cut


async def test_a_stream_that_http_1_0_does_not_take_in_time_is_reset(
    autojump_clock: MockClock,
) -> None:
    config = ServerConfig(send_timeout=3)
    # Nothing is taken that is not received.
    async with (
        in_memory(routed(stream=streams(two)), config) as served,
        served.connect(lockstep=True) as client,
    ):
        await client.send(get(b"/stream", version=b"1.0"))
        await trio.sleep(3.1)
        assert served.lines[0].was_cut


async def test_a_stream_that_fails_before_its_first_piece_is_a_500() -> None:
    async def fail_at_once() -> Chunks:
        raise ZeroDivisionError
        yield b""

    async with in_memory(routed(fail=streams(fail_at_once))) as served:
        assert (await served.ask("GET", "/fail")).status == 500


async def test_a_stream_may_read_its_request_meanwhile() -> None:
    async def shout(request: Request) -> Response:
        async def parts() -> Chunks:
            while piece := await request.body.receive():
                yield piece.upper()

        return Response(200, parts())

    async with in_memory(routed(shout=shout)) as served, served.connect() as client:
        await client.send(get(b"/shout", b"Content-Length: 6"))
        await client.send(b"one")
        assert (await client.stream.receive_some()).endswith(b"3\r\nONE\r\n")
        await client.send(b"two")
        assert (await client.stream.receive_some()).startswith(b"3\r\nTWO\r\n")


async def test_a_stream_whose_client_takes_nothing_more_is_closed() -> None:
    ended = trio.Event()

    async def forever() -> Chunks:
        try:
            while True:
                yield b"x" * 1000
        finally:
            ended.set()

    async with open_server(routed(stream=streams(forever))) as served:
        async with await served.connect() as client:
            await client.send(get(b"/stream"))
            assert await client.stream.receive_some()
        await ended.wait()
        assert (await served.ask("GET", "/hello")).status == 200


@pytest.mark.parametrize("ahead", [b"", HELLO])
async def test_a_silent_stream_ends_when_its_client_has_gone(
    ahead: bytes, mock_clock: MockClock
) -> None:
    ended = trio.Event()

    async def silent() -> Chunks:
        try:
            yield b"one"
            await trio.sleep_forever()
        finally:
            ended.set()

    async with open_server(routed(stream=streams(silent))) as served:
        async with await served.connect() as client:
            assert isinstance(client.stream, trio.SocketStream)
            await client.send(get(b"/stream"))
            assert await client.stream.receive_some()
            await client.send(ahead)
            # The close is a reset, as that of a process that was killed with input unread.
            reset = struct.pack("ii", 1, 0)
            client.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        with time_passing(mock_clock):
            await ended.wait()


async def test_a_silent_stream_goes_on_while_its_client_is_there(mock_clock: MockClock) -> None:
    async def patient() -> Chunks:
        yield b"one"
        await trio.sleep(3600)
        yield b"two"

    async with in_memory(routed(stream=streams(patient))) as served, served.connect() as client:
        await client.send(get(b"/stream"))
        with time_passing(mock_clock):
            assert (await client.answer()).body == b"onetwo"


async def test_a_stream_is_closed_when_its_request_turns_out_to_be_none() -> None:
    closed = trio.Event()

    async def answer(request: Request) -> Response:
        async def parts() -> Chunks:
            try:
                yield b"one"
                await read(request)
            finally:
                closed.set()

        return Response(200, parts())

    async with in_memory(routed(stream=answer)) as served, served.connect() as client:
        await client.send(post(b"Transfer-Encoding: chunked").replace(b"/echo", b"/stream"))
        assert (await client.stream.receive_some()).endswith(b"one\r\n")
        await client.send(b"zz\r\n")
        assert await client.read_to_end() == b""
    assert closed.is_set()
