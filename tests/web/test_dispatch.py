"""One dispatch: who comes in, what is called, what went wrong and what is counted, each once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import evolve

from persistence import MemoryStore
from runtime import RuntimeConfig, SessionNotFound, open_runtime
from tests.web.requests import Pieces, request
from web import Guard
from web.api.dispatch import Api
from web.api.routes import Table
from web.call.resources import Resources
from web.call.route import Route
from web.http.message import ClientGone, Headers, Request, Response

TOKEN = "0123456789abcdef"  # noqa: S105
IDE = "vscode-webview://1a2b3c"
HOST = ("Host", "localhost")
SHOWN = ("Authorization", f"Bearer {TOKEN}")
JSON = ("Content-Type", "application/json")
LIMIT = 1_000


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with open_runtime(MemoryStore(), RuntimeConfig(durability="commit")) as runtime:
        rules = Guard(token=TOKEN, origins=frozenset({IDE}), body_limit=LIMIT)
        yield Api(runtime, rules=rules)


async def answered(api: Api, method: str, target: str, *headers: Any, **body: Any) -> Response:
    answer = await api.answer(request(method, target, HOST, *headers, **body))
    assert answer is not None
    return answer


def head(answer: Response) -> Headers:
    return Headers(answer.headers)


def detail(answer: Response) -> str:
    assert isinstance(answer.body, bytes)
    problem = json.loads(answer.body)
    assert problem["status"] == answer.status
    return str(problem["detail"])


# -- who comes in ----------------------------------------------------------------------------------


async def test_a_refused_body_is_never_read(api: Api) -> None:
    asked = request("POST", "/api/v1/sessions", HOST, SHOWN, body=[b"{}"], announced=2)
    asked = evolve(asked, headers=Headers([HOST, SHOWN, ("Content-Length", "2")]))
    answer = await api.answer(asked)
    assert answer is not None
    assert answer.status == 415
    assert isinstance(asked.body, Pieces)
    assert asked.body.asked_for == 0


async def test_a_missing_token_is_answered_with_how_to_show_it(api: Api) -> None:
    answer = await answered(api, "GET", "/api/v1/sessions")
    assert (answer.status, head(answer).get("www-authenticate")) == (401, "Bearer")
    assert (await answered(api, "GET", "/api/v1/sessions", SHOWN)).status == 200
    assert (await answered(api, "GET", "/health")).status == 200


async def test_what_is_not_in_the_table_is_guarded_too(api: Api) -> None:
    assert (await answered(api, "GET", "/docs")).status == 401
    assert await api.answer(request("GET", "/docs", HOST, SHOWN)) is None


@pytest.mark.parametrize(("shown", "status"), [(TOKEN, 200), ("wrong", 401)])
async def test_a_configured_origin_may_read_answers_and_refusals(
    api: Api, shown: str, status: int
) -> None:
    answer = await answered(
        api, "GET", "/api/v1/sessions", ("Origin", IDE), ("X-Internal-Auth", shown)
    )
    assert answer.status == status
    assert head(answer).get("access-control-allow-origin") == IDE


async def test_a_stranger_is_told_nothing(api: Api) -> None:
    stranger = ("Origin", "http://evil.example")
    answer = await answered(api, "GET", "/api/v1/sessions", stranger, SHOWN)
    assert answer.status == 403
    assert "access-control-allow-origin" not in head(answer)
    assert head(answer).get("vary") == "Origin"


async def test_a_preflight_is_told_what_is_allowed(api: Api) -> None:
    asks = ("Access-Control-Request-Method", "POST")
    answer = await answered(api, "OPTIONS", "/api/v1/sessions", ("Origin", IDE), asks)
    assert (answer.status, answer.body) == (204, b"")
    assert head(answer).get("access-control-allow-origin") == IDE
    assert "PATCH" in (head(answer).get("access-control-allow-methods") or "")
    assert "Authorization" in (head(answer).get("access-control-allow-headers") or "")


async def test_without_rules_whoever_is_around_decides() -> None:
    async with open_runtime(MemoryStore()) as runtime:
        answer = await Api(runtime).answer(request("GET", "/api/v1/sessions"))
    assert answer is not None
    assert answer.status == 200


# -- what is called --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "get", "Post", "TRACE", "BREW", "x" * 5_000])
async def test_methods_are_exact_and_a_wrong_one_is_told_which_are_right(
    api: Api, method: str
) -> None:
    answer = await answered(api, method, "/api/v1/sessions", SHOWN)
    assert answer.status == 405
    assert head(answer).get("allow") == "GET, HEAD, OPTIONS, POST"
    assert len(detail(answer)) < 100


async def test_a_delete_in_small_letters_deletes_nothing(api: Api) -> None:
    message = b'{"role":"user","content":"hello"}'
    posted = await answered(api, "POST", "/api/v1/sessions/s/messages", SHOWN, JSON, body=[message])
    assert posted.status == 201
    assert (await answered(api, "delete", "/api/v1/sessions/s", SHOWN)).status == 405
    assert (await answered(api, "GET", "/api/v1/sessions/s", SHOWN)).status == 200


async def test_no_app_behind_is_asked_for_a_method_that_it_would_take_for_another(
    api: Api,
) -> None:
    answer = await answered(api, "get", "/docs", SHOWN)
    assert answer.status == 501
    assert "upper case" in detail(answer)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/sessions/s", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/health", "GET, HEAD, OPTIONS"),
        ("*", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ],
)
async def test_options_says_what_can_be_called(api: Api, path: str, allow: str) -> None:
    answer = await answered(api, "OPTIONS", path, SHOWN)
    assert (answer.status, answer.body, head(answer).get("allow")) == (204, b"", allow)


async def test_the_service_as_a_whole_has_options_only(api: Api) -> None:
    answer = await answered(api, "GET", "*", SHOWN)
    assert (answer.status, head(answer).get("allow")) == (405, "OPTIONS")


@pytest.mark.parametrize("query", ["colour=red", "colour", "=", "%63olour=1"])
async def test_a_call_without_parameters_refuses_each(api: Api, query: str) -> None:
    for path in ("/health", "/metrics", "/api/v1/sessions/s/history"):
        assert (await answered(api, "GET", f"{path}?{query}", SHOWN)).status == 400


@pytest.mark.parametrize("query", ["prefix=%ff", "prefix=\xff", "%ff=1"])
async def test_a_query_that_is_no_utf_8_is_refused(api: Api, query: str) -> None:
    answer = await answered(api, "GET", f"/api/v1/sessions?{query}", SHOWN)
    assert answer.status == 400
    assert "UTF-8" in detail(answer)


async def test_a_query_may_be_sent_unencoded(api: Api) -> None:
    sent = "é".encode().decode("latin-1")
    assert (await answered(api, "GET", f"/api/v1/sessions?prefix={sent}", SHOWN)).status == 200


# -- what goes wrong -------------------------------------------------------------------------------


def replaced(api: Api, error: BaseException) -> Api:
    """The same with one call, which ends with this error."""

    async def broken(resources: Resources, asked: Request) -> Response:
        raise error

    api.table = Table([Route("GET", "/broken", broken)])
    return api


async def test_a_bug_is_answered_500_and_nothing_of_it_is_told(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await answered(replaced(api, RuntimeError("secret")), "GET", "/api/v1/broken", SHOWN)
    assert answer.status == 500
    assert "secret" not in detail(answer)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_an_error_of_a_task_inside_is_answered_as_that_error(api: Api) -> None:
    error = ExceptionGroup("", [ExceptionGroup("", [SessionNotFound("s")])])
    answer = await answered(replaced(api, error), "GET", "/api/v1/broken", SHOWN)
    assert answer.status == 404


async def test_that_the_client_has_gone_is_told_to_the_server(api: Api) -> None:
    with pytest.raises(ClientGone):
        await answered(replaced(api, ClientGone()), "GET", "/api/v1/broken", SHOWN)


# -- what is counted -------------------------------------------------------------------------------

HISTORY = "/api/v1/sessions/<session_id>/history"


async def test_every_answer_is_counted_once_by_its_route(api: Api) -> None:
    calls: list[tuple[str, str, bool]] = [
        ("GET", "/api/v1/sessions/a/history", True),
        ("GET", "/api/v1/sessions/b/history", True),
        ("HEAD", "/api/v1/sessions/b/history", True),
        ("GET", "/api/v1/sessions/b/history", False),
        ("get", "/api/v1/sessions/b/history", True),
        ("OPTIONS", "/api/v1/sessions/b/history", True),
        ("GET", "/health", False),
        ("GET", "/nowhere", False),
    ]
    for method, target, shows_token in calls:
        await answered(api, method, target, *([SHOWN] if shows_token else []))
    assert await api.answer(request("GET", "/docs", HOST, SHOWN)) is None
    api.told(request("GET", "/docs", HOST, SHOWN), 200)
    assert api.resources.metrics.requests == {
        ("GET", HISTORY, 404): 2,
        ("HEAD", HISTORY, 404): 1,
        ("GET", HISTORY, 401): 1,
        ("any", HISTORY, 405): 1,
        ("OPTIONS", HISTORY, 204): 1,
        ("GET", "/health", 200): 1,
        ("any", "unmatched", 401): 1,
        ("any", "unmatched", 200): 1,
    }
