"""The page below a path of a larger app, which has a page of its own."""

import trio
from quart_trio import QuartTrio

from persistence import MemoryStore
from runtime import open_runtime
from tests.browser.devtools import Browser
from tests.web.hosts.hosting import open_host
from web import create_blueprint


async def test_the_page_works_below_a_path(browser: Browser) -> None:
    app = QuartTrio("larger")

    @app.get("/")
    async def index() -> str:
        return "the larger app's own page"

    async with open_runtime(MemoryStore()) as runtime:
        await runtime.session("mounted").append({"role": "user", "content": "Hello from below"})
        app.register_blueprint(create_blueprint(runtime), url_prefix="/chats")
        async with open_host(app) as served:
            seen = await trio.to_thread.run_sync(look, browser, f"http://127.0.0.1:{served.port}")
            runtime.end_following()
    assert seen == []


def look(browser: Browser, url: str) -> list[str]:
    """What the page complains of, after it has shown a session."""
    tab = browser.tab()
    tab.go(f"{url}/")
    tab.sees("the larger app's own page")
    tab.requested.clear()
    tab.go(f"{url}/chats")
    tab.click("#list .row", "mounted")
    tab.sees("Hello from below", "#rows")
    assert tab.run("location.pathname") == "/chats/"
    # The icon of a site is asked for at its root, whatever page it is.
    asked = {one.removeprefix(url) for one in tab.requested if one.startswith("http")}
    assert {path for path in asked if not path.startswith("/chats")} <= {"/favicon.ico"}
    tab.call("Page.close")
    return tab.complaints
