"""An ASGI app answers single requests, without a server in between."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest
import trio
import trio.testing
from quart import Quart
from quart import request as quarts_request
from quart_trio import QuartTrio

from tests.web.requests import Pieces, request
from web.http.asgi import Event, Receive, Scope, Send
from web.http.guest import WHOLE, answered_by
from web.http.message import ClientGone, Headers, Response


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Event:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def part(data: bytes, *, more: bool = False) -> Event:
    return {"type": "http.response.body", "body": data, "more_body": more}


def sending(*events: Event) -> Callable[[Scope, Receive, Send], Any]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for event in events:
            await send(event)

    return app


async def all_of(answer: Response) -> bytes:
    assert isinstance(answer.body, AsyncGenerator)
    return b"".join([piece async for piece in answer.body])


@pytest.fixture
async def nursery() -> AsyncIterator[trio.Nursery]:
    """In which no task is left at the end."""
    async with trio.open_nursery() as nursery:
        yield nursery
        await trio.testing.wait_all_tasks_blocked()
        assert not nursery.child_tasks


LENGTH = (b"content-length", b"10")


async def test_an_answer_that_says_how_long_it_is_comes_as_a_whole(
    nursery: trio.Nursery,
) -> None:
    app = sending(start(LENGTH, (b"x", b"1")), part(b"hello", more=True), part(b"world"))
    assert await answered_by(app, request("GET", "/"), nursery) == Response(
        200, b"helloworld", (("x", "1"),)
    )


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"%d" % (WHOLE + 1))]])
async def test_an_answer_that_does_not_or_is_large_comes_in_pieces(
    nursery: trio.Nursery, headers: list[tuple[bytes, bytes]]
) -> None:
    app = sending(start(*headers), part(b"hello", more=True), part(b"", more=True), part(b"world"))
    answer = await answered_by(app, request("GET", "/"), nursery)
    assert answer.headers == ()
    assert await all_of(answer) == b"helloworld"


async def test_pieces_come_no_faster_than_they_are_taken(nursery: trio.Nursery) -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send(start())
        while True:
            await send(part(b"x", more=True))
            sent += 1

    answer = await answered_by(app, request("GET", "/"), nursery)
    await trio.testing.wait_all_tasks_blocked()
    assert sent == 0
    assert isinstance(answer.body, AsyncGenerator)
    assert await anext(answer.body) == b"x"
    await trio.testing.wait_all_tasks_blocked()
    assert sent == 1
    await answer.body.aclose()


async def test_pieces_that_nobody_began_to_take_end_their_app_too(
    nursery: trio.Nursery,
) -> None:
    ended = trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send(start())
            await send(part(b"x", more=True))
        finally:
            ended.set()

    answer = await answered_by(app, request("GET", "/"), nursery)
    assert isinstance(answer.body, AsyncGenerator)
    await answer.body.aclose()
    await ended.wait()


async def test_pieces_that_break_off_are_not_taken_for_whole(nursery: trio.Nursery) -> None:
    for app in (
        sending(start(), part(b"x", more=True)),
        sending(start(), part(b"x", more=True), {"no": "event"}),
    ):
        answer = await answered_by(app, request("GET", "/"), nursery)
        with pytest.raises(EOFError):
            await all_of(answer)


@pytest.mark.parametrize("events", [[], [start(LENGTH)], [start(LENGTH), part(b"x", more=True)]])
@pytest.mark.parametrize("fails", [False, True])
async def test_an_app_that_gives_no_answer_is_a_500(
    nursery: trio.Nursery, events: list[Event], fails: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = sending(*events, *([{"no": "event"}] if fails else []))
    answer = await answered_by(app, request("GET", "/"), nursery)
    assert answer.status == 500
    assert Headers(answer.headers).get("content-type") == "application/problem+json"
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_whoever_is_cancelled_takes_the_app_along(nursery: trio.Nursery) -> None:
    begun, ended = trio.Event(), trio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            begun.set()
            await trio.sleep_forever()
        finally:
            ended.set()

    async with trio.open_nursery() as asking:
        asking.start_soon(answered_by, app, request("GET", "/"), nursery)
        await begun.wait()
        asking.cancel_scope.cancel()
    await ended.wait()


async def test_an_app_reads_the_body_and_is_told_that_the_client_has_gone(
    nursery: trio.Nursery,
) -> None:
    seen: list[Event] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not seen or seen[-1]["type"] == "http.request":
            seen.append(await receive())

    with pytest.raises(ClientGone):
        await answered_by(app, request("POST", "/", body=[b"a", None]), nursery)
    assert [event.get("body") for event in seen] == [b"a", None]


async def test_once_it_has_answered_an_app_reads_no_more_of_the_body(
    nursery: trio.Nursery,
) -> None:
    class Endless(Pieces):
        async def receive(self) -> bytes:
            await super().receive()
            await trio.sleep_forever()
            raise AssertionError

    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def read() -> None:
            told.append((await receive())["type"])

        async with trio.open_nursery() as inner:
            inner.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            await send(start())
            await send(part(b"a", more=True))
            await send(part(b"b"))

    asked = request("POST", "/")
    body = Endless([])
    answer = await answered_by(
        app,
        type(asked)(method="POST", path="/", headers=asked.headers, body=body),
        nursery,
    )
    assert body.asked_for == 1
    assert told == []
    assert await all_of(answer) == b"ab"
    await trio.testing.wait_all_tasks_blocked()
    assert told == ["http.disconnect"]


async def test_an_app_is_told_the_request_as_it_was(nursery: trio.Nursery) -> None:
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        await send(start())
        await send(part(b""))

    asked = request("GET", "/a%2Fb/%C3%A9?x=1", ("Host", "localhost"), ("X", "\xe9"))
    await answered_by(app, asked, nursery)
    (scope,) = scopes
    assert (scope["path"], scope["raw_path"]) == ("/a/b/é", b"/a%2Fb/%C3%A9")
    assert scope["query_string"] == b"x=1"
    assert scope["headers"] == [(b"host", b"localhost"), (b"x", b"\xe9")]


async def test_a_quart_app_is_such_an_app(nursery: trio.Nursery) -> None:
    app = QuartTrio("guest")

    @app.post("/echo")
    async def echo() -> Any:
        return await quarts_request.get_data()

    @app.get("/pieces")
    async def in_pieces() -> Any:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        return parts()

    assert isinstance(app, Quart)
    guest: Any = app.asgi_app
    asked = request("POST", "/echo", ("Content-Length", "2"), body=[b"a", b"b"])
    assert (await answered_by(guest, asked, nursery)).body == b"ab"
    answer = await answered_by(guest, request("GET", "/pieces"), nursery)
    assert await all_of(answer) == b"ab"
    assert (await answered_by(guest, request("GET", "/nowhere"), nursery)).status == 404
