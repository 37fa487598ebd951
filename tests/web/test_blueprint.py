"""The service inside a larger Quart-Trio app."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from quart_trio import QuartTrio

from persistence import MemoryStore
from runtime import open_runtime
from web import Guard, create_blueprint

LOCAL = {"Host": "localhost"}


@pytest.fixture
async def host_app() -> AsyncIterator[QuartTrio]:
    app = QuartTrio("host")

    @app.get("/")
    async def index() -> str:
        return "the host's own page"

    @app.errorhandler(404)
    async def not_found(_: Exception) -> tuple[str, int]:
        return "the host's own 404", 404

    async with open_runtime(MemoryStore()) as runtime:
        rules = Guard(token="correct horse battery")
        app.register_blueprint(create_blueprint(runtime, rules=rules), url_prefix="/chats")
        yield app


AUTHORIZED = {**LOCAL, "Authorization": "Bearer correct horse battery"}


async def test_the_services_endpoints_are_below_the_prefix(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    path = "/chats/api/v1/sessions/s/messages"
    message = {"role": "user", "content": "hello"}
    assert (await client.post(path, json=message, headers=AUTHORIZED)).status_code == 201
    history = await client.get("/chats/api/v1/sessions/s/history", headers=AUTHORIZED)
    assert (await history.get_json())["message_count"] == 1


async def test_its_errors_are_problems(host_app: QuartTrio) -> None:
    path = "/chats/api/v1/sessions/nobody/history"
    answer = await host_app.test_client().get(path, headers=AUTHORIZED)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"


async def test_its_guard_guards_its_own_endpoints_only(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    assert (await client.get("/chats/api/v1/sessions", headers=LOCAL)).status_code == 401
    assert (await client.get("/", headers=LOCAL)).status_code == 200


async def test_the_hosts_own_pages_and_errors_stay_as_they_were(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    assert await (await client.get("/")).get_data(as_text=True) == "the host's own page"
    assert await (await client.get("/none")).get_data(as_text=True) == "the host's own 404"


@pytest.mark.parametrize("session_id", ["a b", "100%", "a%2541", "é", "会話"])
async def test_ids_are_decoded_once(host_app: QuartTrio, session_id: str) -> None:
    client = host_app.test_client()
    path = f"/chats/api/v1/sessions/{quote(session_id, safe='')}/messages"
    message = {"role": "user", "content": "hello"}
    answer = await client.post(
        path, json=message, headers=AUTHORIZED, scope_base={"raw_path": path.encode()}
    )
    assert (await answer.get_json())["session_id"] == session_id


async def test_an_id_with_a_slash_cannot_be_reached_here(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    answer = await client.get("/chats/api/v1/sessions/a%2Fb", headers=AUTHORIZED)
    assert answer.status_code == 404


async def test_its_documentation_is_below_the_prefix_and_guarded(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    for path in ("/chats/docs", "/chats/openapi.json", "/chats/api/v1/docs"):
        assert (await client.get(path, headers=LOCAL)).status_code == 401
        assert (await client.get(path, headers=AUTHORIZED)).status_code == 200


async def test_its_page_is_below_the_prefix_and_open(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    for path in ("/chats/", "/chats/console/main.js"):
        assert (await client.get(path, headers=LOCAL)).status_code == 200
    assert (await client.get("/chats", headers=LOCAL)).headers["Location"].endswith("/chats/")
    assert (await client.get("/console/main.js", headers=LOCAL)).status_code == 404


@pytest.mark.parametrize("page", ["/chats/docs", "/chats/api/v1/docs"])
async def test_a_link_to_its_documentation_can_be_followed_and_to_nothing_else(
    host_app: QuartTrio, page: str
) -> None:
    client = host_app.test_client()
    link = {"Site": "cross-site", "Mode": "navigate", "Dest": "document"}
    headers = {**AUTHORIZED, **{f"Sec-Fetch-{name}": value for name, value in link.items()}}
    assert (await client.get(page, headers=headers)).status_code == 200
    for path in (f"{page}/start.js", page.replace("docs", "openapi.json")):
        assert (await client.get(path, headers=headers)).status_code == 403


async def test_health_needs_no_token_here_either(host_app: QuartTrio) -> None:
    assert (await host_app.test_client().get("/chats/health", headers=LOCAL)).status_code == 200


async def test_a_place_is_told_with_its_prefix(host_app: QuartTrio) -> None:
    path = "/chats/api/v1/sessions"
    answer = await host_app.test_client().post(path, json={"session_id": "s"}, headers=AUTHORIZED)
    assert answer.headers["Location"] == "/chats/api/v1/sessions/s"


async def test_methods_are_exact_here_too(host_app: QuartTrio) -> None:
    client = host_app.test_client()
    path = "/chats/api/v1/sessions"
    for method in ("PUT", "get"):
        answer = await client.open(path, method=method, headers=AUTHORIZED)  # type: ignore[call-arg]
        assert answer.status_code == 405
        assert answer.content_type == "application/problem+json"
    assert (await client.options(path, headers=AUTHORIZED)).status_code == 204


async def test_a_body_beyond_the_limit_of_the_app_around_is_refused(host_app: QuartTrio) -> None:
    host_app.config["MAX_CONTENT_LENGTH"] = 10
    message = {"role": "user", "content": "hello"}
    path = "/chats/api/v1/sessions/s/messages"
    answer = await host_app.test_client().post(path, json=message, headers=AUTHORIZED)
    assert answer.status_code == 413
    assert "MAX_CONTENT_LENGTH" in (await answer.get_json(force=True))["detail"]


async def test_it_can_be_there_twice(host_app: QuartTrio) -> None:
    async with open_runtime(MemoryStore()) as runtime:
        host_app.register_blueprint(create_blueprint(runtime), url_prefix="/a/b", name="other")
        client = host_app.test_client()
        answer = await client.post("/a/b/api/v1/sessions", json={"session_id": "s"})
        assert answer.headers["Location"] == "/a/b/api/v1/sessions/s"
        page = await (await client.get("/a/b/docs")).get_data(as_text=True)
        assert "/a/b/openapi.json" in page
