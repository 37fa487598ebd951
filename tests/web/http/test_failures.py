"""What goes wrong in one connection stays there, and is logged once, without content."""

import gc
import logging
import weakref
from collections.abc import Callable

import pytest
import trio

from tests.web.http.packets import get
from tests.web.http.serving import in_memory, open_server, read, routed
from web.http.connection import Connection
from web.http.message import ClientGone, Request, Response
from web.http.parser import Head, Parser


@pytest.mark.parametrize(
    "failure",
    [
        lambda: ValueError("secret"),
        lambda: ExceptionGroup("secret", [KeyError("secret"), ExceptionGroup("", [IndexError()])]),
        lambda: AssertionError("secret"),
        lambda: RecursionError("secret"),
    ],
)
async def test_a_bug_in_the_server_ends_one_connection_and_is_logged_once_without_content(
    failure: Callable[[], Exception],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    head = Parser.head

    def break_on_boom(self: Parser) -> Head | None:
        found = head(self)
        if found is not None and found.path == "/boom":
            raise failure()
        return found

    monkeypatch.setattr(Parser, "head", break_on_boom)
    async with (
        open_server() as served,
        await served.connect() as other,
        await served.connect() as client,
    ):
        assert (await other.ask("GET", "/hello")).status == 200
        await client.send(get(b"/boom"))
        assert await client.read_to_end() == b""
        assert (await other.ask("GET", "/hello")).status == 200
    (record,) = [record for record in caplog.records if record.name.startswith("web")]
    assert "127.0.0.1 port" in record.message
    assert "Error" in record.message
    assert "secret" not in caplog.text
    assert "boom" not in record.message


async def divide(_: str) -> None:
    _ = str(1 // 0)


async def test_an_endpoint_that_fails_is_a_500_logged_once_without_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(request: Request) -> Response:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(divide, "secret")
            await trio.sleep_forever()
        raise AssertionError

    async with in_memory(routed(fail=fail)) as served:
        answer = await served.ask("GET", "/fail")
        assert (answer.status, answer.headers["connection"]) == (500, "close")
        assert answer.json["error"]
        assert (await served.ask("GET", "/hello")).status == 200
    (record,) = caplog.records
    assert "ZeroDivisionError at test_failures.py" in record.message
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value"), [("X", "a\r\nEvil: b"), ("X", "a\nEvil: b"), ("X", "\u0100"), ("X\r", "a")]
)
async def test_an_answer_that_no_head_can_say_is_a_500(
    name: str, value: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def evil(request: Request) -> Response:
        return Response(200, b"", ((name, value),))

    async with in_memory(routed(evil=evil)) as served, served.connect() as client:
        await client.send(get(b"/evil"))
        answer = await client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"Evil" not in answer
    assert len(caplog.records) == 1


@pytest.mark.parametrize("grouped", [False, True])
async def test_who_answers_that_the_client_has_gone_answers_nothing_and_nothing_is_logged(
    grouped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def gone(request: Request) -> Response:
        raise ExceptionGroup("", [ClientGone()]) if grouped else ClientGone

    async with in_memory(routed(gone=gone)) as served, served.connect() as client:
        await client.send(get(b"/gone"))
        assert await client.read_to_end() == b""
    assert caplog.records == []


async def test_an_upload_that_is_given_up_leaves_nothing_behind() -> None:
    connections: list[weakref.ref[Connection]] = []
    run = Connection.run

    async def note(self: Connection) -> None:
        connections.append(weakref.ref(self))
        await run(self)

    async def take(request: Request) -> Response:
        return Response(200, await read(request))

    gc.collect()
    gc.disable()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Connection, "run", note)
            async with in_memory(routed(take=take)) as served:
                async with served.connect() as client:
                    await client.send(get(b"/take", b"Content-Length: 1000") + b"x" * 100)
                await trio.testing.wait_all_tasks_blocked()
                # Without the collector: nothing of it is part of a cycle.
                assert [ref() for ref in connections] == [None]
    finally:
        gc.enable()


async def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("web").addHandler(logging.NullHandler())
    async with open_server() as served:
        assert (await served.ask("GET", "/hello")).status == 200
        assert (await served.ask("GET", "/nope")).status == 404
    assert capfd.readouterr() == ("", "")
