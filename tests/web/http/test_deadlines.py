"""How long a client may keep the server waiting."""

import pytest
import trio
from trio.testing import MockClock

from tests.web.http.packets import HELLO, get
from tests.web.http.serving import (
    in_memory,
    open_server,
    routed,
    send_until_closed,
    streams,
    time_passing,
)
from web.http.limits import ServerConfig
from web.http.message import Chunks, Request, Response


async def test_a_silent_connection_is_closed_without_a_word(autojump_clock: MockClock) -> None:
    async with in_memory(config=ServerConfig(idle_timeout=7)) as served:
        async with served.connect() as client:
            assert await client.read_to_end() == b""
            assert trio.current_time() == 7
        async with served.connect() as client:
            assert (await client.ask("GET", "/hello")).status == 200
            assert await client.read_to_end() == b""
            assert trio.current_time() == 14


async def test_each_idle_connection_has_its_own_patience(autojump_clock: MockClock) -> None:
    async with (
        in_memory(config=ServerConfig(idle_timeout=7)) as served,
        served.connect() as first,
        served.connect() as second,
    ):
        await trio.sleep(3)
        assert (await first.ask("GET", "/hello")).status == 200
        assert await second.read_to_end() == b""
        assert trio.current_time() == 7
        assert await first.read_to_end() == b""
        assert trio.current_time() == 10


async def test_a_head_that_trickles_in_ends_with_408(autojump_clock: MockClock) -> None:
    async with (
        in_memory(config=ServerConfig(header_timeout=5)) as served,
        served.connect() as client,
        trio.open_nursery() as nursery,
    ):

        async def trickle() -> None:
            await client.send(b"GET /hello HTTP/1.1\r\nX: ")
            while True:
                await client.send(b"x")
                await trio.sleep(0.1)

        nursery.start_soon(trickle)
        assert (await client.answer()).status == 408
        assert trio.current_time() == 5
        nursery.cancel_scope.cancel()


async def test_a_head_has_its_time_from_its_first_byte(autojump_clock: MockClock) -> None:
    hasty = ServerConfig(header_timeout=5, idle_timeout=20)
    async with in_memory(config=hasty) as served, served.connect() as client:
        await trio.sleep(19)
        await client.send(HELLO + HELLO[:20])
        assert (await client.answer()).status == 200
        await trio.sleep(4)
        await client.send(HELLO[20:])
        assert (await client.answer()).status == 200


async def test_part_of_a_head_outlives_the_patience_with_the_idle(
    autojump_clock: MockClock,
) -> None:
    async with (
        in_memory(config=ServerConfig(header_timeout=5, idle_timeout=2)) as served,
        served.connect() as client,
        served.connect() as idle,
    ):
        await client.send(HELLO[:20])
        assert await idle.read_to_end() == b""
        await trio.sleep(1)
        await client.send(HELLO[20:])
        assert (await client.answer()).status == 200


async def test_no_deadline_runs_while_an_answer_is_made(autojump_clock: MockClock) -> None:
    async def slow(request: Request) -> Response:
        await trio.sleep(3600)
        return Response(200, b"done")

    hasty = ServerConfig(header_timeout=1, idle_timeout=1, read_timeout=1)
    async with in_memory(routed(slow=slow), hasty) as served:
        assert (await served.ask("POST", "/slow", b"x")).body == b"done"


async def large(request: Request) -> Response:
    return Response(200, b"x" * 20_000_000)


async def apart(request: Request) -> Response:
    return Response(200, (b"x" * 20_000, b",") * 1_000)


async def endless() -> Chunks:
    while True:
        yield b"x" * 65536


@pytest.mark.parametrize("path", [b"/hello", b"/large", b"/apart", b"/endless"])
async def test_a_client_that_does_not_read_is_given_up(
    path: bytes, autojump_clock: MockClock
) -> None:
    answer = routed(large=large, apart=apart, endless=streams(endless))
    # Nothing is taken that is not received.
    async with (
        in_memory(answer, ServerConfig(send_timeout=3)) as served,
        served.connect(lockstep=True) as client,
    ):
        await client.send(get(path))
        await trio.sleep(2.9)
        assert served.server.crowd.size == 1
        await trio.sleep(0.2)
        assert served.server.crowd.size == 0


@pytest.mark.parametrize("path", [b"/large", b"/apart"])
async def test_a_slow_client_has_the_time_anew_for_each_part(
    path: bytes, autojump_clock: MockClock
) -> None:
    answer = routed(large=large, apart=apart)
    async with (
        in_memory(answer, ServerConfig(send_timeout=3)) as served,
        served.connect(lockstep=True) as client,
    ):
        await client.send(get(path))
        got = 0
        while got < 20_000_000:
            piece = await client.stream.receive_some(200_000)
            got += len(piece)
            await trio.sleep(len(piece) / 200_000)
        assert trio.current_time() > 60


async def test_places_of_an_answer_do_not_have_the_time_each(autojump_clock: MockClock) -> None:
    answer = routed(apart=apart)
    async with (
        in_memory(answer, ServerConfig(send_timeout=3)) as served,
        served.connect(lockstep=True) as client,
    ):
        await client.send(get(b"/apart"))
        while await client.stream.receive_some(20_000):
            await trio.sleep(1)
        assert trio.current_time() <= 4


async def test_a_client_that_never_stops_sending_is_cut_off(mock_clock: MockClock) -> None:
    async with open_server(config=ServerConfig(linger_timeout=0.1)) as served:
        async with await served.connect() as client:
            await client.send(get(b"/hello", b"Content-Length: 999999999999"))
            with time_passing(mock_clock):
                await send_until_closed(client.stream, b"x" * 65536)
        # Here the reset may have overtaken the answer; that is what the lingering bounds.
        assert (await served.ask("GET", "/hello")).status == 200


@pytest.mark.parametrize("setting", ["max_connections", "header_timeout", "send_timeout"])
def test_a_limit_of_nothing_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        ServerConfig(**{setting: 0})
