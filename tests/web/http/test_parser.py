"""Every way to cut and to garble a stream of requests: never is one understood in two ways.

h11 is the model. It reads the same requests by other means, and was written to refuse doubt.
"""

from collections.abc import Iterable
from itertools import pairwise

import h11
from attrs import define, field
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.properties import examples
from tests.web.http.packets import AMBIGUOUS, HELLO, PACKETS, get, post
from web.http.limits import HEAD_SIZE
from web.http.parser import Parser
from web.http.refusal import Refusal


@define
class Understood:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    whole: bool = field(default=False, eq=False)
    """Its end has come."""


def understood(pieces: Iterable[bytes]) -> tuple[list[Understood], int | None]:
    """What our parser makes of it, and the status with which it gives up."""
    parser = Parser()
    found: list[Understood] = []
    head = None
    try:
        for piece in pieces:
            parser.receive(piece)
            while True:
                if head is not None:
                    found[-1].body += parser.take()
                    found[-1].whole = parser.is_complete
                    if not parser.is_complete:
                        break
                    if head.last:
                        return found, None
                head = parser.head() if parser.has_rest else None
                if head is None:
                    break
                target = f"{head.path}?{head.query}" if head.query else head.path
                found.append(Understood(head.method, target, sorted(head.headers)))
    except Refusal as refusal:
        return found, refusal.status
    return found, None


def understood_by_h11(data: bytes) -> list[Understood]:
    """What h11 makes of it, up to where it refuses."""
    model = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_SIZE)
    model.receive_data(data)
    found: list[Understood] = []
    try:
        while isinstance(request := model.next_event(), h11.Request):
            # Of a query, we tell none from an empty one.
            path, _, query = request.target.decode("ascii").partition("?")
            target = f"{path}?{query}" if query else path
            fields = [(name.decode(), value.decode("latin-1")) for name, value in request.headers]
            one = Understood(request.method.decode("ascii"), target, sorted(fields))
            found.append(one)
            while isinstance(event := model.next_event(), h11.Data):
                one.body += event.data
            if not isinstance(event, h11.EndOfMessage):
                break
            one.whole = True
            model.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
            model.send(h11.EndOfMessage())
            if model.our_state is not h11.DONE or model.their_state is not h11.DONE:
                break
            model.start_next_cycle()
    except h11.RemoteProtocolError:
        pass
    return found


def wholes(found: Iterable[Understood]) -> list[Understood]:
    return [one for one in found if one.whole]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges) if start < end]


tokens = st.text("abcXYZ09-_!~", min_size=1, max_size=8).map(str.encode)
values = st.binary(max_size=20).filter(
    lambda value: value == value.strip(b" \t") and not set(value) & {*range(9), *range(10, 32), 127}
)
targets = st.text("/ab%2F?&=.~:", max_size=20).map(lambda text: b"/" + text.encode())
bodies = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"\r\n\r\n", b"\r\n" * 9, b"0\r\n\r\n"])
)


UPGRADES = [
    (),
    (b"Upgrade: h2c",),
    (b"Connection: Upgrade", b"Upgrade: h2c"),
    (b"Connection: keep-alive, Upgrade", b"Upgrade: websocket"),
]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    fields = [b"X-%s: %s" % (draw(tokens), draw(values)) for _ in range(draw(st.integers(0, 3)))]
    upgrade = draw(st.sampled_from(UPGRADES))
    target = draw(targets)
    if draw(st.booleans()):
        return get(target, *fields, *upgrade, method=draw(st.sampled_from([b"GET", b"DELETE"])))
    body = draw(bodies)
    if draw(st.booleans()):
        length = b"Content-Length: %d" % len(body)
        return get(target, *fields, *upgrade, length, method=b"PUT") + body
    chunks = [chunk for chunk in cut(body, draw(st.lists(st.integers(0, 99), max_size=3))) if chunk]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    trailer = draw(st.sampled_from([b"", b"T: 1\r\n"]))
    coding = b"Transfer-Encoding: chunked"
    return (
        get(target, *fields, *upgrade, coding, method=b"POST") + framed + b"0\r\n%s\r\n" % trailer
    )


@given(st.lists(requests(), max_size=4), st.lists(st.integers(0, 2000), max_size=12))
@settings(deadline=None)
def test_however_it_is_cut_the_same_is_understood_and_by_h11_too(
    sent: list[bytes], places: list[int]
) -> None:
    data = b"".join(sent)
    found, status = understood(cut(data, places))
    assert status is None
    assert len(found) == len(sent)
    assert found == understood_by_h11(data)


SEEDS = [
    HELLO * 2,
    post(b"Content-Length: 3", body=b"abc") + HELLO,
    post(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n1;a=b\r\nx\r\n0\r\nT: 1\r\n\r\n")
    + HELLO,
    *(packet for _, packet, _ in PACKETS if len(packet) < 500),
    *(packet + HELLO for _, packet in AMBIGUOUS),
]

BITS = [
    *(b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b",", b";", b"\0", b"0", b"1", b"f", b"x", b'"'),
    *(b"\xff", b"\x0b", b"\x7f", b"%", b"#", b"?", b"\r\n\r\n", b"HTTP/1.0", b"Host: b\r\n"),
    *(b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
]

changes = st.tuples(st.integers(0, 500), st.integers(0, 3), st.sampled_from([b"", *BITS]))


def garbled(seed: bytes, edits: Iterable[tuple[int, int, bytes]]) -> bytes:
    data = bytearray(seed)
    for place, removed, new in edits:
        start = place % (len(data) + 1)
        data[start : start + removed] = new
    return bytes(data)


packets = st.builds(garbled, st.sampled_from(SEEDS), st.lists(changes, min_size=1, max_size=3))


@given(packets)
@settings(deadline=None, max_examples=examples(6))
@example(b"GET /\ne:lo HTTP/1.1\r\nHost: localhost\r\n\r\n")
@example(post(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 46", body=HELLO))
def test_what_two_readers_take_is_the_same_to_both(packet: bytes) -> None:
    ours, _ = understood([packet])
    models = understood_by_h11(packet)
    if any(not one.target.startswith("/") for one in models):
        return  # We take apart the absolute form, h11 does not.
    # What we take, it takes, and in the same way; of what it takes, we refuse some.
    assert wholes(ours) == wholes(models)[: len(wholes(ours))]


@given(packets, st.lists(st.integers(0, 1000), max_size=12))
@settings(deadline=None, max_examples=examples(4))
def test_however_a_garbled_packet_is_cut_the_same_is_understood(
    packet: bytes, places: list[int]
) -> None:
    whole, _ = understood([packet])
    pieces, _ = understood(cut(packet, places))
    # A refusal may come sooner, when what is refused is not yet here as a whole.
    assert wholes(pieces)[: len(wholes(whole))] == wholes(whole)
