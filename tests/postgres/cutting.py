"""A proxy in front of PostgreSQL that loses a connection at a chosen byte, or brings the rest late.

What it does is planned beforehand, and met by the first connection that comes so far. All others
pass, and so does all that comes later.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field
from psycopg.conninfo import conninfo_to_dict, make_conninfo

HOST = "127.0.0.1"
SYNC = b"S\x00\x00\x00\x04"
"""Behind a pipeline, or a statement with parameters, the client says this and waits."""
SIMPLE = b"Q"
"""A statement without parameters is a message by itself."""
HEAD = 5
"""Bytes: a message's kind, and its length."""

COMMIT = b"COMMIT\0"
"""The statement, wherever it stands in a message. `READ COMMITTED` is none."""

PATIENCE = 30.0
"""Seconds for what has to happen, so that a test fails and does not hang."""


@define(eq=False)
class Plan:
    """Where a connection is lost, and what is left of it."""

    at: int | bytes
    """So many bytes pass, or all that comes before these."""
    is_answer: bool
    """Whether the bytes are the database's; else the client's."""
    is_late: bool = False
    """Whether what does not pass is kept, and the database is told nothing: it may come later."""
    happened: threading.Event = field(factory=threading.Event)
    has_ended: threading.Event = field(factory=threading.Event)
    """Whether the database has hung up, too."""
    _passed: bytes = b""
    _held: bytes = b""
    _server: socket.socket | None = None

    def passes(self, data: bytes) -> int:
        """How many bytes of this pass; the connection is lost if that is not all of them."""
        before = len(self._passed)
        self._passed += data
        place = self.at if isinstance(self.at, int) else self._message_of(self.at)
        if place < 0 or place >= len(self._passed):
            return len(data)
        return max(place - before, 0)

    def _message_of(self, text: bytes) -> int:
        """Where it begins; a statement that is a message by itself does so with its head."""
        place = self._passed.find(text)
        head = place - HEAD
        return head if head >= 0 and self._passed[head : head + 1] == SIMPLE else place

    def keep(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        """Keeps all of what the client has to say at once, and hangs up on it."""
        self._held, self._server = data, server
        while SYNC not in self._held and not self._held.startswith(SIMPLE):
            self._held += client.recv(65_536)
        self.happened.set()
        _end(client)

    def bring(self) -> None:
        """Now the rest arrives. Returns when the database has answered, and hung up."""
        assert self.happened.wait(PATIENCE)
        assert self._server is not None
        with suppress(OSError):  # the database may have ended it
            self._server.sendall(self._held)
            self._server.shutdown(socket.SHUT_WR)
        assert self.has_ended.wait(PATIENCE)


@define(eq=False)
class Cutter:
    """The proxy."""

    _upstream: tuple[int, Any]
    _listener: socket.socket
    before_connecting: Callable[[], None] | None = None
    """Called for each new connection, which it may refuse with an `OSError`."""
    _plan: Plan | None = None
    _planning: threading.Lock = field(factory=threading.Lock)
    _open: list[socket.socket] = field(factory=list)

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator["Cutter"]:
        """In front of the server of this URL, which is a socket's or names host and port."""
        options = conninfo_to_dict(url)
        host, port = str(options["host"]), int(str(options.get("port", 5432)))
        if host.startswith("/"):
            upstream: tuple[int, Any] = (socket.AF_UNIX, str(Path(host, f".s.PGSQL.{port}")))
        else:
            upstream = (socket.AF_INET, (host, port))
        with socket.create_server((HOST, 0)) as listener:
            cutter = cls(upstream, listener)
            _in_thread(cutter._accept)
            try:
                yield cutter
            finally:
                _end(listener)  # `close` alone would not wake who accepts
                cutter.cut_all()

    def url(self, url: str) -> str:
        """The same database, reached through here; unencrypted, so that bytes are what they are."""
        options = {**conninfo_to_dict(url), "host": HOST, "port": self._listener.getsockname()[1]}
        return make_conninfo("", **options, sslmode="disable", gssencmode="disable")

    def lose(self, at: int | bytes) -> Plan:
        """The connection is lost when so much has come of the client."""
        return self._planned(Plan(at, is_answer=False))

    def lose_answer(self, at: int) -> Plan:
        """The connection is lost when so much has come of the database's answer."""
        return self._planned(Plan(at, is_answer=True))

    def delay(self, at: int | bytes) -> Plan:
        """The client loses the connection, and the rest of what it has sent may come later."""
        return self._planned(Plan(at, is_answer=False, is_late=True))

    def cut_all(self) -> None:
        """Every connection is lost."""
        for one in list(self._open):
            _end(one)

    def _planned(self, plan: Plan) -> Plan:
        with self._planning:
            self._plan = plan  # in the place of one that was never met
        return plan

    def _accept(self) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _in_thread(partial(self._serve, client))

    def _serve(self, client: socket.socket) -> None:
        family, address = self._upstream
        server = socket.socket(family)
        try:
            if self.before_connecting is not None:
                self.before_connecting()
            server.connect(address)
        except OSError:
            client.close()
            server.close()
            return
        self._open += [client, server]
        ended = threading.Event()
        answers = _in_thread(lambda: self._answer(server, client, ended))
        self._ask(client, server, ended)
        answers.join()
        for one in (client, server):
            self._open.remove(one)
            one.close()

    def _ask(self, client: socket.socket, server: socket.socket, ended: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65_536):
                plan, passing = self._look(data, is_answer=False)
                if data[:passing]:
                    server.sendall(data[:passing])
                if plan is not None and plan.is_late:
                    plan.has_ended = ended
                    plan.keep(client, server, data[passing:])
                    return
                if plan is not None:
                    _lose(plan, client, server)
                    return
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _answer(self, server: socket.socket, client: socket.socket, ended: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65_536):
                plan, passing = self._look(data, is_answer=True)
                with suppress(OSError):  # a client that is gone does not keep the server's answer
                    client.sendall(data[:passing])
                if plan is not None:
                    _lose(plan, client, server)
        ended.set()
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def _look(self, data: bytes, *, is_answer: bool) -> tuple[Plan | None, int]:
        """The plan if it is met in these bytes, and how many of them pass."""
        with self._planning:
            plan = self._plan
            if plan is None or plan.is_answer is not is_answer:
                return None, len(data)
            passing = plan.passes(data)
            if passing == len(data):
                return None, passing
            self._plan = None
            return plan, passing


def _lose(plan: Plan, client: socket.socket, server: socket.socket) -> None:
    plan.happened.set()  # before anybody can notice
    _end(client)
    _end(server)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
