"""Connections to other nodes: used again, and what is known of a request whose connection fails."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio
from attrs import define
from trio.testing import MockClock

from tests.web.http.serving import time_passing
from web.nodes import peers as module
from web.nodes.peers import IDLE_CONNECTIONS, Cut, NotReached, Peers, open_peers, parse_address

ASK = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
LAST = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"


@define(eq=False)
class Told:
    """A node that does on each connection what it is told."""

    does: Callable[[trio.SocketStream], Awaitable[None]]
    address: str = ""
    connections: int = 0
    open: int = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        self.open += 1
        async with stream:
            with suppress(trio.BrokenResourceError):
                await self.does(stream)
        self.open -= 1


@asynccontextmanager
async def told(does: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[Told]:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    node = Told(does, f"127.0.0.1:{listeners[0].socket.getsockname()[1]}")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(trio.serve_listeners, node.serve, listeners))
        yield node
        nursery.cancel_scope.cancel()


def answers(answer: bytes) -> Callable[[trio.SocketStream], Awaitable[None]]:
    """Answers each request with this."""

    async def does(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            await stream.send_all(answer)

    return does


async def closes(stream: trio.SocketStream) -> None:
    """Once something has come, says nothing."""
    await stream.receive_some()


async def takes_nothing(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def ask(peers: Peers, node: Told, *request: bytes) -> bytes:
    answer = await peers.ask(node.address, *(request or (ASK,)))
    try:
        return await answer.whole()
    finally:
        await answer.close()


def nobody() -> list[str]:
    return []


async def test_a_connection_is_used_again() -> None:
    async with told(answers(OK)) as node, open_peers(nobody) as peers:
        for _ in range(3):
            assert await ask(peers, node) == b"ok"
        assert node.connections == 1


async def test_one_whose_answer_was_its_last_is_not() -> None:
    async with told(answers(LAST)) as node, open_peers(nobody) as peers:
        for _ in range(3):
            assert await ask(peers, node) == b"ok"
        assert node.connections == 3


async def test_one_that_the_other_side_has_closed_is_not() -> None:
    async def once(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(OK)

    async with told(once) as node, open_peers(nobody) as peers:
        for _ in range(3):
            assert await ask(peers, node) == b"ok"
            while node.open:
                await trio.sleep(0.001)
        assert node.connections == 3


async def test_one_whose_answer_nobody_wants_to_its_end_is_not() -> None:
    async with told(answers(HALF)) as node, open_peers(nobody) as peers:
        for _ in range(2):
            answer = await peers.ask(node.address, ASK)
            assert (answer.status, answer.length, await answer.piece()) == (200, 10, b"half")
            await answer.close()
        assert node.connections == 2


async def test_no_more_are_kept_than_bursts_need() -> None:
    async with told(answers(OK)) as node, open_peers(nobody) as peers:
        many = IDLE_CONNECTIONS + 10
        open_ones = [await peers.ask(node.address, ASK) for _ in range(many)]
        for answer in open_ones:
            await answer.whole()
        while node.open != IDLE_CONNECTIONS:
            await trio.sleep(0.001)


async def test_what_nobody_uses_is_closed(mock_clock: MockClock) -> None:
    async with told(answers(OK)) as node, open_peers(nobody) as peers:
        await ask(peers, node)
        with time_passing(mock_clock):
            while node.open:
                await trio.sleep(1)
        assert trio.current_time() >= module.IDLE


async def test_nothing_outlives_the_block() -> None:
    async with told(answers(OK)) as node:
        async with open_peers(nobody) as peers:
            open_ones = [await peers.ask(node.address, ASK) for _ in range(3)]
            for answer in open_ones:
                await answer.whole()
        while node.open:
            await trio.sleep(0.001)


async def test_of_a_request_that_is_cancelled_nothing_is_left() -> None:
    async with told(takes_nothing) as node, open_peers(nobody) as peers:
        with trio.move_on_after(0.01):
            await ask(peers, node)
        while node.open != 1:
            await trio.sleep(0.001)
        assert not any(peers._busy.values())


# -- not reached -----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nothing", "127.0.0.1:x"])
async def test_where_nobody_listens_nothing_is_reached(address: str) -> None:
    async with open_peers(nobody) as peers:
        with pytest.raises(NotReached):
            await peers.ask(address, ASK)


async def test_a_request_that_is_cut_before_its_last_byte_has_not_reached_anybody() -> None:
    async with told(closes) as node, open_peers(nobody) as peers:
        with pytest.raises(NotReached):
            await ask(peers, node, ASK, bytes(50_000_000))


async def test_a_request_that_is_not_taken_has_not_reached_anybody(mock_clock: MockClock) -> None:
    async with told(takes_nothing) as node, open_peers(nobody) as peers:
        with pytest.raises(NotReached, match="did not take"), time_passing(mock_clock):
            await ask(peers, node, ASK, bytes(50_000_000))


# -- cut -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("does", [closes, answers(b"no HTTP\r\n\r\n"), answers(HALF[:20])])
async def test_behind_the_request_nobody_knows_what_was_done(
    does: Callable[[trio.SocketStream], Awaitable[None]],
) -> None:
    async def then_ends(stream: trio.SocketStream) -> None:
        with trio.move_on_after(0.05):
            await does(stream)

    async with told(then_ends) as node, open_peers(nobody) as peers:
        with pytest.raises(Cut):
            await ask(peers, node)


async def test_an_answer_that_breaks_off_is_none() -> None:
    async def half(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(HALF)

    async with told(half) as node, open_peers(nobody) as peers:
        with pytest.raises(Cut):
            await ask(peers, node)


async def test_a_node_that_stands_still_is_waited_for_until_the_others_have_found_it_dead() -> None:
    present: list[str] = []
    async with (
        told(takes_nothing) as node,
        open_peers(lambda: present) as peers,
        trio.open_nursery() as nursery,
    ):
        present.append(node.address)

        async def dies() -> None:
            while not peers._busy[node.address]:
                await trio.sleep(0.001)
            await trio.sleep(2 * module.LOOKS)
            present.clear()

        nursery.start_soon(dies)
        with pytest.raises(Cut):
            await ask(peers, node)


# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("a.example:80", "a.example", 80), ("10.0.0.1:8001", "10.0.0.1", 8001), ("[::1]:1", "::1", 1)],
)
def test_an_address(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "host", ":80", "host:", "host:0", "host:65536", "::1:80", "http://a:80"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address(text)
