"""The test's own web site: it serves a page, and is told what that sees."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from attrs import define, field

HTML = "<!doctype html><title>A page of somebody else</title><script src='/page.js'></script>"


@define
class Site:
    """One page on a port of its own, so of an origin that is not the service's."""

    origin: str
    settings: dict[str, str]
    """What the page asks for at its start."""
    told: "Queue[Any]" = field(factory=Queue)

    def next(self) -> Any:
        """What the page tells next; waits for it."""
        return self.told.get()

    def entries_until(self, key: str) -> list[Any]:
        """The entries that the page sees, up to the message of this key; waits for them."""
        seen = []
        while True:
            told = self.next()
            if "id" in told:
                seen.append(told)
                if told["data"].get("key") == key:
                    return seen

    def until(self, what: str) -> Any:
        """Waits until the page tells of this, and leaves out all else."""
        while (told := self.next())["what"] != what:
            pass
        return told


@contextmanager
def serving(script: str, settings: Mapping[str, str]) -> Iterator[Site]:
    """The page whose script is the file of this name."""
    source = (Path(__file__).with_name(script)).read_bytes()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/":
                    self._answer("text/html", HTML.encode())
                case "/page.js":
                    self._answer("text/javascript", source)
                case "/settings":
                    self._answer("application/json", json.dumps(site.settings).encode())
                case _:
                    self.send_error(404)

        def do_POST(self) -> None:
            site.told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer("application/json", b"{}")

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """What a page asks for is nobody's news."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    site = Site(f"http://127.0.0.1:{server.server_port}", dict(settings))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
