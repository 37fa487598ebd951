"""A packet that is, to the last byte, the one before it is the same request, and no other is."""

from collections.abc import Sequence

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import examples
from tests.web.http.packets import CHUNKED, HELLO, get, post
from tests.web.http.serving import hello_and_echo, in_memory, read
from tests.web.http.test_parser import Understood, understood
from web.http.limits import HEAD_SIZE, REMEMBERED_HEAD
from web.http.message import Request, Response

BODY = post(b"Content-Length: %d" % len(HELLO))
"""A head that announces as many bytes as another request has."""


async def told(packets: Sequence[bytes]) -> tuple[list[Understood], list[Request], bytes]:
    """What is asked of the endpoint over one connection, and all that is answered.

    The server receives each packet by itself.
    """
    found: list[Understood] = []
    requests: list[Request] = []

    async def answer(request: Request) -> Response:
        target = f"{request.path}?{request.query}" if request.query else request.path
        one = Understood(request.method, target, sorted(request.headers))
        found.append(one)
        requests.append(request)
        one.body = await read(request)
        one.whole = True
        return Response(200, b"hello")

    async with in_memory(answer) as served:
        client = served.connect(lockstep=True)

        async def send() -> None:
            try:
                for packet in packets:
                    await client.send(packet)
                await client.stream.send_eof()
            except trio.BrokenResourceError:
                return  # it has been refused

        async with client, trio.open_nursery() as nursery:
            nursery.start_soon(send)
            answers = await client.read_to_end()
            nursery.cancel_scope.cancel()
    return found, requests, answers


def targets(found: Sequence[Understood]) -> list[str]:
    return [one.target for one in found]


async def test_the_same_packet_is_the_same_request() -> None:
    _, (first, second, third), answers = await told([HELLO, HELLO, HELLO])
    assert first is second is third
    assert answers.count(b"HTTP/1.1 200 OK") == 3


async def test_another_connection_has_its_own() -> None:
    async with in_memory(hello_and_echo) as served:
        for _ in range(2):
            assert (await served.ask("GET", "/hello")).body == b"hello"


async def test_a_changed_byte_is_another_request() -> None:
    one, two, more = get(b"/a"), get(b"/b"), get(b"/b", b"X: 1")
    found, _, _ = await told([one, two, two, more, more, two, one])
    assert targets(found) == ["/a", *["/b"] * 5, "/a"]
    assert [len(one.headers) for one in found] == [1, 1, 1, 2, 2, 1, 1]


async def test_head_that_comes_again_has_no_body_again() -> None:
    head = get(b"/hello", method=b"HEAD")
    _, _, answers = await told([HELLO, head, head, HELLO])
    assert answers.count(b"HTTP/1.1 200 OK") == 4
    assert answers.count(b"\r\n\r\nhello") == 2


async def test_two_at_once_are_two() -> None:
    found, _, answers = await told([HELLO, HELLO + HELLO, HELLO + get(b"/b"), HELLO])
    assert targets(found) == ["/hello"] * 4 + ["/b", "/hello"]
    assert answers.count(b"HTTP/1.1 200 OK") == 6


async def test_a_head_in_two_packets_is_one_request() -> None:
    found, _, _ = await told([HELLO, HELLO[:9], HELLO[9:], HELLO])
    assert targets(found) == ["/hello"] * 3


async def test_a_known_head_behind_a_beginning_is_the_rest_of_that() -> None:
    found, _, _ = await told([HELLO, b"GET /b HTTP/1.1\r\nX: ", HELLO])
    assert targets(found) == ["/hello", "/b"]
    assert ("x", "GET /hello HTTP/1.1") in found[1].headers


async def test_what_follows_a_known_head_is_looked_at() -> None:
    found, _, answers = await told([HELLO, HELLO + b"\0"])
    assert targets(found) == ["/hello"] * 2
    assert answers.count(b"HTTP/1.1 400") == 1


async def test_a_body_that_looks_like_a_known_head_is_a_body() -> None:
    found, _, _ = await told([HELLO, BODY, HELLO, HELLO])
    assert targets(found) == ["/hello", "/echo", "/hello"]
    assert found[1].body == HELLO


@pytest.mark.parametrize("head", [post(b"Content-Length: 3"), post(CHUNKED) + b"3\r\n"])
async def test_a_head_with_a_body_is_read_each_time(head: bytes) -> None:
    end = b"\r\n0\r\n\r\n" if head.endswith(b"3\r\n") else b""
    found, _, _ = await told([head + b"abc" + end, head + b"xyz" + end, head, b"uvw" + end])
    assert [one.body for one in found] == [b"abc", b"xyz", b"uvw"]


async def test_a_last_request_is_the_last_one_although_it_is_known() -> None:
    found, _, answers = await told([HELLO, get(b"/hello", b"Connection: close"), HELLO])
    assert targets(found) == ["/hello"] * 2
    assert answers.count(b"connection: close") == 1


@pytest.mark.parametrize(
    "size", [REMEMBERED_HEAD - 1, REMEMBERED_HEAD, REMEMBERED_HEAD + 1, HEAD_SIZE]
)
async def test_a_head_of_any_length_can_come_again(size: int) -> None:
    head = get(b"/hello", b"X: " + b"x" * (size - len(get(b"/hello", b"X: "))))
    assert len(head) == size
    found, requests, _ = await told([head, head])
    assert found[0] == found[1]
    assert (requests[0] is requests[1]) is (size <= REMEMBERED_HEAD)


async def test_a_head_that_is_too_large_is_refused_behind_a_known_one() -> None:
    found, _, answers = await told([HELLO, get(b"/hello", b"X: " + b"x" * HEAD_SIZE)])
    assert targets(found) == ["/hello"]
    assert b"HTTP/1.1 431" in answers


PIECES = [
    *(HELLO, HELLO, get(b"/hellO"), get(b"/b", b"X: 1"), get(b"/b", method=b"HEAD")),
    *(BODY, post(b"Content-Length: 3", body=b"abc"), post(CHUNKED, body=b"0\r\n\r\n")),
    *(HELLO[:9], HELLO[9:], HELLO[:-1], HELLO[-1:], HELLO + HELLO, b"abc", b"\r\n"),
    *(get(b"/hello", b"Connection: close"), get(b"/b", b"Content-Length: 0")),
]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=8))
@settings(deadline=None, max_examples=examples(2))
def test_whatever_came_before_the_same_is_understood(packets: list[bytes]) -> None:
    found, _, _ = trio.run(told, packets)
    expected, _ = understood([b"".join(packets)])
    assert [one for one in found if one.whole] == [one for one in expected if one.whole]
