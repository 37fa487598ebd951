"""The bodies of all requests in flight have a limit, and each gives back what it had of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from attrs import frozen

from persistence import MemoryStore
from runtime import KiB, RuntimeConfig, open_runtime
from tests.web.serving import Answer, Client, Served, open_server
from web import Guard, create_app
from web.call.bodies import SMALL, Bodies
from web.call.problems import Refused
from web.http.message import Headers, Request

LARGEST = 200 * KiB
LIMIT = 300 * KiB
PATH = "/api/v1/sessions/s/messages"


@frozen
class Service:
    served: Served
    bodies: Bodies

    async def post(self, size: int, **headers: str) -> Answer:
        return await self.served.ask(
            "POST", PATH, message(size), Content_Type="application/json", **headers
        )

    async def half_way(self, client: Client, size: int, sent: int) -> None:
        """Begins to send a message, and goes on once so much of it is held."""
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        held = self.bodies.held
        await client.send(f"{head}Content-Length: {size}\r\n\r\n".encode() + message(size)[:sent])
        await self.until_held(held + sent)

    async def until_held(self, size: int) -> None:
        while self.bodies.held != size:
            await trio.lowlevel.checkpoint()


@asynccontextmanager
async def serving(limit: int = LIMIT) -> AsyncIterator[Service]:
    async with open_runtime(MemoryStore(), RuntimeConfig(durability="commit")) as runtime:
        app = create_app(runtime, rules=Guard(body_limit=LARGEST, bodies_limit=limit))
        async with open_server(app) as served:
            yield Service(served, app.api.resources.bodies)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with serving() as service:
        yield service


def message(size: int) -> bytes:
    frame = b'{"role":"user","content":""}'
    return frame[:-2] + b"x" * (size - len(frame)) + frame[-2:]


async def test_a_body_without_room_is_refused_with_the_limit_and_when_to_come_again(
    service: Service,
) -> None:
    async with await service.served.connect() as other:
        await service.half_way(other, LARGEST, LARGEST - KiB)
        answer = await service.post(LARGEST)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    for word in (str(LARGEST - KiB), str(LIMIT), "--bodies-limit-mib", "again later"):
        assert word in answer.json["detail"]


async def test_a_refused_body_is_taken_once_there_is_room(service: Service) -> None:
    async with await service.served.connect() as other:
        await service.half_way(other, LARGEST, LARGEST - KiB)
        assert (await service.post(LARGEST)).status == 503
        await other.send(message(LARGEST)[LARGEST - KiB :])
        assert (await other.answer("POST")).status == 201
        assert (await service.post(LARGEST)).status == 201


async def test_a_small_body_is_taken_however_full_it_is(service: Service) -> None:
    async with await service.served.connect() as one, await service.served.connect() as two:
        await service.half_way(one, LARGEST, LARGEST - KiB)
        rest = LIMIT - service.bodies.held
        await service.half_way(two, rest, rest - 1)
        assert (await service.post(SMALL)).status == 201


async def test_who_announces_much_and_sends_nothing_keeps_nobody_out(service: Service) -> None:
    async with await service.served.connect() as idle:
        await service.half_way(idle, LARGEST, 0)
        assert (await service.post(LARGEST)).status == 201


async def test_a_body_that_was_not_announced_is_refused_where_it_goes_beyond(
    service: Service,
) -> None:
    async with await service.served.connect() as one, await service.served.connect() as two:
        await service.half_way(one, LARGEST, LARGEST - KiB)
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        await two.send(f"{head}Transfer-Encoding: chunked\r\n\r\n{LARGEST:x}\r\n".encode())
        await two.send(message(LARGEST)[: LIMIT - LARGEST + 64 * KiB])
        assert (await two.answer("POST")).status == 503
        await service.until_held(LARGEST - KiB)


async def test_the_largest_body_fits_also_below_a_lower_limit() -> None:
    async with serving(limit=KiB) as service:
        assert (await service.post(LARGEST)).status == 201


# -- what is given back ------------------------------------------------------------------------


@pytest.mark.parametrize("status", [201, 400, 413, 412])
async def test_an_answered_request_holds_nothing(service: Service, status: int) -> None:
    size = LARGEST + 1 if status == 413 else LARGEST
    headers = {"If_Match": '"1-00"'} if status == 412 else {}
    if status == 400:
        wrong = json.dumps({"role": 1, "content": "x" * SMALL}).encode()
        answer = await service.served.ask("POST", PATH, wrong, Content_Type="application/json")
    else:
        answer = await service.post(size, **headers)
    assert (answer.status, service.bodies.held) == (status, 0)


async def test_a_client_that_goes_holds_nothing(service: Service) -> None:
    async with await service.served.connect() as client:
        await service.half_way(client, LARGEST, LARGEST - KiB)
    await service.until_held(0)


async def test_a_refused_body_holds_nothing(service: Service) -> None:
    async with await service.served.connect() as other:
        await service.half_way(other, LARGEST, LARGEST - KiB)
        assert (await service.post(LARGEST)).status == 503
        assert service.bodies.held == LARGEST - KiB


class Nothing:
    """A body without bytes."""

    announced = 0

    async def receive(self) -> bytes:
        return b""


def request() -> Request:
    return Request(method="POST", path="/", headers=Headers(), body=Nothing())


def test_what_is_given_back_twice_counts_once() -> None:
    bodies = Bodies(LIMIT)
    one, two = request(), request()
    bodies.grow(one, LARGEST)
    bodies.grow(two, SMALL + 1)
    bodies.give_back(one)
    bodies.give_back(one)
    assert bodies.held == SMALL + 1


def test_a_body_counts_with_all_of_its_bytes_once_it_is_no_longer_small() -> None:
    bodies = Bodies(LIMIT)
    one = request()
    bodies.grow(one, SMALL)
    assert bodies.held == 0
    bodies.grow(one, SMALL + 1)
    assert bodies.held == SMALL + 1
    with pytest.raises(Refused):
        bodies.grow(one, LIMIT + 1)
    assert bodies.held == SMALL + 1
