"""A socket, as the server uses it."""

import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from web.http import line as line_module
from web.http.line import GATHERED, SocketLine
from web.http.listen import open_listeners


@asynccontextmanager
async def a_line() -> AsyncIterator[tuple[SocketLine, trio.SocketStream]]:
    """A line, and the client at its other end."""
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        client = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
        async with client, SocketLine(await listener.accept()) as line:
            yield line, client


async def test_what_is_taken_at_once_is_told() -> None:
    async with a_line() as (line, client):
        assert line.send_nowait(b"hello") == 5
        assert await client.receive_some() == b"hello"
        while line.send_nowait(b"x" * 65536):
            pass
        assert line.send_nowait(b"x") == 0


async def test_of_several_what_is_taken_is_told_as_of_one() -> None:
    async with a_line() as (line, client):
        assert line.send_nowait(b"he", memoryview(b"yellow")[2:], b"", b"!") == 7
        assert await client.receive_some() == b"hellow!"
        assert line.send_nowait(*[b"ab"] * (GATHERED + 1)) == 2 * GATHERED


async def test_where_nothing_is_gathered_the_first_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line_module, "_GATHERS", False)
    async with a_line() as (line, client):
        assert line.send_nowait(b"he", b"llo") == 2
        assert await client.receive_some() == b"he"


async def test_more_is_taken_once_the_client_has_taken_some() -> None:
    async with a_line() as (line, client), trio.open_nursery() as nursery:
        sent = received = 0
        while taken := line.send_nowait(b"x" * 65536):
            sent += taken

        async def go_on() -> None:
            nonlocal sent
            sent += await line.send_some(b"y", b"z")
            await line.send_eof()

        nursery.start_soon(go_on)
        await trio.testing.wait_all_tasks_blocked()
        while piece := await client.receive_some():
            received += len(piece)
            last = piece
        assert sent == received
        assert last.endswith(b"yz")


async def test_what_has_come_is_not_read_away_by_looking() -> None:
    async with a_line() as (line, client):
        assert not line.has_come()
        await client.send_all(b"hello")
        await trio.testing.wait_all_tasks_blocked()
        assert line.has_come()
        assert await line.receive_some() == b"hello"
        await client.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        assert line.has_come()


@pytest.mark.parametrize("unread", [b"", b"hello"])
async def test_who_has_stopped_sending_is_still_there_and_who_has_reset_is_gone(
    unread: bytes,
) -> None:
    async with a_line() as (line, client):
        assert not line.is_gone()
        await client.send_all(unread)
        await client.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        assert not line.is_gone()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await client.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert line.is_gone()
        with pytest.raises(trio.BrokenResourceError):
            line.send_nowait(b"x")


async def test_a_line_that_is_cut_ends_with_a_reset() -> None:
    async with a_line() as (line, client):
        line.cut()
        await line.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await client.receive_some()


async def test_the_kernel_looks_after_silent_peers() -> None:
    (listener,) = await open_listeners("127.0.0.1", 0)
    async with listener:
        client = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
        async with client, await listener.accept() as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


async def test_a_line_that_was_closed_says_so() -> None:
    async with a_line() as (line, _):
        await line.aclose()
        await line.aclose()
        with pytest.raises(trio.ClosedResourceError):
            line.send_nowait(b"x")
