"""Behind HAProxy and nginx no request is understood in two ways, and no answer is another's."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
from attrs import define, field, frozen

from tests.web.http.packets import AMBIGUOUS, PACKETS, get
from tests.web.http.proxies import (
    PATIENCE,
    Entry,
    Kind,
    Proxy,
    each_proxy,
    haproxy_that_checks,
    needs_haproxy,
)
from tests.web.http.serving import Client, open_server, read
from tests.web.http.smuggling import CLASSICS, LAWFUL
from web.http.message import Chunks, Request, Response

STRANGE = [*((name, packet) for name, packet, _ in PACKETS), *AMBIGUOUS, *CLASSICS]

FAULTS = frozenset({500, 502, 503, 504})
"""What a proxy answers where it finds fault with the service; that itself gives none of them."""

_HEAD = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")
_ORIGIN = re.compile("https?://([^/?]*)", re.IGNORECASE)


@define
class Service:
    """Understands requests, remembers what it understood, and says it."""

    understood: list[Request] = field(factory=list)

    async def answer(self, request: Request) -> Response:
        self.understood.append(request)
        status, body = await self._said(request)
        return Response(status, body, (("x-passed", id_of(request)),))

    async def _said(self, request: Request) -> tuple[int, bytes | Chunks]:
        match request.path:
            case "/none":
                return 204, b""
            case "/same":
                return 304, b""
            case "/stream":
                return 200, _stream()
        # Who asks for anything else may send a body as well, and nobody reads it.
        body = await read(request) if request.path == "/echo" else b""
        return 200, f"{request.method} {target_of(request)} ".encode() + body


async def _stream() -> Chunks:
    yield b"a "
    yield b"stream"


def id_of(request: Request) -> str:
    """What the proxy called it; no proxy calls one nothing."""
    return request.headers.get("x-passed") or ""


def target_of(request: Request) -> str:
    return request.path + (f"?{request.query}" if request.query else "")


@frozen
class Heard:
    """An answer, as it came out of a proxy."""

    status: int
    passed: str | None
    """The request that it answers, says the service; `None`: it is not from there."""
    answered: str | None
    """The request that it answers, says the proxy."""
    body: bytes
    """With all that came behind it."""


def heard(data: bytes) -> list[Heard]:
    """The answers of one connection. No body of the service has in it what looks like a head."""
    found = []
    for head in _HEAD.finditer(data):
        lines = [line.partition(": ") for line in head[2].decode("latin-1").split("\r\n")]
        fields = {name.lower(): value for name, _, value in lines}
        ids = fields.get("x-passed"), fields.get("x-answered")
        found.append(Heard(int(head[1]), *ids, data[head.end() :]))
    return found


@frozen
class Behind:
    """A service behind a proxy."""

    service: Service
    proxy: Proxy

    async def told(self) -> dict[str, Entry]:
        """What the proxy's log says, once it speaks of all that was understood."""
        ids = {id_of(request) for request in self.service.understood}
        with trio.move_on_after(PATIENCE):
            while not ids <= self.proxy.entries().keys():
                await trio.sleep(0.01)
        return self.proxy.entries()


@asynccontextmanager
async def service_behind(kind: Kind) -> AsyncIterator[Behind]:
    service = Service()
    async with (
        open_server(service.answer) as served,
        kind.before(served.port) as proxy,
    ):
        yield Behind(service, proxy)


def differences(request: Request, entry: Entry | None) -> list[str]:
    """What of a request the proxy and the service understood differently."""
    if entry is None:
        return [f"{request} was never passed on"]
    host, target = entry.host.removeprefix("-"), entry.target
    # An absolute target has the host that counts in it (RFC 9112, 3.2.2). HAProxy passes it on as
    # it is, also, since it may, with another `Host`.
    if absolute := _ORIGIN.match(target):
        host, target = absolute[1], target[absolute.end() :]
        target = target if target.startswith("/") else "/" + target
    pairs = {
        (request.method, entry.method),
        (target_of(request), target),
        (request.headers.get("host") or "", host),
    }
    return [f"{ours!r} is {theirs!r} to the proxy" for ours, theirs in pairs if ours != theirs]


@each_proxy
async def test_nothing_is_understood_but_what_the_proxy_passed_on(kind: Kind) -> None:
    async with service_behind(kind) as behind:
        for packet in [*(packet for _, packet in STRANGE), *(packet for _, packet, *_ in LAWFUL)]:
            await behind.proxy.exchange(packet + get(b"/last", b"Connection: close"))
        entries = await behind.told()
    understood = behind.service.understood
    ids = [id_of(request) for request in understood]
    assert [word for one in understood for word in differences(one, entries.get(id_of(one)))] == []
    assert len(ids) == len(set(ids))
    assert {one.id for one in entries.values() if one.status == "200"} <= set(ids)


@each_proxy
async def test_every_answer_goes_to_the_request_that_it_answers(kind: Kind) -> None:
    async with service_behind(kind) as behind:
        for number, (name, packet) in enumerate(STRANGE):
            mine, next_one = b"/mine/%d" % number, b"/next/%d" % number
            answers = heard(await behind.proxy.exchange(packet + get(mine, b"Connection: close")))
            assert [one for one in answers if one.passed not in {None, one.answered}] == [], name
            assert [one for one in answers if one.status in FAULTS] == [], name
            # The connections to the service are shared, so what was left on one would show here.
            [answer] = heard(await behind.proxy.exchange(get(next_one, b"Connection: close")))
            assert (answer.status, answer.body) == (200, b"GET %s " % next_one), name


@each_proxy
async def test_what_is_lawful_gets_its_answer_and_so_does_what_follows(kind: Kind) -> None:
    async with service_behind(kind) as behind:
        for name, packet, status, body in LAWFUL:
            async with await behind.proxy.connect() as client, trio.open_nursery() as nursery:
                # A body that nobody wants may not be taken to its end.
                nursery.start_soon(send_what_is_taken, client, packet)
                answer = await client.answer(packet.partition(b" ")[0].decode())
                assert (answer.status, answer.body) == (status, body), name
                nursery.cancel_scope.cancel()
            [following] = heard(await behind.proxy.exchange(get(b"/next", b"Connection: close")))
            assert following.body == b"GET /next ", name


async def send_what_is_taken(client: Client, data: bytes) -> None:
    with suppress(trio.BrokenResourceError):
        await client.send(data)


@each_proxy
async def test_one_connection_can_ask_for_all_that_is_lawful(kind: Kind) -> None:
    async with service_behind(kind) as behind, await behind.proxy.connect() as client:
        for name, packet, status, body in LAWFUL:
            if len(packet) < 1_000 and b"HTTP/1.1" in packet:
                await client.send(packet)
                answer = await client.answer(packet.partition(b" ")[0].decode())
                assert (answer.status, answer.body) == (status, body), name


@needs_haproxy
@pytest.mark.parametrize(
    "how",
    [
        "option httpchk",
        "option httpchk GET /health",
        "option httpchk\n    http-check send meth GET uri /health ver HTTP/1.1 hdr Host localhost",
    ],
)
async def test_haproxy_finds_a_service_well_however_it_asks(how: str) -> None:
    async with service_behind(haproxy_that_checks(how)) as behind:
        assert b"succeeded, reason: Layer7 check passed" in await behind.proxy.first_check()
