"""A request's body: read when somebody asks for it, and no sooner."""

import pytest
import trio
from trio.testing import MockClock

from tests.web.http.packets import HELLO, get, post
from tests.web.http.serving import in_memory, open_server, read, routed, time_passing
from web.http.limits import ServerConfig
from web.http.message import ClientGone, Request, Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def ignore(request: Request) -> Response:
    await trio.testing.wait_all_tasks_blocked()  # The client has sent what it has to send.
    return Response(200, b"ignored")


async def refuse(request: Request) -> Response:
    return Response(413)


@pytest.mark.parametrize(
    ("packet", "announced"),
    [
        (get(b"/tell"), 0),
        (get(b"/tell", b"Content-Length: 0"), 0),
        (get(b"/tell", b"Content-Length: 3") + b"abc", 3),
        (get(b"/tell", b"Transfer-Encoding: Chunked") + b"0\r\n\r\n", None),
    ],
)
async def test_a_body_tells_the_length_that_its_head_says(
    packet: bytes, announced: int | None
) -> None:
    async def tell(request: Request) -> Response:
        assert request.body.announced == announced
        return Response(200, await read(request))

    async with in_memory(routed(tell=tell)) as served, served.connect() as client:
        await client.send(packet)
        assert (await client.answer()).status == 200


async def test_a_body_ends_again_and_again() -> None:
    async def thrice(request: Request) -> Response:
        await read(request)
        return Response(200, await request.body.receive() + await request.body.receive())

    async with in_memory(routed(thrice=thrice)) as served, served.connect() as client:
        for body in (b"", b"x"):
            assert (await client.ask("POST", "/thrice", body)).body == b""


async def test_a_body_comes_as_it_is_sent_and_chunks_leave_no_trace() -> None:
    got: list[bytes] = []

    async def note(request: Request) -> Response:
        while piece := await request.body.receive():
            got.append(piece)
        return Response(204)

    async with in_memory(routed(note=note)) as served, served.connect() as client:
        await client.send(post(b"Transfer-Encoding: chunked").replace(b"/echo", b"/note"))
        for piece in (
            b"3\r\none\r\n2;a=b\r\ntw\r\n",
            b"1\r\n",
            b"o",
            b"\r\n0\r\nX: y\r\n",
            b"\r\n",
        ):
            await trio.testing.wait_all_tasks_blocked()
            await client.send(piece)
        assert (await client.answer()).status == 204
    assert got == [b"onetw", b"o"]


async def test_a_body_may_have_empty_lines_wherever_it_is_cut() -> None:
    body = b"\r\n\r\n0\r\n\r\n" * 20
    packet = post(b"Transfer-Encoding: chunked", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    for size in range(1, 12):
        async with in_memory() as served, served.connect() as client:
            for start in range(0, len(packet + HELLO), size):
                await client.send((packet + HELLO)[start : start + size])
            assert (await client.answer()).body == body
            assert (await client.answer()).body == b"hello"


async def test_no_more_of_a_body_is_taken_in_than_is_asked_for() -> None:
    release = trio.Event()

    async def wait(request: Request) -> Response:
        first = await request.body.receive()
        await release.wait()
        return Response(200, first)

    async with in_memory(routed(wait=wait)) as served, served.connect() as client:
        await client.send(get(b"/wait", b"Content-Length: 100"))
        for _ in range(5):
            await trio.testing.wait_all_tasks_blocked()
            await client.send(b"x" * 10)
        await trio.testing.wait_all_tasks_blocked()
        assert served.lines[0].receives == 2
        release.set()
        assert (await client.answer()).body == b"x" * 10


@pytest.mark.parametrize("apart", [False, True])
async def test_a_short_body_that_nobody_reads_keeps_the_connection(apart: bool) -> None:
    async with open_server(routed(ignore=ignore)) as served, await served.connect() as client:
        for _ in range(3):
            head = get(b"/ignore", b"Content-Length: 100")
            if apart:
                await client.send(head)
                await client.send(b"x" * 100)
            else:
                await client.send(head + b"x" * 100)
            assert (await client.answer()).body == b"ignored"


async def test_the_body_of_an_answered_request_cannot_be_read_any_more() -> None:
    kept: list[Request] = []

    async def keep(request: Request) -> Response:
        kept.append(request)
        return Response(200)

    async with in_memory(routed(keep=keep)) as served, served.connect() as client:
        assert (await client.ask("POST", "/keep", b"secret")).status == 200
        with pytest.raises(ClientGone):
            await kept[0].body.receive()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_refusal_reaches_a_client_that_is_still_sending_and_then_the_connection_closes(
    chunked: bool,
) -> None:
    large = b"x" * 5_000_000
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(large)
    framed = b"%x\r\n" % len(large) + large + b"\r\n0\r\n\r\n" if chunked else large
    async with open_server(routed(refuse=refuse)) as served, await served.connect() as client:
        # Not a byte is read before all of it is sent, as simple clients have it.
        await client.send(get(b"/refuse", length) + framed)
        answer = await client.answer()
        assert answer.status == 413
        assert answer.headers["connection"] == "close"
        assert await client.read_to_end() == b""


async def test_a_handler_that_ignores_a_large_body_is_not_held_up_by_it() -> None:
    async with open_server(routed(ignore=ignore)) as served, await served.connect() as client:
        assert (await client.ask("POST", "/ignore", b"x" * 5_000_000)).body == b"ignored"
        assert await client.read_to_end() == b""


async def test_a_client_is_asked_to_continue_only_if_its_body_is_wanted() -> None:
    expecting = (b"Content-Length: 4", b"Expect: 100-Continue")
    async with in_memory(routed(refuse=refuse)) as served:
        async with served.connect() as client:
            await client.send(post(*expecting))
            assert await client.stream.receive_some() == CONTINUE
            await client.send(b"body")
            assert (await client.answer()).body == b"body"
        async with served.connect() as client:
            await client.send(get(b"/refuse", *expecting))
            answer = await client.answer()
            assert (answer.status, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize(
    "packet",
    [
        post(b"Content-Length: 4", b"Expect: 100-continue", body=b"b"),
        post(b"Content-Length: 4", b"Expect: miracles", body=b""),
        post(b"Content-Length: 4", b"Expect: 100-continue", body=b"", version=b"1.0"),
    ],
    ids=["has begun", "expects something else", "does not know it"],
)
async def test_nobody_is_asked_to_continue_who_does_not_wait_for_it(packet: bytes) -> None:
    async with in_memory() as served, served.connect() as client:
        await client.send(packet)
        await trio.testing.wait_all_tasks_blocked()
        await client.send(b"body"[len(packet) - packet.index(b"\r\n\r\n") - 4 :])
        await client.stream.send_eof()
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("body", "status"), [(b"zz\r\n", 400), (b"1\r\nx\r\n", 400)], ids=["is none", "stops"]
)
async def test_a_body_that_is_none_is_refused_whatever_its_reader_makes_of_it(
    body: bytes, status: int
) -> None:
    async def stubborn(request: Request) -> Response:
        with pytest.raises(ClientGone):
            await read(request)
        with pytest.raises(ClientGone):
            await request.body.receive()
        return Response(200, b"fine")

    async with in_memory(routed(stubborn=stubborn)) as served, served.connect() as client:
        await client.send(get(b"/stubborn", b"Transfer-Encoding: chunked"))
        await trio.testing.wait_all_tasks_blocked()
        await client.send(body)
        await client.stream.send_eof()
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert await client.read_to_end() == b""


async def test_what_is_already_known_to_be_no_body_reaches_no_endpoint() -> None:
    async def never(request: Request) -> Response:
        raise AssertionError

    async with in_memory(routed(never=never)) as served, served.connect() as client:
        await client.send(get(b"/never", b"Transfer-Encoding: chunked") + b"z\r\n")
        assert (await client.answer()).status == 400


async def test_a_body_that_stops_coming_ends_with_408(mock_clock: MockClock) -> None:
    async with (
        in_memory(config=ServerConfig(read_timeout=10)) as served,
        served.connect() as client,
    ):
        await client.send(post(b"Content-Length: 1000", body=b"x"))
        with time_passing(mock_clock):
            answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert answer.headers["content-type"] == "application/problem+json"
        assert trio.current_time() == 10


async def test_a_client_that_goes_before_its_body_has_come_is_told_to_the_endpoint() -> None:
    told = trio.Event()

    async def wait(request: Request) -> Response:
        with pytest.raises(ClientGone):
            await read(request)
        told.set()
        return Response(200)

    async with open_server(routed(wait=wait)) as served:
        async with await served.connect() as client:
            await client.send(get(b"/wait", b"Content-Length: 100") + b"x")
        await told.wait()
