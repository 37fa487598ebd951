"""What a request says, and that each gets its answer."""

from collections.abc import Awaitable, Callable

import pytest
import trio

from tests.web.http.packets import HELLO, get, post
from tests.web.http.serving import hello_and_echo, in_memory, open_server, routed
from web.http.message import Buffers, Request, Response


def noting(requests: list[Request]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        requests.append(request)
        return await hello_and_echo(request)

    return answer


async def ask(packet: bytes) -> Request:
    """What the endpoint gets to see of it."""
    seen: list[Request] = []
    async with in_memory(noting(seen)) as served, served.connect() as client:
        await client.send(packet)
        await client.answer()
    (request,) = seen
    return request


async def test_a_head_is_what_was_sent() -> None:
    request = await ask(get(b"/a%2Fb//c?x=%20&y", b"X-One: a", b"x-oNE:   b \t", b"Y:"))
    assert (request.method, request.path, request.query) == ("GET", "/a%2Fb//c", "x=%20&y")
    assert list(request.headers) == [
        ("host", "localhost"),
        ("x-one", "a"),
        ("x-one", "b"),
        ("y", ""),
    ]


async def test_a_header_may_have_bytes_beyond_ascii() -> None:
    request = await ask(get(b"/hello", b"X: \xe4\xff"))
    assert request.headers.get("x") == "\xe4\xff"


async def test_the_host_of_an_absolute_target_stands_above_the_other() -> None:
    request = await ask(get(b"http://other.example:81/hello?x=1"))
    assert request.headers.all("host") == ["other.example:81"]
    assert (request.path, request.query) == ("/hello", "x=1")


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [(b"HTTPS://a", "/", ""), (b"http://a?x", "/", "x"), (b"http://[::1]:80/?", "/", "")],
)
async def test_an_absolute_target_may_lack_its_path(target: bytes, path: str, query: str) -> None:
    request = await ask(get(target))
    assert (request.path, request.query) == (path, query)


async def test_an_absolute_target_needs_a_host_header_all_the_same() -> None:
    async with in_memory() as served, served.connect() as client:
        await client.send(b"GET http://a/hello HTTP/1.1\r\n\r\n")
        assert (await client.answer()).status == 400


async def test_what_comes_behind_a_body_is_none_of_its_headers() -> None:
    request = await ask(
        post(b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n0\r\nHost: evil\r\nX: y\r\n\r\n")
    )
    assert dict(request.headers) == {"host": "localhost", "transfer-encoding": "chunked"}


async def test_one_connection_takes_many_requests() -> None:
    async with open_server() as served, await served.connect() as client:
        for body in (b"one", b"two" * 100_000, b"three"):
            assert (await client.ask("POST", "/echo", body)).body == body


async def test_requests_that_are_sent_ahead_are_answered_in_order() -> None:
    chunked = post(b"Transfer-Encoding: chunked", body=b"5\r\nthree\r\n0\r\n\r\n")
    async with in_memory() as served, served.connect() as client:
        await client.send(HELLO + post(b"Content-Length: 3", body=b"two") + chunked + HELLO)
        answers = [(await client.answer()).body for _ in range(4)]
    assert answers == [b"hello", b"two", b"three", b"hello"]


async def test_a_request_behind_one_that_asks_to_upgrade_is_a_request() -> None:
    upgrade = (b"Connection: Upgrade", b"Upgrade: h2c")
    with_body = post(*upgrade, b"Content-Length: 3", body=b"abc")
    async with in_memory() as served, served.connect() as client:
        await client.send(get(b"/hello", *upgrade) + with_body + HELLO)
        answers = [(await client.answer()).body for _ in range(3)]
    assert answers == [b"hello", b"abc", b"hello"]


async def test_who_sends_many_requests_at_once_takes_turns_with_others() -> None:
    order: list[str] = []

    async def note(request: Request) -> Response:
        order.append(request.query)
        return Response(204)

    async with (
        in_memory(routed(note=note)) as served,
        served.connect() as many,
        served.connect() as other,
    ):
        await many.send(get(b"/note?many") * 100)
        await other.send(get(b"/note?other"))
        for _ in range(100):
            await many.answer()
        await other.answer()
    assert order.index("other") < 3


async def test_what_follows_a_last_request_is_not_answered() -> None:
    async with open_server() as served, await served.connect() as client:
        await client.send(get(b"/hello", b"Connection: close") + HELLO)
        answer = await client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"hello", "close")
        assert await client.read_to_end() == b""


async def test_http_1_0_gets_one_answer() -> None:
    async with in_memory() as served, served.connect() as client:
        await client.send(get(b"/hello", b"Connection: keep-alive", version=b"1.0") * 2)
        answer = await client.read_to_end()
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.endswith(b"hello")


async def test_a_client_that_has_closed_its_sending_side_gets_its_answers() -> None:
    async with open_server() as served, await served.connect() as client:
        await client.send(HELLO + HELLO)
        await client.stream.send_eof()
        assert (await client.read_to_end()).count(b"hello") == 2


async def test_an_answer_leaves_in_one_piece() -> None:
    async with open_server() as served, await served.connect() as client:
        await client.send(HELLO)
        assert (await client.stream.receive_some()).endswith(b"hello")


async def test_head_is_answered_like_get_without_the_body() -> None:
    async with in_memory() as served, served.connect() as client:
        answer = await client.ask("HEAD", "/hello")
        assert (answer.status, answer.headers["content-length"], answer.body) == (200, "5", b"")
        assert (await client.ask("GET", "/hello")).body == b"hello"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_neither_length_nor_type(status: int) -> None:
    async def bare(request: Request) -> Response:
        return Response(status, b"", (("Content-Type", "text/plain"), ("ETag", '"1"')))

    async with in_memory(routed(bare=bare)) as served, served.connect() as client:
        answer = await client.ask("GET", "/bare")
        assert (answer.status, set(answer.headers)) == (status, {"etag", "date"})
        assert (await client.ask("GET", "/hello")).body == b"hello"


async def test_a_large_answer_reaches_a_client_that_reads() -> None:
    large = bytes(range(256)) * 80_000

    async def answer(request: Request) -> Response:
        return Response(200, large)

    async with open_server(routed(large=answer)) as served, await served.connect() as client:
        assert (await client.ask("GET", "/large")).body == large
        assert (await client.ask("GET", "/hello")).body == b"hello"


VIEW = memoryview(bytes(range(256)) * 2_000)


@pytest.mark.parametrize(
    "buffers",
    [
        (),
        (b"",),
        (b"short", b"", VIEW[1:3], b"end"),
        (b"head", VIEW, b",", VIEW[:-1], b"tail"),
        (b"", *[VIEW[:70_000], b","] * 100, b""),
        (*[b"ab"] * 5_000, VIEW),
    ],
    ids=["none", "empty", "short", "long", "many", "many short ones"],
)
async def test_an_answer_in_several_places_arrives_as_one(buffers: Buffers) -> None:
    async def answer(request: Request) -> Response:
        return Response(200, buffers)

    whole = b"".join(buffers)
    for running in (open_server(routed(apart=answer)), in_memory(routed(apart=answer))):
        async with running as served:
            assert (await served.ask("GET", "/apart")).body == whole
            head = await served.ask("HEAD", "/apart")
            assert (head.headers["content-length"], head.body) == (str(len(whole)), b"")


@pytest.mark.parametrize("cut", [1, 10, len(HELLO) - 1])
async def test_a_client_that_leaves_in_the_middle_harms_nobody(
    cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_server() as served:
        async with await served.connect() as client:
            await client.send(HELLO[:cut])
        async with await served.connect() as client:
            await client.send(post(b"Content-Length: 1000", body=b"x"))
        assert (await served.ask("GET", "/hello")).status == 200
    assert [record.message for record in caplog.records if record.name.startswith("web")] == []


async def test_a_handler_goes_on_when_its_client_has_gone() -> None:
    started, go_on, done = trio.Event(), trio.Event(), trio.Event()

    async def write(request: Request) -> Response:
        started.set()
        await go_on.wait()
        await trio.lowlevel.checkpoint()
        done.set()
        return Response(200)

    async with open_server(routed(write=write)) as served:
        async with await served.connect() as client:
            await client.send(get(b"/write"))
            await started.wait()
        await trio.testing.wait_all_tasks_blocked()
        go_on.set()
        await done.wait()
