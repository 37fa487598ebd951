"""What one core can do: servers that send fixed bytes, and nothing else.

As `python -m benchmarks.bare NAME SIZE|FILE`, each with no more imports than it needs:

- `trio`     a task for each connection, and httptools; so many bytes
- `asgi`     an ASGI app on uvicorn, with uvloop and httptools, in the peers' environment; likewise
- `commits`  like `trio`, but each body is a row of this SQLite database, committed through a thread
"""

# mypy: disable-error-code="import-not-found, misc"

import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def serve_trio(body: bytes) -> None:
    """Until it is killed."""
    import httptools
    import trio

    answer = _HEAD % len(body) + body

    class Requests:
        complete = 0

        def on_message_complete(self) -> None:
            self.complete += 1

    async def serve(stream: trio.SocketStream) -> None:
        requests = Requests()
        parser = httptools.HttpRequestParser(requests)
        async with stream:
            while data := await stream.receive_some():
                parser.feed_data(data)
                if requests.complete:
                    await stream.send_all(answer * requests.complete)
                    requests.complete = 0

    _listen(serve)


def serve_commits(path: str) -> None:
    """Until it is killed."""
    import httptools
    import trio

    from benchmarks.baselines import Table, row

    answer = _HEAD % 2 + b"{}"

    class Requests:
        def __init__(self) -> None:
            self.pieces: list[bytes] = []
            self.body: bytes | None = None

        def on_body(self, piece: bytes) -> None:
            self.pieces.append(piece)

        def on_message_complete(self) -> None:
            self.body, self.pieces = b"".join(self.pieces), []

    with closing(Table.make(Path(path))) as table:
        seqs = count(1)

        async def serve(stream: trio.SocketStream) -> None:
            requests = Requests()
            parser = httptools.HttpRequestParser(requests)
            async with stream:
                while data := await stream.receive_some():
                    parser.feed_data(data)
                    if requests.body is not None:
                        made = row("s", next(seqs), requests.body.decode())
                        await trio.to_thread.run_sync(table.commit, made)
                        await stream.send_all(answer)
                        requests.body = None

        _listen(serve)


def _listen(serve: Callable[[Any], Awaitable[None]]) -> None:
    import trio

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            listening = partial(trio.serve_tcp, serve, 0, host="127.0.0.1")
            (listener,) = await nursery.start(listening)
            port = listener.socket.getsockname()[1]
            print(f"bare trio on http://127.0.0.1:{port}", flush=True)

    trio.run(main)


def serve_asgi(app: Any) -> None:
    """Until it is ended; on a free port, without an access log, as our service has none."""
    import uvicorn

    class Announced(uvicorn.Server):
        """Prints where it listens, as soon as it does."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            (listener,) = self.servers[0].sockets
            port = listener.getsockname()[1]
            print(f"uvicorn on http://127.0.0.1:{port}", flush=True)

    Announced(uvicorn.Config(app, port=0, access_log=False, log_level="warning")).run()


def fixed(body: bytes) -> Any:
    """An ASGI app that reads no body."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]

    async def app(scope: Any, _: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    return app


if __name__ == "__main__":
    _, name, size = sys.argv
    if name == "commits":
        serve_commits(size)
    elif name == "trio":
        serve_trio(b"z" * int(size))
    else:
        serve_asgi(fixed(b"z" * int(size)))
