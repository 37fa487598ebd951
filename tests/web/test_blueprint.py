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
