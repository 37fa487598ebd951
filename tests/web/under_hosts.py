"""The service under each of its hosts: the same calls, and the same answers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import trio
from quart import Response
from quart_trio import QuartTrio

from runtime import Runtime
from tests.web.hosts.hosting import open_host
from tests.web.serving import Client, open_server
from web import Guard, create_app, create_blueprint

Ask = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Response]]
"""Method, path as it is sent, headers, body."""

Host = Callable[[Runtime, Guard | None], AbstractAsyncContextManager[Ask]]


def asking(app: QuartTrio) -> Ask:
    """Asks an app without a server."""

    async def ask(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        client: Any = app.test_client()
        answer = await client.open(
            path,
            method=method,
            headers=dict(headers),
            data=body,
            # The test client tells only the decoded path, as no server does.
            scope_base={"raw_path": path.partition("?")[0].encode()},
        )
        assert isinstance(answer, Response)
        return answer

    return ask


@asynccontextmanager
async def app(runtime: Runtime, rules: Guard | None) -> AsyncIterator[Ask]:
    """The Quart app at its ASGI entry."""
    yield asking(create_app(runtime, rules=rules))


@asynccontextmanager
async def mounted(runtime: Runtime, rules: Guard | None) -> AsyncIterator[Ask]:
    """The blueprint in a larger app."""
    larger = QuartTrio("larger")
    larger.config["MAX_CONTENT_LENGTH"] = None
    larger.register_blueprint(create_blueprint(runtime, rules=Guard() if rules is None else rules))
    yield asking(larger)


@asynccontextmanager
async def server(runtime: Runtime, rules: Guard | None) -> AsyncIterator[Ask]:
    """Over a socket."""
    async with open_server(create_app(runtime, rules=rules)) as served:
        yield over(partial(trio.open_tcp_stream, "127.0.0.1", served.port))


def over(connect: Callable[[], Awaitable[trio.SocketStream]]) -> Ask:
    """Asks a server, each time over a connection of its own."""

    async def ask(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        async with Client(await connect()) as client:
            lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
            if body:
                lines.append(f"Content-Length: {len(body)}\r\n")
            head = f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n"
            await client.send(head.encode() + body)
            answer = await client.answer(method)
        return Response(answer.body, answer.status, answer.headers)

    return ask


@asynccontextmanager
async def hypercorn(runtime: Runtime, rules: Guard | None) -> AsyncIterator[Ask]:
    """On Hypercorn, over a socket."""
    async with open_host(create_app(runtime, rules=rules)) as hosted:
        yield over(partial(trio.open_tcp_stream, "127.0.0.1", hosted.port))


ALONE: dict[str, Host] = {"app": app, "server": server, "hypercorn": hypercorn}
"""Those where the service has all paths for itself."""

ALL: dict[str, Host] = {**ALONE, "mounted": mounted}
