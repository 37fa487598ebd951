"""What a server costs whose app does nothing: bare ASGI, and bare Quart-Trio routes.

It is the service's own server. `GET` is answered with fixed JSON, as long as the history of three
messages; of `POST` the body is read, and answered as an append is. Without a framework, `?size=`
asks for so many bytes.

- `asgi`          no framework: what the server itself can do
- `quart`         a Quart-Trio app with a route for each, on the service's connection class; the
                  body is decoded
- `quart-stock`   the same on Quart-Trio's own connection class
"""

import json
import signal
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, cast

import click
import msgspec
import trio
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
)
from quart import Response, request
from quart_trio import QuartTrio

from web.server import open_listeners, serve

PATH = "/bare"
"""Of the routes; without a framework, every path is."""

SESSION_ID = "history-3"
MESSAGES = (
    {"role": "system", "content": "You are a helpful assistant"},
    {"role": "user", "content": "Hello, how are you?"},
    {"role": "assistant", "content": "I'm doing great! How can I help you?"},
)
HISTORY = json.dumps(
    {
        "session_id": SESSION_ID,
        "messages": MESSAGES,
        "message_count": len(MESSAGES),
        "last_activity": "2025-12-31T08:45:00.000Z",
        "current_agent": "orchestrator",
        "agent_history": [],
    },
    separators=(",", ":"),
).encode()
APPENDED = (
    b'{"session_id":"post-1","seqs":[100],"first_seq":100,"last_seq":100,"message_count":100,'
    b'"durable_seq":100}'
)


class Bare:
    """An ASGI app, with what the server wants of a Quart app beside that."""

    nursery: trio.Nursery | None = None
    _body = b""

    def _filler(self, query: bytes) -> bytes:
        """As many bytes as the query asks for; made once."""
        size = int(query.removeprefix(b"size=") or b"0")
        if len(self._body) != size:
            self._body = b"z" * size
        return self._body

    async def startup(self) -> None:
        """Nothing is to be done."""

    async def shutdown(self) -> None:
        """Nothing is to be done."""

    async def __call__(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        body = self._filler(scope["query_string"]) or HISTORY
        if scope["method"] == "POST":
            body = APPENDED
            while cast(dict[str, Any], await receive()).get("more_body"):
                pass
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send(HTTPResponseStartEvent(type="http.response.start", status=200, headers=headers))
        await send(HTTPResponseBodyEvent(type="http.response.body", body=body, more_body=False))


def stock() -> QuartTrio:
    """The two routes."""
    app = QuartTrio("bare", static_folder=None)

    @app.get(PATH)
    async def get() -> Response:
        return Response(HISTORY, content_type="application/json")

    @app.post(PATH)
    async def post() -> Response:
        msgspec.json.decode(await request.get_data(as_text=False))
        return Response(APPENDED, content_type="application/json")

    return app


APPS: Mapping[str, Callable[[], QuartTrio]] = MappingProxyType(
    {
        # The server asks no more of an app than it has.
        "asgi": cast(Callable[[], QuartTrio], Bare),
        "quart": stock,
        "quart-stock": stock,
    }
)


async def serve_until_signal(name: str) -> None:
    """Serves on a free port until SIGTERM or SIGINT, and says where."""
    shutdown = trio.Event()
    listeners = await open_listeners("127.0.0.1", 0)
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            (url,) = await nursery.start(partial(serve, APPS[name](), listeners, shutdown=shutdown))
            print(f"{name} on {url}", flush=True)
            async for _ in signals:
                shutdown.set()
                break


@click.command(
    "python -m benchmarks.stack",
    # `\b`: a list is no paragraph.
    help=f"{__doc__}\nIt serves until SIGTERM or SIGINT.".replace("\n\n-", "\n\n\b\n-"),
)
@click.argument("name", type=click.Choice(list(APPS)))
def main(name: str) -> None:
    trio.run(serve_until_signal, name)


if __name__ == "__main__":
    main()
