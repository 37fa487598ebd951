"""On Hypercorn too a connection that fails fails alone, and the end is in order and bounded."""

import logging
from collections.abc import Callable

import h2.config
import h2.connection
import pytest
import trio

from tests.web.hosts.certificates import Certificate, needs_openssl
from tests.web.hosts.hosting import Stream, make_app, open_host
from tests.web.http.packets import AMBIGUOUS, HELLO, PACKETS, PREFACE, UPGRADE, get
from web.hosts.tls import load_certificate
from web.http.limits import ServerConfig

CORPUS = [
    *(pytest.param(packet, id=name) for name, packet, _ in PACKETS),
    *(pytest.param(packet, id=name) for name, packet in AMBIGUOUS),
]

FATAL = get(b"/hello", UPGRADE, b"Upgrade: h2c", b"HTTP2-Settings: AAAA")
"""Ends a whole Hypercorn that nobody contains."""


@pytest.mark.parametrize("packet", CORPUS)
async def test_after_a_strange_packet_the_next_client_is_answered(packet: bytes) -> None:
    async with open_host(make_app()) as served:
        await served.say(packet)
        assert await served.greets()


@needs_openssl
@pytest.mark.parametrize("packet", CORPUS)
async def test_after_a_strange_packet_in_tls_the_next_client_is_answered(
    packet: bytes, certificate: Certificate
) -> None:
    tls = load_certificate(certificate.certfile, certificate.keyfile)
    async with open_host(make_app(), tls, certificate.trusted("http/1.1")) as served:
        await served.say(packet)
        assert await served.greets()


async def test_what_ended_a_process_is_logged_once_without_what_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_host(make_app()) as served:
        await served.say(FATAL + b"a secret")
        assert await served.greets()
    [said] = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "failed and was closed: InvalidFrameError at frame.py:" in said.message
    assert "secret" not in caplog.text


@needs_openssl
@pytest.mark.parametrize("packet", [HELLO, b"\x16\x03\x01\x00\x05hello", b"\x80", PREFACE])
async def test_what_is_no_tls_harms_nobody(packet: bytes, certificate: Certificate) -> None:
    tls = load_certificate(certificate.certfile, certificate.keyfile)
    async with open_host(make_app(), tls, certificate.trusted("http/1.1")) as served:
        stream = await trio.open_tcp_stream("127.0.0.1", served.port)
        await stream.send_all(packet)
        await stream.send_eof()
        assert await served.greets()
        await trio.aclose_forcefully(stream)


# HTTP/2

GET = [(":method", "GET"), (":path", "/hello"), (":scheme", "https"), (":authority", "localhost")]
Ask = Callable[[h2.connection.H2Connection], object]


def odd_method(client: h2.connection.H2Connection) -> None:
    client.send_headers(1, [(b":method", b"G\xcbT"), *GET[1:]], end_stream=True)


def no_path(client: h2.connection.H2Connection) -> None:
    client.send_headers(1, [*GET[:1], *GET[2:]], end_stream=True)


def a_path_that_is_not_ascii(client: h2.connection.H2Connection) -> None:
    client.send_headers(1, [*GET[:1], (b":path", b"/\xff?\xff"), *GET[2:]], end_stream=True)


def connect(client: h2.connection.H2Connection) -> None:
    client.send_headers(1, [(":method", "CONNECT"), *GET[1:]])


def data_that_nobody_waits_for(client: h2.connection.H2Connection) -> None:
    client.send_headers(1, GET)
    for _ in range(40):
        client.send_data(1, b"x" * 1_000)


def resets(client: h2.connection.H2Connection) -> None:
    for number in range(1, 401, 2):
        client.send_headers(number, GET, end_stream=True)
        client.reset_stream(number)


def a_stream_that_depends_on_another(client: h2.connection.H2Connection) -> None:
    client.prioritize(1, depends_on=3)
    client.prioritize(3, depends_on=1)


FRAMES = [
    ("a frame that is too long", b"\xff\xff\xff" + bytes(6)),
    ("data of no stream", bytes.fromhex("000001000100000001") + b"x"),
    ("a broken header block", bytes.fromhex("000004010500000001") + b"\xff\xff\xff\xff"),
    ("a window of nothing", bytes.fromhex("000004080000000000") + bytes(4)),
    ("settings of half a size", bytes.fromhex("000005040000000000") + bytes(5)),
    ("a stream that depends on itself", bytes.fromhex("000005020000000001") + b"\0\0\0\1\0"),
    ("a continuation of nothing", bytes.fromhex("000001090000000001") + b"x"),
    ("a push from a client", bytes.fromhex("000004050400000001") + b"\0\0\0\2"),
]

ASKED: list[Ask] = [
    *(odd_method, no_path, a_path_that_is_not_ascii, connect),
    *(data_that_nobody_waits_for, resets, a_stream_that_depends_on_another),
]


def begun(ask: Ask | None = None) -> bytes:
    """What a client of HTTP/2 sends first, and what this one goes on with."""
    config = h2.config.H2Configuration(validate_outbound_headers=False)
    client = h2.connection.H2Connection(config)
    client.initiate_connection()
    if ask is not None:
        ask(client)
    return client.data_to_send()


@needs_openssl
@pytest.mark.parametrize(
    "packet",
    [
        *(pytest.param(begun() + frame, id=name) for name, frame in FRAMES),
        *(pytest.param(begun(ask), id=getattr(ask, "__name__", "")) for ask in ASKED),
    ],
)
async def test_after_strange_http2_the_next_client_is_answered(
    packet: bytes, certificate: Certificate
) -> None:
    tls = load_certificate(certificate.certfile, certificate.keyfile)
    async with open_host(make_app(), tls, certificate.trusted("http/1.1")) as served:
        stream = await served.connect(certificate.trusted("h2"))
        try:
            await stream.send_all(packet)
            await stream.receive_some()
        except trio.BrokenResourceError:
            pass
        assert await served.greets()
        await trio.aclose_forcefully(stream)
        assert await served.greets()


async def is_closed(stream: Stream) -> bool:
    """Waits for it."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass
    return True


@pytest.mark.parametrize("said", [b"", HELLO[:9], HELLO])
async def test_a_connection_that_asks_nothing_is_closed_in_time(said: bytes) -> None:
    async with open_host(make_app(), config=ServerConfig(idle_timeout=0.01)) as served:
        stream = await served.connect()
        await stream.send_all(said)
        assert await is_closed(stream)


# The end


async def all_of(stream: Stream) -> bytes:
    answer = b""
    while piece := await stream.receive_some():
        answer += piece
    return answer


async def test_what_is_asked_before_the_end_is_answered() -> None:
    app = make_app()
    async with open_host(app) as served:
        stream = await served.connect()
        await stream.send_all(HELLO.replace(b"/hello", b"/wait"))
        await app.waits.wait()  # type: ignore[attr-defined]
        served.shutdown.set()
        app.go_on.set()  # type: ignore[attr-defined]
        assert (await all_of(stream)).endswith(b"waited")
        await served.stopped.wait()


async def test_an_idle_connection_does_not_hold_up_the_end() -> None:
    async with open_host(make_app()) as served:
        stream = await served.connect()
        await stream.send_all(HELLO)
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200 ")
        served.shutdown.set()
        await served.stopped.wait()


@needs_openssl
@pytest.mark.parametrize("grace", [0, 0.1])
@pytest.mark.parametrize("is_secure", [False, True])
async def test_a_client_that_takes_nothing_does_not_hold_up_the_end(
    is_secure: bool, grace: float, certificate: Certificate
) -> None:
    tls = load_certificate(certificate.certfile, certificate.keyfile) if is_secure else None
    client = certificate.trusted("http/1.1") if is_secure else None
    config = ServerConfig(grace=grace, send_timeout=3600)
    async with open_host(make_app(), tls, client, config) as served:
        stream = await served.connect()
        await stream.send_all(HELLO.replace(b"/hello", b"/large"))
        await stream.receive_some(1)
        served.shutdown.set()
        await served.stopped.wait()


async def test_beyond_the_limit_connections_are_closed() -> None:
    async with open_host(make_app(), config=ServerConfig(max_connections=1)) as served:
        first = await served.connect()
        await first.send_all(HELLO)
        await first.receive_some()
        second = await served.connect()
        assert await is_closed(second)
