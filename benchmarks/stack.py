"""What servers cost whose apps do nothing, and the service in a larger app.

`GET` is answered with fixed JSON, as long as the history of three messages; of `POST` the body is
read, and answered as an append is. As `python -m benchmarks.stack NAME` one serves until SIGTERM or
SIGINT:

- `bare`      the service's own server, and no more; `?size=` asks for so many bytes
- `quart`     a Quart-Trio app with a route for each, on Hypercorn; the body is decoded
- `mounted`   the service's blueprint in a larger Quart-Trio app, on Hypercorn
"""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import trio
from quart import Response, request
from quart_trio import QuartTrio

from benchmarks.workload import encoded
from persistence import MemoryStore
from runtime import open_runtime
from web import Guard, create_blueprint
from web.hosts import contained
from web.http import message
from web.http.limits import ServerConfig
from web.http.listen import open_listeners
from web.http.server import serve

PATH = "/bare"
"""Of the routes; without a framework, every path is."""

SESSION_ID = "history-3"
MESSAGES = (
    {"role": "system", "content": "You are a helpful assistant"},
    {"role": "user", "content": "Hello, how are you?"},
    {"role": "assistant", "content": "I'm doing great! How can I help you?"},
)
HISTORY = encoded(
    {
        "session_id": SESSION_ID,
        "messages": MESSAGES,
        "message_count": len(MESSAGES),
        "last_activity": "2025-12-31T08:45:00.000Z",
        "current_agent": "orchestrator",
        "agent_history": [],
    }
).encode()
APPENDED = (
    b'{"session_id":"post-1","seqs":[100],"first_seq":100,"last_seq":100,"message_count":100,'
    b'"durable_seq":100}'
)


JSON = (("Content-Type", "application/json"),)


async def answer(request: message.Request) -> message.Response:
    """Fixed bytes."""
    if request.method == "POST":
        while await request.body.receive():
            pass
        return message.Response(200, APPENDED, JSON)
    size = int(request.query.removeprefix("size=") or "0")
    return message.Response(200, b"z" * size or HISTORY, JSON)


def routes() -> QuartTrio:
    """The same as two routes."""
    app = QuartTrio("bare", static_folder=None)

    @app.get(PATH)
    async def get() -> Response:
        return Response(HISTORY, content_type="application/json")

    @app.post(PATH)
    async def post() -> Response:
        msgspec.json.decode(await request.get_data(as_text=False))
        return Response(APPENDED, content_type="application/json")

    return app


@asynccontextmanager
async def open_app(name: str) -> AsyncIterator[QuartTrio]:
    """The app of this name."""
    if name == "quart":
        yield routes()
        return
    async with open_runtime(MemoryStore()) as runtime:
        app = QuartTrio("larger", static_folder=None)
        app.register_blueprint(create_blueprint(runtime, rules=Guard()))
        yield app


@asynccontextmanager
async def open_stack(name: str) -> AsyncIterator[str]:
    """Serves on a free port; gives the address."""
    shutdown, config = trio.Event(), ServerConfig()
    listeners = await open_listeners("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:
        if name == "bare":
            (url,) = await nursery.start(
                partial(serve, answer, listeners, config=config, shutdown=shutdown)
            )
            yield url
            shutdown.set()
        else:
            async with open_app(name) as app:
                host = partial(contained.serve, app, listeners, config=config, tls=None)
                (url,) = await nursery.start(partial(host, shutdown=shutdown))
                yield url
                shutdown.set()


async def serve_until_signal(name: str) -> None:
    """Serves until SIGTERM or SIGINT, and says where."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_stack(name) as url:
            print(f"{name} on {url}", flush=True)
            async for _ in signals:
                break


if __name__ == "__main__":
    trio.run(serve_until_signal, sys.argv[1])
