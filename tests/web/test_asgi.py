"""Between an ASGI server and the two values."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio

from persistence import MemoryStore
from runtime import open_runtime
from web import create_app
from web.http.asgi import Event, request_of, send_response
from web.http.message import Chunks, ClientGone, Response


def scope(path: str = "/", **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": None,
        "server": None,
        "extensions": {},
        **more,
    }


class Server:
    """Gives the parts of a body (and whether more comes; `None`: the client goes), takes events."""

    def __init__(self, *parts: tuple[bytes, bool] | None) -> None:
        self.parts = list(parts)
        self.asked_for = 0
        self.events: list[Event] = []
        self.gone = trio.Event()

    async def receive(self) -> Event:
        self.asked_for += 1
        await trio.lowlevel.checkpoint()
        if not self.parts:
            await self.gone.wait()
        part = self.parts.pop(0) if self.parts else None
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part[0], "more_body": part[1]}

    async def send(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.events.append(event)

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.events[1:])

    @property
    def is_complete(self) -> bool:
        return self.events[-1].get("more_body") is False


# -- requests --------------------------------------------------------------------------------------


async def test_a_body_is_not_asked_for_until_somebody_reads_it() -> None:
    server = Server((b"a", True), (b"", True), (b"b", False))
    body = request_of(scope(), server.receive).body
    assert server.asked_for == 0
    assert [await body.receive() for _ in range(4)] == [b"a", b"b", b"", b""]
    assert server.asked_for == 3


async def test_a_body_that_is_cut_off_is_never_taken_for_whole() -> None:
    server = Server((b"half", True), None)
    body = request_of(scope(), server.receive).body
    assert await body.receive() == b"half"
    for _ in range(2):
        with pytest.raises(ClientGone):
            await body.receive()
    assert server.asked_for == 2


@pytest.mark.parametrize(
    ("length", "announced"), [([b"7"], 7), ([], None), ([b"7", b"7"], None), ([b"-1"], None)]
)
def test_a_body_is_announced_by_its_length(length: list[bytes], announced: int | None) -> None:
    head = scope(headers=[(b"content-length", one) for one in length])
    assert request_of(head, Server().receive).body.announced == announced


def test_a_head_is_what_was_sent() -> None:
    made = request_of(
        scope("/a", method="get", query_string=b"x=%ff", headers=[(b"x", b"\xe9"), (b"x", b"2")]),
        Server().receive,
    )
    assert (made.method, made.path, made.query) == ("get", "/a", "x=%ff")
    assert made.headers.all("x") == ["\xe9", "2"]


@pytest.mark.parametrize(
    ("tells", "path", "root"),
    [
        ({"raw_path": b"/a%2Fb?x"}, "/a%2Fb", ""),
        ({"raw_path": b"/chats/a%2Fb", "root_path": "/chats"}, "/a%2Fb", "/chats"),
        ({"raw_path": b"/%C3%A9/a", "root_path": "/é"}, "/a", "/%C3%A9"),
        ({"raw_path": b"/a", "root_path": "/chats"}, "/a", "/chats"),
        ({"raw_path": b"/chatsx/a", "root_path": "/chats"}, "/chatsx/a", "/chats"),
        ({"raw_path": b"//a"}, "//a", ""),
        ({"raw_path": b"*"}, "*", ""),
        ({"raw_path": None, "path": "/é b"}, "/%C3%A9%20b", ""),
        ({"raw_path": b"", "path": "/chats/a", "root_path": "/chats"}, "/a", "/chats"),
    ],
)
def test_a_path_begins_below_the_root_and_is_as_it_was_sent(
    tells: dict[str, Any], path: str, root: str
) -> None:
    made = request_of(scope(**tells), Server().receive)
    assert (made.path, made.root) == (path, root)


# -- answers ---------------------------------------------------------------------------------------


async def test_an_answer_in_several_places_is_one_body() -> None:
    server = Server()
    answer = Response(200, (b"he", memoryview(b"yellow")[2:]))
    await send_response(answer, "GET", server.receive, server.send)
    assert server.events[0]["headers"] == [(b"content-length", b"6")]
    assert server.events[1:] == [
        {"type": "http.response.body", "body": b"hellow", "more_body": False}
    ]


async def test_a_plain_answer_is_two_events() -> None:
    server = Server()
    answer = Response(200, b"hello", (("Content-Type", "text/plain"), ("X", "\xe9")))
    await send_response(answer, "GET", server.receive, server.send)
    assert server.events == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/plain"),
                (b"x", b"\xe9"),
                (b"content-length", b"5"),
            ],
        },
        {"type": "http.response.body", "body": b"hello", "more_body": False},
    ]
    assert server.asked_for == 0


@pytest.mark.parametrize("status", [204, 304])
async def test_where_there_can_be_no_body_there_is_no_length(status: int) -> None:
    server = Server()
    await send_response(Response(status), "GET", server.receive, server.send)
    assert server.events[0]["headers"] == []


async def pieces(closed: trio.Event, *, fail: bool = False) -> Chunks:
    try:
        yield b"one"
        if fail:
            raise ZeroDivisionError
        yield b"two"
    finally:
        closed.set()


async def test_an_answer_in_pieces_has_no_length_and_is_closed() -> None:
    server, closed = Server((b"unread", True), (b"", False)), trio.Event()
    await send_response(Response(200, pieces(closed)), "GET", server.receive, server.send)
    assert server.events[0]["headers"] == []
    assert [event["body"] for event in server.events[1:]] == [b"one", b"two", b""]
    assert server.is_complete
    assert closed.is_set()


async def test_pieces_that_fail_are_not_taken_for_whole() -> None:
    server, closed = Server(), trio.Event()
    with pytest.RaisesGroup(ZeroDivisionError):
        await send_response(
            Response(200, pieces(closed, fail=True)), "GET", server.receive, server.send
        )
    assert (server.body, server.is_complete, closed.is_set()) == (b"one", False, True)


async def test_pieces_end_when_the_client_goes() -> None:
    closed = trio.Event()

    async def endless() -> Chunks:
        try:
            yield b"one"
            server.gone.set()
            await trio.sleep_forever()
        finally:
            closed.set()

    server = Server((b"", False))
    await send_response(Response(200, endless()), "GET", server.receive, server.send)
    assert (server.body, server.is_complete, closed.is_set()) == (b"one", False, True)


async def test_no_pieces_are_made_for_a_head() -> None:
    server = Server()

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("nobody reads it")
        yield b""

    await send_response(Response(200, never()), "HEAD", server.receive, server.send)  # type: ignore[arg-type]
    assert (server.body, server.is_complete) == (b"", True)


# -- the app at its entry --------------------------------------------------------------------------


async def test_a_write_goes_on_when_its_client_has_gone() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        app = create_app(runtime)
        server = Server((b'{"role":"user","content":"x"}', False), None)
        head = scope(
            "/api/v1/sessions/s/messages",
            method="POST",
            headers=[(b"host", b"localhost"), (b"content-type", b"application/json")],
        )
        await app(head, server.receive, server.send)  # type: ignore[arg-type]
        assert server.events[0]["status"] == 201
        assert server.asked_for == 1


async def test_a_client_that_goes_in_the_middle_of_its_request_is_no_failure(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_runtime(MemoryStore()) as runtime:
        server = Server((b'{"role":', True), None)
        head = scope("/api/v1/sessions/s/messages", method="POST")
        head["headers"].append((b"content-type", b"application/json"))
        await create_app(runtime)(head, server.receive, server.send)  # type: ignore[arg-type]
    assert server.events == []
    assert caplog.records == []


async def test_routes_that_were_added_are_guarded_told_of_and_counted() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        app = create_app(runtime)

        @app.get("/mine")
        async def mine() -> str:
            return "mine"

        client = app.test_client()
        refused = await client.get("/mine", headers={"Host": "evil.example"})
        assert refused.status_code == 421
        assert await (await client.get("/mine")).get_data() == b"mine"
        assert (await client.get("/nowhere")).content_type == "application/problem+json"
        assert (await client.post("/mine")).content_type == "application/problem+json"
        assert app.api.resources.metrics.requests == {
            ("any", "unmatched", 421): 1,
            ("any", "unmatched", 200): 1,
            ("any", "unmatched", 404): 1,
            ("any", "unmatched", 405): 1,
        }
