"""The Quart app behind the table: there when somebody asks for what only it answers."""

import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import trio

from persistence import MemoryStore
from runtime import open_runtime
from tests.web.requests import request
from web import Guard
from web.api.dispatch import Api
from web.behind import open_answers
from web.http.message import Headers, Request, Response

HOST = ("Host", "localhost")
IDE = "vscode-webview://1a2b3c"

Answer = Callable[[Request], Awaitable[Response]]


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with open_runtime(MemoryStore()) as runtime:
        yield Api(runtime, rules=Guard(origins=frozenset({IDE})))


@pytest.fixture
async def answer(api: Api) -> AsyncIterator[Answer]:
    async with open_answers(api) as answer:
        yield answer


async def test_the_table_is_asked_first_and_then_the_app(answer: Answer) -> None:
    assert (await answer(request("GET", "/health", HOST))).status == 200
    page = await answer(request("GET", "/docs", HOST))
    assert isinstance(page.body, bytes)
    assert b"swagger-ui" in page.body
    assert (await answer(request("HEAD", "/docs/assets/swagger-ui.css", HOST))).status == 200
    assert (await answer(request("GET", "/api/v1/openapi.json", HOST))).status == 200


async def test_an_unknown_path_is_a_problem(answer: Answer) -> None:
    nowhere = await answer(request("POST", "/nowhere", HOST))
    assert nowhere.status == 404
    assert Headers(nowhere.headers).get("content-type") == "application/problem+json"


async def test_whoever_may_not_come_in_does_not_reach_the_app(answer: Answer) -> None:
    assert (await answer(request("GET", "/docs", ("Host", "evil.example")))).status == 421


async def test_answers_of_the_app_are_counted_once_and_say_who_may_read(
    api: Api, answer: Answer
) -> None:
    page = await answer(request("GET", "/docs", HOST, ("Origin", IDE)))
    assert Headers(page.headers).all("access-control-allow-origin") == [IDE]
    assert Headers(page.headers).all("vary") == ["Origin"]
    assert api.resources.metrics.requests == {("any", "unmatched", 200): 1}


async def test_many_may_ask_for_it_first(answer: Answer) -> None:
    async def ask() -> None:
        assert (await answer(request("GET", "/docs", HOST))).status == 200

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(ask)


UNUSED = """
import sys

import trio

from persistence.memory import MemoryStore
from runtime import open_runtime
from web import Guard
from web.api.dispatch import Api
from web.behind import open_answers
from web.http.message import Headers, Request


class Nothing:
    announced = 0

    async def receive(self):
        return b""


def imported():
    packages = {name.partition(".")[0] for name in sys.modules}
    return sorted(packages & {"quart", "quart_trio", "quart_schema", "hypercorn", "werkzeug"})


def get(path):
    return Request(method="GET", path=path, headers=Headers([("Host", "a")]), body=Nothing())


async def main():
    async with open_runtime(MemoryStore()) as runtime:
        rules = Guard(hosts=frozenset({"a"}))
        async with open_answers(Api(runtime, rules=rules)) as answer:
            assert (await answer(get("/api/v1/sessions"))).status == 200
            print(imported())
            assert (await answer(get("/docs"))).status == 200
            print("quart" in imported(), "quart_schema" in imported())


trio.run(main)
"""


def test_a_service_that_is_asked_for_nothing_else_imports_no_quart() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNUSED], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\nTrue False\n", done.stderr
