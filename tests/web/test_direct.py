"""The short way to an endpoint answers what Quart's own way answers."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import frozen
from quart import Response
from quart_trio import QuartTrio

from persistence import MemoryStore
from runtime import RuntimeConfig, SessionNotFound, open_runtime
from tests.clock import Clock
from web import Guard, create_app, create_blueprint
from web.direct import DirectApp

TOKEN = "0123456789abcdef"  # noqa: S105
IDE = "https://ide.example"
RULES = Guard(token=TOKEN, origins=frozenset({IDE}), body_limit=1_000)
HEADERS = {"Host": "localhost:8001", "Authorization": f"Bearer {TOKEN}", "Origin": IDE}
JSON_HEADERS = {**HEADERS, "Content-Type": "application/json"}
HELLO = {"role": "user", "content": "hello", "id": "1"}


@frozen
class Ways:
    """The same service twice, over two stores that get the same requests."""

    short: QuartTrio
    quarts: QuartTrio

    async def both(self, method: str, path: str, **request: Any) -> tuple[Response, Response]:
        request.setdefault("headers", HEADERS)
        answers = [
            await app.test_client().open(path, method=method, **request)
            for app in (self.short, self.quarts)
        ]
        assert all(isinstance(answer, Response) for answer in answers)
        return answers[0], answers[1]


@pytest.fixture
async def ways() -> AsyncIterator[Ways]:
    config = RuntimeConfig(durability="commit")
    new_id = "session_1".__str__
    async with (
        open_runtime(MemoryStore(), config, now=Clock(), new_session_id=new_id) as one,
        open_runtime(MemoryStore(), config, now=Clock(), new_session_id=new_id) as other,
    ):
        mounted = QuartTrio("a larger app")
        mounted.config["MAX_CONTENT_LENGTH"] = RULES.body_limit
        mounted.register_blueprint(create_blueprint(other, rules=RULES))
        yield Ways(create_app(one, rules=RULES), mounted)


CONVERSATION: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/sessions/s/messages", {"json": HELLO}),
    ("POST", "/api/v1/sessions/s/messages", {"json": HELLO}),
    ("POST", "/api/v1/sessions/s/messages", {"json": {**HELLO, "content": "other"}}),
    ("POST", "/api/v1/sessions/s/messages", {"json": {"role": "nobody"}}),
    ("POST", "/api/v1/sessions/s/messages", {"json": {**HELLO, "content": "x" * 2_000}}),
    ("POST", "/api/v1/sessions/s/messages", {"data": b"{", "headers": JSON_HEADERS}),
    ("POST", "/api/v1/sessions/s/messages", {"data": b"{", "headers": HEADERS}),
    ("POST", "/api/v1/sessions", {"json": {"agent": "coder"}}),
    ("POST", "/api/v1/agents/s/switch", {"json": {"agent": "coder"}}),
    ("PATCH", "/api/v1/sessions/s", {"json": {"metadata": {"a": 1}}}),
    ("GET", "/api/v1/sessions/s/history", {}),
    ("HEAD", "/api/v1/sessions/s/history", {}),
    ("GET", "/api/v1/sessions/nobody/history", {}),
    ("GET", "/api/v1/sessions/%20/history", {}),
    ("GET", "/api/v1/sessions/s/messages?after=0&limit=1", {}),
    ("GET", "/api/v1/sessions/s/messages?limit=0", {}),
    ("GET", "/api/v1/sessions/s?unknown=1", {}),
    ("GET", "/api/v1/sessions/%C3%A9", {}),
    ("GET", "/api/v1/sessions/s/log?kind=message", {}),
    ("POST", "/api/v1/sessions/s/records", {"json": {"put": [{"key": "k", "value": 1}]}}),
    ("GET", "/api/v1/sessions/s/records?prefix=k", {}),
    ("POST", "/api/v1/sessions/s/rewind", {"json": {"to": 1}}),
    ("POST", "/api/v1/sessions/s/fork", {"json": {"session_id": "f"}}),
    ("GET", "/api/v1/trash", {}),
    ("GET", "/api/v1/sessions/s", {}),
    ("GET", "/api/v1/sessions", {}),
    ("GET", "/api/v1/agents/s/current", {}),
    ("GET", "/api/v1/health", {}),
    ("GET", "/health", {"headers": {"Host": "localhost"}}),
    ("GET", "/api/v1/sessions", {"headers": {"Host": "localhost"}}),
    ("GET", "/api/v1/sessions", {"headers": {**HEADERS, "Host": "evil.example"}}),
    ("GET", "/api/v1/sessions", {"headers": {**HEADERS, "Origin": "null"}}),
    ("DELETE", "/api/v1/sessions/s", {}),
    ("POST", "/api/v1/maintenance/cleanup", {"json": {"max_age_hours": 1}}),
]


def head_of(answer: Response) -> set[tuple[str, str]]:
    """The headers but for the tag, of which each runtime makes its own."""
    return {(name.lower(), value) for name, value in answer.headers if name.lower() != "etag"}


async def body_of(answer: Response) -> bytes:
    """The body but for the chains, of which each session has its own."""
    return re.sub(rb"-[0-9a-f]{16}", b"-chain", await answer.get_data(as_text=False))


async def test_both_ways_answer_the_same(ways: Ways) -> None:
    for method, path, request in CONVERSATION:
        short, quarts = await ways.both(method, path, **request)
        assert short.status == quarts.status, (method, path)
        assert "ETag" in short.headers or not path.endswith("/s/history")
        assert head_of(short) == head_of(quarts), (method, path)
        assert await body_of(short) == await body_of(quarts), (method, path)


async def test_both_ways_count_the_same(ways: Ways) -> None:
    for method, path, request in CONVERSATION:
        await ways.both(method, path, **request)
    short, quarts = await ways.both("GET", "/metrics")
    counted = [
        re.findall(r"^.*_http_requests_total.*$", await answer.get_data(as_text=True), re.MULTILINE)
        for answer in (short, quarts)
    ]
    assert len(counted[0]) > 10
    assert sorted(counted[0]) == sorted(counted[1])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/api/v1/sessions", 405),
        ("OPTIONS", "/api/v1/sessions", 200),
        ("GET", "/docs", 200),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_what_the_short_way_does_not_know_goes_quarts_way(
    ways: Ways, method: str, path: str, status: int
) -> None:
    answer, _ = await ways.both(method, path)
    assert answer.status_code == status
    if method == "OPTIONS":
        assert "POST" in answer.headers["Allow"]
        assert await answer.get_data() == b""
    refused, _ = await ways.both(method, path, headers={"Host": "evil.example"})
    assert refused.status_code == 421


@pytest.mark.parametrize("kind", ["before_request", "after_request", "errorhandler"])
async def test_with_hooks_of_somebody_else_everything_goes_quarts_way(kind: str) -> None:
    async with open_runtime(MemoryStore()) as runtime:
        app = create_app(runtime)

        async def hook(*_: object) -> Response:
            return Response("the hook's", 418)

        if kind == "errorhandler":
            app.register_error_handler(SessionNotFound, hook)
        else:
            getattr(app, kind)(hook)
        answer = await app.test_client().get(
            "/api/v1/sessions/s/history", headers={"Host": "localhost"}
        )
        assert answer.status_code == 418


async def test_a_bug_in_an_endpoint_is_answered_500_and_nothing_of_it_is_told(
    ways: Ways, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: object, session_id: str) -> Response:
        raise RuntimeError("secret")

    assert isinstance(ways.short, DirectApp)
    view = ways.short.view_functions["agent_runtime.sessions.history"]
    setattr(view, "_agent_runtime_endpoint", broken)  # noqa: B010 -- mypy knows it as a function
    answer, _ = await ways.both("GET", "/api/v1/sessions/s/history")
    assert answer.status_code == 500
    assert b"secret" not in await answer.get_data()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
