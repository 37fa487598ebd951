"""The rules in front of the whole service: what a client gets to see of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from persistence import MemoryStore
from runtime import open_runtime
from tests.web.access.heads import EVIL, IDE, TOKEN
from tests.web.serving import Served, open_server
from web import Guard, create_app

SESSIONS = "/api/v1/sessions"
SHOWN = {"Authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def service(guard: Guard | None = None) -> AsyncIterator[Served]:
    async with (
        open_runtime(MemoryStore()) as runtime,
        open_server(create_app(runtime, rules=guard)) as served,
    ):
        yield served


async def test_a_refused_body_is_never_read() -> None:
    async with service() as served, await served.connect() as client:
        await client.send(
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
            b"Content-Length: 1000\r\n\r\n"
        )
        # The body never comes: reading it would wait for it.
        answer = await client.answer()
    assert answer.status == 415
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["error"] == answer.json["detail"]


@pytest.mark.parametrize("path", [SESSIONS, "/nope", "/docs", "/openapi.json"])
async def test_everything_is_guarded_and_says_how_to_come_in(path: str) -> None:
    async with service(Guard(token=TOKEN)) as served:
        answer = await served.ask("GET", path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert (await served.ask("GET", path, b"", **SHOWN)).status in {200, 404}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", SESSIONS), ("HEAD", SESSIONS), ("GET", "/nope"), ("PUT", SESSIONS), ("GET", "/docs")],
)
async def test_every_answer_is_safe_from_other_pages(method: str, path: str) -> None:
    async with service() as served:
        for given in ({}, {"Origin": EVIL}, {"Sec_Fetch_Site": "same-site"}):
            answer = await served.ask(method, path, b"", **given)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_what_another_page_embeds_is_refused_and_a_link_to_the_docs_is_not() -> None:
    foreign = {"Sec_Fetch_Site": "cross-site"}
    link = {**foreign, "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
    async with service() as served:
        assert (await served.ask("GET", SESSIONS, b"", **foreign)).status == 403
        assert (await served.ask("GET", SESSIONS, b"", **link)).status == 403
        assert (await served.ask("GET", "/docs", b"", **link)).status == 200


async def test_a_configured_origin_may_read_answers_and_refusals() -> None:
    guard = Guard(token=TOKEN, origins=frozenset({"vscode-webview://*"}))
    async with service(guard) as served:
        for shown, status in ((TOKEN, 200), ("wrong", 401)):
            answer = await served.ask("GET", SESSIONS, Origin=IDE, X_Internal_Auth=shown)
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == IDE
            assert answer.headers["vary"] == "Origin"
        stranger = await served.ask("GET", SESSIONS, Origin=EVIL, X_Internal_Auth=TOKEN)
        assert stranger.status == 403
        assert "access-control-allow-origin" not in stranger.headers
        assert stranger.headers["vary"] == "Origin"


async def test_a_preflight_is_told_who_may_ask_what() -> None:
    guard = Guard(token=TOKEN, origins=frozenset({"http://localhost:*"}))
    origin = "http://localhost:5173"
    async with service(guard) as served:
        answer = await served.ask(
            "OPTIONS", SESSIONS, Origin=origin, Access_Control_Request_Method="POST"
        )
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Last-Event-ID" in answer.headers["access-control-allow-headers"]


async def test_a_body_of_any_json_type_is_read() -> None:
    async with service() as served:
        answer = await served.ask(
            "POST", SESSIONS, b'{"session_id": "s"}', Content_Type="application/vnd.x+json; v=1"
        )
    assert answer.status == 201


async def test_a_coding_in_a_second_field_is_refused() -> None:
    async with service() as served, await served.connect() as client:
        await client.send(
            b"POST /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n"
            b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n\r\n{}"
        )
        answer = await client.answer()
    assert answer.status == 415
    assert "without Content-Encoding" in answer.json["detail"]


async def test_a_name_below_localhost_is_answered_to_where_it_is_configured() -> None:
    packet = b"GET /health HTTP/1.1\r\nHost: a.webview.localhost:8001\r\n\r\n"
    for hosts, status in ((frozenset({"*.localhost"}), 200), (frozenset[str](), 421)):
        async with service(Guard(hosts=hosts)) as served, await served.connect() as client:
            await client.send(packet)
            assert (await client.answer()).status == status


@pytest.mark.parametrize(
    ("packet", "status"),
    [
        (b"GET /health HTTP/1.0\r\n\r\n", 200),
        (b"GET /api/v1/health HTTP/1.0\r\nAccept: */*\r\n\r\n", 200),
        (b"HEAD /health HTTP/1.0\r\n\r\n", 200),
        (b"OPTIONS /health HTTP/1.0\r\n\r\n", 204),
        (b"POST /health HTTP/1.0\r\n\r\n", 405),
        (b"GET /health HTTP/1.1\r\n\r\n", 400),
        (b"GET /health HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /health HTTP/1.0\r\nHost:\r\n\r\n", 400),
        (b"GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET http://evil.example/health HTTP/1.0\r\n\r\n", 421),
        (b"GET /health HTTP/1.0\r\nOrigin: http://localhost\r\n\r\n", 403),
        (b"GET /health HTTP/1.0\r\nOrigin: null\r\n\r\n", 403),
        (b"GET /health HTTP/1.0\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 400),
        (b"GET /api/v1/sessions HTTP/1.0\r\n\r\n", 400),
        (b"GET /api/v1/sessions/health HTTP/1.0\r\n\r\n", 400),
        (b"GET /docs HTTP/1.0\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 400),
        (b"GET //health HTTP/1.0\r\n\r\n", 400),
        (b"GET /health/ HTTP/1.0\r\n\r\n", 400),
        (b"GET /%68ealth HTTP/1.0\r\n\r\n", 400),
        (b"GET /x/../health HTTP/1.0\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.0\r\n\r\n", 400),
    ],
)
async def test_without_a_host_only_the_health_is_answered(packet: bytes, status: int) -> None:
    async with service() as served, await served.connect() as client:
        await client.send(packet)
        answer = await client.read_to_end()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
