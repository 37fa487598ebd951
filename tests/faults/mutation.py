"""Requests that are nearly right, from a seed: the same seed gives the same bytes."""

from collections.abc import Callable
from random import Random

from tests.web.http.packets import AMBIGUOUS, PACKETS, get

HELLO, ECHO = b"/hello", b"/echo"
"""The paths of the corpus's own small app, and what takes their place here."""
READS = (b"/health", b"/api/v1/sessions?limit=2", b"/api/v1/sessions/fuzz/history", b"/docs")
WRITE = b"/api/v1/sessions/fuzz/messages"

JSON = b"Content-Type: application/json"
BODY = b'{"role":"user","content":"x","id":"same"}'

TOKENS = [
    *(b"\r\n", b"\n", b"\r", b"\0", b"\t", b" ", b":", b";", b",", b"\r\n ", b"\r\n\r\n", b"\x0b"),
    *(b"\xff", b"\xc3\x28", "é".encode(), b"%00", b"%ff", b"%2f", b"..", b"//", b"*", b"?", b"#"),
    *(b"GET ", b"CONNECT ", b"PRI ", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/2.0", b" HTTP/0.9"),
    *(b"Host: evil.example\r\n", b"Host: localhost\r\n", b"Host:\r\n", b"Origin: null\r\n"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 9\r\n", b"Content-Length: -1\r\n"),
    *(b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding : chunked\r\n", b"TE: trailers\r\n"),
    *(b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: keep-alive\r\n"),
    *(b"Connection: Upgrade, HTTP2-Settings\r\n", b"Upgrade: h2c\r\n", b"Upgrade: websocket\r\n"),
    *(b"HTTP2-Settings: AAAA\r\n", b"HTTP2-Settings: =\r\n", b"Sec-WebSocket-Key: x\r\n"),
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"0\r\n\r\n", b"ffffffff\r\n", b"5\r\nhello\r\n"),
    *(
        b"Prefer: respond-async\r\n",
        b"Range: bytes=0-\r\n",
        b"Accept: \xff\r\n",
        b"{}",
        b'"',
        b"[[",
    ),
    *(b"Cookie: a=\x80; =; ;;\r\n", b"If-Modified-Since: x\r\n", b"Authorization: \xe9\r\n"),
    *(b"X-Forwarded-Host: \0\r\n", b"Content-Type: a/b; c=\xff\r\n", b"Access-Control-: x\r\n"),
]


def seeds() -> list[bytes]:
    """What is mutated: the whole corpus, and ordinary requests of every kind."""
    corpus = [packet for _, packet, _ in PACKETS if len(packet) < 4_000]
    corpus += [packet for _, packet in AMBIGUOUS]
    length = b"Content-Length: %d" % len(BODY)
    chunked = b"Transfer-Encoding: chunked"
    ordinary = [
        *(get(path) for path in READS),
        get(b"/api/v1/sessions/fuzz/messages?after=0&limit=2", b"Connection: close"),
        get(b"/api/v1/agents/fuzz/current", b"Accept: */*", b"User-Agent: x"),
        get(WRITE, JSON, length, method=b"POST") + BODY,
        get(WRITE, JSON, length, b"Expect: 100-continue", method=b"POST") + BODY,
        get(WRITE, JSON, chunked, method=b"POST") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        get(b"/api/v1/sessions", JSON, b"Content-Length: 21", method=b"POST")
        + b'{"session_id":"fuzz"}',
        get(b"/api/v1/sessions/fuzz", JSON, b"Content-Length: 13", method=b"PATCH")
        + b'{"title":"a"}',
        get(b"/api/v1/sessions/fuzz/log?kind=message&last=2", b"If-None-Match: *"),
        get(b"/api/v1/sessions/fuzz/rewind", JSON, b"Content-Length: 8", method=b"POST")
        + b'{"to":1}',
        get(b"/api/v1/sessions/fuzz/records", JSON, b"Content-Length: 33", method=b"POST")
        + b'{"put":[{"key":"k","value":[1]}]}',
        get(WRITE, JSON, length, b'If-Match: "1-0011223344556677"', method=b"POST") + BODY,
        get(b"/api/v1/sessions/gone", method=b"DELETE"),
        get(WRITE, b"Origin: http://evil.example", method=b"OPTIONS"),
    ]
    return [aim(packet) for packet in corpus] + ordinary * 8


def aim(packet: bytes) -> bytes:
    """A packet of the corpus, at this service's paths."""
    return packet.replace(HELLO, READS[0]).replace(ECHO, WRITE)


def mutant(random: Random, packets: list[bytes]) -> bytes:
    """One of the packets, changed in up to four ways; sometimes another one before or behind it.

    Mostly in one way: what is wrong at every place is refused at the first.
    """
    packet = random.choice(packets)
    for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 4))):
        packet = random.choice(_WAYS)(random, packet)
    if random.random() < 0.2:
        return packet + random.choice(packets)
    if random.random() < 0.2:
        return get(READS[0]) + packet
    return packet


def _insert(random: Random, packet: bytes) -> bytes:
    place = random.randint(0, len(packet))
    return packet[:place] + random.choice(TOKENS) + packet[place:]


def _insert_line(random: Random, packet: bytes) -> bytes:
    lines = packet.split(b"\r\n")
    lines.insert(random.randint(0, len(lines)), random.choice(TOKENS).rstrip(b"\r\n"))
    return b"\r\n".join(lines)


def _replace(random: Random, packet: bytes) -> bytes:
    start = random.randint(0, len(packet))
    return packet[:start] + random.choice(TOKENS) + packet[start + random.randint(1, 8) :]


def _flip(random: Random, packet: bytes) -> bytes:
    if not packet:
        return packet
    place = random.randrange(len(packet))
    return (
        packet[:place] + bytes([packet[place] ^ (1 << random.randrange(8))]) + packet[place + 1 :]
    )


def _cut(random: Random, packet: bytes) -> bytes:
    start = random.randint(0, len(packet))
    return packet[:start] + packet[start + random.randint(1, 20) :]


def _end_early(random: Random, packet: bytes) -> bytes:
    return packet[: random.randint(0, len(packet))]


def _repeat_line(random: Random, packet: bytes) -> bytes:
    lines = packet.split(b"\r\n")
    line = random.randrange(len(lines))
    return b"\r\n".join([*lines[:line], lines[line], *lines[line:]])


def _swap_lines(random: Random, packet: bytes) -> bytes:
    lines = packet.split(b"\r\n")
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\r\n".join(lines)


def _bloat(random: Random, packet: bytes) -> bytes:
    place = random.randint(0, len(packet))
    return packet[:place] + random.randbytes(1) * random.choice((10, 300, 20_000)) + packet[place:]


_WAYS: list[Callable[[Random, bytes], bytes]] = [
    *(
        _insert,
        _insert_line,
        _insert_line,
        _insert_line,
        _replace,
        _flip,
        _cut,
        _end_early,
        _repeat_line,
        _swap_lines,
        _bloat,
    )
]
