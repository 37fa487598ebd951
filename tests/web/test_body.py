"""A body is received within its limits, and nothing is kept of one that is not used."""

import gc
import json
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import trio
from trio.testing import MockClock

from persistence import MemoryStore
from runtime import KiB, RuntimeConfig, open_runtime
from tests.web.requests import request
from web import Guard
from web.api.dispatch import Api
from web.call.body import AT_ONCE, HUGE, TIMEOUT, let_go, received
from web.call.problems import Refused
from web.call.resources import Resources
from web.http.message import ClientGone, Headers, Request

LIMIT = 400 * KiB


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with open_runtime(MemoryStore(), RuntimeConfig(durability="commit")) as runtime:
        yield Api(runtime, rules=Guard(body_limit=LIMIT, bodies_limit=LIMIT))


@pytest.fixture
def resources(api: Api) -> Resources:
    return api.resources


@pytest.fixture
def no_collection() -> Iterator[None]:
    """What goes here goes because nothing refers to it, and not because somebody looked for it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def sent(*body: bytes | None, announced: int | None = None) -> Request:
    head = (("Host", "localhost"), ("Content-Type", "application/json"))
    return request("POST", "/api/v1/sessions/s/messages", *head, body=body, announced=announced)


async def test_a_body_is_all_of_its_pieces(resources: Resources) -> None:
    assert await received(resources, sent(b"a", b"b")) == b"ab"
    assert await received(resources, sent()) == b""


@pytest.mark.parametrize(
    ("body", "left"),
    [([b"\xef\xbb\xbf{}"], b"{}"), ([b"\xef", b"\xbb\xbf"], b""), ([b"\xef\xbb"], b"\xef\xbb")],
)
async def test_a_byte_order_mark_is_skipped(
    resources: Resources, body: list[bytes], left: bytes
) -> None:
    assert await received(resources, sent(*body)) == left


async def test_a_body_of_exactly_the_limit_is_taken(resources: Resources) -> None:
    assert len(await received(resources, sent(b"x" * LIMIT, announced=LIMIT))) == LIMIT


async def test_a_body_that_is_announced_over_the_limit_is_not_read_at_all(
    resources: Resources,
) -> None:
    one = sent(b"x", announced=LIMIT + 1)
    with pytest.raises(Refused, match=rf"{LIMIT} \(--body-limit-mib\)") as caught:
        await received(resources, one)
    assert caught.value.status == 413
    assert await one.body.receive() == b"x"


async def test_an_endless_body_is_read_up_to_the_limit_only(resources: Resources) -> None:
    one = sent(*[b"x" * 300 * KiB] * 3)
    with pytest.raises(Refused) as caught:
        await received(resources, one)
    assert caught.value.status == 413
    assert len(await one.body.receive()) == 300 * KiB
    assert resources.bodies.held == 0


class Trickle:
    """A body of which a byte comes each second."""

    announced = None

    async def receive(self) -> bytes:
        await trio.sleep(1)
        return b"x"


async def test_a_body_that_trickles_in_ends_with_408(
    resources: Resources, autojump_clock: MockClock
) -> None:
    slow = Request(method="POST", path="/", headers=Headers(), body=Trickle())
    with pytest.raises(Refused, match=f"{TIMEOUT:g} s") as caught:
        await received(resources, slow)
    assert caught.value.status == 408


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("end", [None, b"y" * LIMIT], ids=["cut off", "too large"])
async def test_nothing_is_kept_of_an_upload_that_fails(api: Api, end: bytes | None) -> None:
    first, second = bytes(200 * KiB), bytes(100 * KiB)
    references = [sys.getrefcount(piece) for piece in (first, second)]
    one = sent(first, second, end)
    # Whoever looks at the error, as a log does, holds its traceback, and with it all frames.
    with pytest.raises((ClientGone, Refused)) as caught:
        await received(api.resources, one)
    assert [sys.getrefcount(piece) for piece in (first, second)] == references
    assert caught.value is not None
    assert api.resources.bodies.held == 0


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("size", [10 * KiB, 300 * KiB], ids=["in the loop", "in a thread"])
@pytest.mark.parametrize("role", [1, "user"], ids=["refused", "taken"])
async def test_nothing_is_kept_of_a_body_once_its_request_is_answered(
    api: Api, size: int, role: object
) -> None:
    body = json.dumps({"role": role, "content": "x" * size}).encode()
    references = sys.getrefcount(body)
    answer = await api.answer(sent(body))
    assert answer is not None
    assert answer.status == (201 if role == "user" else 400)
    while sys.getrefcount(body) != references:  # the thread may be about to end its work
        await trio.lowlevel.checkpoint()
    assert api.resources.bodies.held == 0


async def test_a_large_body_is_all_of_its_pieces_too(api: Api) -> None:
    guard = Guard(body_limit=2 * HUGE, bodies_limit=2 * HUGE)
    large = Api(api.resources.runtime, rules=guard).resources
    pieces = [bytes([number]) * HUGE for number in range(2)]
    assert await received(large, sent(*pieces)) == b"".join(pieces)


async def test_what_a_large_body_became_is_given_up_bit_by_bit() -> None:
    made = [object() for _ in range(10 * AT_ONCE)]
    seen: list[int] = []

    async def look() -> None:
        while made:
            seen.append(len(made))
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await let_go(made)
        assert len(made) == AT_ONCE
        made.clear()
    assert len(seen) >= 8
