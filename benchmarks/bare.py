"""What one core can do: servers that send as many fixed bytes as one asks for, and nothing else.

As `python -m benchmarks.bare NAME SIZE`, each with no more imports than it needs:

- `trio`   a task for each connection, and httptools
- `asgi`   an ASGI app on uvicorn, with uvloop and httptools, in the peers' environment
"""

# mypy: disable-error-code="import-not-found, misc"

import sys
from functools import partial
from typing import Any


def serve_trio(body: bytes) -> None:
    """Until it is killed."""
    import httptools
    import trio

    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    answer = head % len(body) + body

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
    body = b"z" * int(size)
    if name == "trio":
        serve_trio(body)
    else:
        serve_asgi(fixed(body))
