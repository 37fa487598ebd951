"""Crowds of clients, each meant to run in a process of its own, so that only the service is shared.

A crowd of connections says "ready" when all are there, and stays until it is told to go.
"""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from time import sleep
from urllib.parse import urlsplit

from tests.faults.raw import connect, head, listen, say

JSON = "Content-Type: application/json"
WRITE = "/api/v1/sessions/slow/messages"
PIECE = b" " * 65_536

Crowd = Callable[[str, int], list[socket.socket]]


def stay(crowd: str, url: str, size: int, control: Connection) -> None:
    """Opens one of the crowds below, and keeps it until told to go."""
    with ExitStack() as open_ones:
        streams = [open_ones.enter_context(stream) for stream in CROWDS[crowd](url, size)]
        control.send(len(streams))
        control.recv()


def idle(url: str, size: int) -> list[socket.socket]:
    """Connections on which nothing is ever sent."""
    streams = []
    for number in range(size):
        _arrive(number)
        streams.append(connect(url))
    return streams


def slow_heads(url: str, size: int) -> list[socket.socket]:
    """Half a head each."""
    return _having_sent(url, size, b"GET /health HTTP/1.1\r\nHost: local")


def slow_bodies(url: str, size: int) -> list[socket.socket]:
    """A head, and one byte of a body of 1 MB."""
    announced = head("POST", WRITE, JSON, "Content-Length: 1000000")
    return _having_sent(url, size, announced + b"{")


def slow_readers(url: str, size: int) -> list[socket.socket]:
    """Who ask for a long history, and read nothing of it."""
    return _having_sent(url, size, head("GET", "/api/v1/sessions/long/history"), small=True)


CROWDS: dict[str, Crowd] = {
    crowd.__name__: crowd for crowd in (idle, slow_heads, slow_bodies, slow_readers)
}


def _having_sent(url: str, size: int, packet: bytes, *, small: bool = False) -> list[socket.socket]:
    address = urlsplit(url)
    streams = []
    for number in range(size):
        _arrive(number)
        stream = socket.socket()
        if small:  # the kernel is to take little of the answer on the client's behalf
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        stream.settimeout(20)
        stream.connect((address.hostname, address.port))
        say(stream, packet, end=False)
        streams.append(stream)
    return streams


def _arrive(number: int) -> None:
    """A thousand a second, at the most: a crowd, not a single burst."""
    if number % 50 == 49:
        sleep(0.05)


def create_sessions(url: str, clients: int, each: int) -> list[int]:
    """Creates sessions, each once; returns the statuses."""

    def work(number: int, connection: HTTPConnection, statuses: list[int]) -> None:
        for turn in range(each):
            body = {"session_id": f"created-{number}-{turn}"}
            status, _ = _post(connection, "/api/v1/sessions", body)
            statuses.append(status)

    return _together(url, clients, work)


def append(url: str, clients: int, each: int) -> list[int]:
    """Appends to one session; a 429 is tried again. Returns the final statuses."""

    def work(number: int, connection: HTTPConnection, statuses: list[int]) -> None:
        for turn in range(each):
            body = {"role": "user", "content": "x", "id": f"{number}.{turn}"}
            status, _ = _post(connection, "/api/v1/sessions/one/messages", body)
            while status == 429:
                sleep(0.05)
                status, _ = _post(connection, "/api/v1/sessions/one/messages", body)
            statuses.append(status)

    return _together(url, clients, work)


def send_without_end(url: str, clients: int, most: int) -> list[tuple[int, int]]:
    """Bodies in chunks that never end; returns each one's status, and bytes sent until refused."""
    packet = head("POST", WRITE, JSON, "Transfer-Encoding: chunked")
    chunk = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
    results = []

    def work() -> None:
        with closing(connect(url)) as stream:
            sent = 0
            with suppress(OSError):
                stream.sendall(packet)
                stream.settimeout(5)
                while sent < most:
                    stream.sendall(chunk)
                    sent += len(PIECE)
            results.append((listen(stream, to_the_end=False).final, sent))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _together(
    url: str, clients: int, work: Callable[[int, HTTPConnection, list[int]], None]
) -> list[int]:
    address = urlsplit(url)
    statuses: list[int] = []

    def begin(number: int) -> None:
        connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
        with closing(connection):
            work(number, connection, statuses)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def _post(connection: HTTPConnection, path: str, body: dict[str, str]) -> tuple[int, bytes]:
    connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()
