"""Stands between one node and the database, sees each transaction, and hurts them on demand.

A node keeps the address of its gate, whatever is behind it: a primary, a pooler, another primary. A
*tap* is put into a gate to meet the node's next transactions: each message goes through it, and it
says what is passed on in its place.
"""

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic, sleep
from typing import Protocol

from attrs import define, field

from tests.faults.cluster.storage.wire import FENCE, NO, Framer, Message, asks_for_encryption

HOST = "127.0.0.1"
Address = tuple[str, int]
PIECE = 65_536


@define(eq=False)
class Link:
    """One connection of the node's, and the one to the database that belongs to it."""

    client: socket.socket
    server: socket.socket
    gate: "Gate"
    is_batch: bool = False
    """Whether the transaction that is open has written entries."""
    has_written: bool = False
    """Whether there was such a transaction: this is the node's connection that commits."""
    is_kept: bool = False
    """Whether the database's side stays when the node's is lost."""
    _sending: threading.Lock = field(factory=threading.Lock)

    def to_server(self, *data: bytes) -> None:
        """Passes this on. Raises `OSError`."""
        self.gate.flowing.wait()
        with self._sending:  # a tap passes on later, from a thread of its own, what it has held
            self.server.sendall(b"".join(data))

    def to_client(self, *data: bytes) -> None:
        self.gate.flowing.wait()
        self.client.sendall(b"".join(data))

    def cut(self) -> None:
        """Both sides see a connection that is lost."""
        self.cut_client()
        _end(self.server)

    def cut_client(self) -> None:
        """The node sees that it is lost, the database does not."""
        _end(self.client)

    def sent(self, message: Message) -> None:
        """Keeps in mind what the node says."""
        if message.begins:
            self.is_batch = False
        elif message.writes:
            self.is_batch = self.has_written = True

    def said(self, message: Message) -> None:
        """Keeps in mind what the database answers."""
        if message.tag == "COMMIT" and self.is_batch:
            self.gate.commits.append(monotonic())
        if message.tag in {"COMMIT", "ROLLBACK"}:
            self.is_batch = False
        if message.sqlstate == FENCE:
            self.gate.refusals.append(monotonic())


class Tap(Protocol):
    """What meets the messages of a gate. It is called by one thread at a time.

    Each piece is passed on before the next one is asked for.
    """

    def sent(self, link: Link, message: Message) -> Iterator[bytes]:
        """What the database gets in the place of what the node says."""

    def said(self, link: Link, message: Message) -> Iterator[bytes]:
        """What the node gets in the place of what the database answers."""


@define(eq=False)
class Gate:
    """Where one node reaches the database."""

    upstream: Address
    tap: Tap | None = None
    delay: float = 0.0
    """Seconds by which everything is late, in both directions."""
    commits: list[float] = field(factory=list)
    """When the database said that a transaction with entries is committed, in `monotonic` time."""
    refusals: list[float] = field(factory=list)
    """When it refused the node at its fence."""
    is_closed: bool = False
    """Whether nobody is let in."""
    _links: set[Link] = field(factory=set)
    _listener: socket.socket = field(factory=lambda: socket.create_server((HOST, 0), backlog=64))
    _tapping: threading.RLock = field(factory=threading.RLock)
    flowing: threading.Event = field(factory=threading.Event)

    @classmethod
    @contextmanager
    def opened(cls, upstream: Address) -> Iterator["Gate"]:
        gate = cls(upstream)
        gate.flowing.set()
        _in_thread(gate._accept)
        try:
            yield gate
        finally:
            gate.is_closed = True
            _end(gate._listener)  # only that wakes who accepts
            gate._listener.close()
            gate.flowing.set()
            gate.cut()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @contextmanager
    def tapped(self, tap: Tap) -> Iterator[None]:
        """All messages meet this one while the block runs."""
        with self._tapping:
            assert self.tap is None, "one at a time"
            self.tap = tap
        try:
            yield
        finally:
            with self._tapping:
                self.tap = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """While the block runs nothing gets through, and no connection is lost."""
        self.flowing.clear()
        try:
            yield
        finally:
            self.flowing.set()

    def cut(self) -> None:
        """All connections are lost. New ones go to what is `upstream` by then."""
        for link in list(self._links):
            link.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # until the listener is closed
            while True:
                client, _ = self._listener.accept()
                _in_thread(partial(self._serve, client))

    def _serve(self, client: socket.socket) -> None:
        with client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.is_closed:
                _end(client)
                return
            try:
                server = socket.create_connection(self.upstream, timeout=5)
            except OSError:
                _end(client)
                return
            with server:
                server.settimeout(None)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                link = Link(client, server, self)
                self._links.add(link)
                try:
                    answers = _in_thread(lambda: self._pump(link, is_forward=False))
                    self._pump(link, is_forward=True)
                    answers.join()
                finally:
                    self._links.discard(link)

    def _pump(self, link: Link, *, is_forward: bool) -> None:
        """Passes on what one side says until that ends, and then tells the other so."""
        source, target = (link.client, link.server) if is_forward else (link.server, link.client)
        meet = self._forward if is_forward else self._back
        framer = Framer(is_started=not is_forward)
        with suppress(OSError):
            while data := source.recv(PIECE):
                if self.delay:
                    sleep(self.delay)
                meet(link, list(framer.feed(data)))
        if not (is_forward and link.is_kept):
            with suppress(OSError):
                target.shutdown(socket.SHUT_WR)

    def _forward(self, link: Link, messages: Sequence[Message]) -> None:
        if messages and asks_for_encryption(messages[0]):
            link.to_client(NO)  # and only then the client says more
            return
        with self._tapping:
            if self.tap is not None:
                for message in messages:
                    link.sent(message)
                    for piece in self.tap.sent(link, message):
                        link.to_server(piece)
                return
            for message in messages:
                link.sent(message)
        link.to_server(*(message.raw for message in messages))

    def _back(self, link: Link, messages: Sequence[Message]) -> None:
        """A node that is gone does not keep the database's answer from being seen here.

        It is seen when it comes, also while nothing gets through.
        """
        with self._tapping:
            if self.tap is not None:
                for message in messages:
                    for piece in self.tap.said(link, message):
                        with suppress(OSError):
                            link.to_client(piece)
                    link.said(message)
                return
            for message in messages:
                link.said(message)
        with suppress(OSError):
            link.to_client(*(message.raw for message in messages))


def _end(side: socket.socket) -> None:
    """Ends a connection in both directions; whoever waits in it returns.

    No `close`: that would not wake them, and the number could be somebody else's by then.
    """
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread
