from quart import Blueprint
from quart_trio import QuartTrio

from tests.web.access.heads import IDE, TOKEN
from tests.web.serving import open_server
from web import Guard
from web.access.quart_way import install


async def test_an_answer_keeps_its_own_vary() -> None:
    app = QuartTrio(__name__)
    install(Guard(origins=frozenset({IDE})), app)

    @app.get("/x")
    async def x() -> tuple[str, dict[str, str]]:
        return "x", {"Vary": "Accept"}

    async with open_server(app) as served, await served.connect() as client:
        await client.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        raw = (await client.read_to_end()).lower()
    assert b"vary: accept" in raw
    assert b"vary: origin" in raw


async def test_a_guarded_blueprint_leaves_the_app_around_it_alone() -> None:
    app = QuartTrio(__name__)
    service = Blueprint("service", __name__, url_prefix="/agents")
    install(Guard(token=TOKEN), service)

    @service.get("/x")
    async def inside() -> str:
        return "inside"

    @app.get("/x")
    async def outside() -> str:
        return "outside"

    app.register_blueprint(service)
    async with open_server(app) as served:
        assert (await served.ask("GET", "/x")).body == b"outside"
        assert (await served.ask("GET", "/agents/x")).status == 401
        assert (await served.ask("GET", "/agents/x", X_Internal_Auth=TOKEN)).body == b"inside"
