"""How long one client's request, however large and dense, keeps the others waiting.

A prober asks `/health` all the time, over one connection, while legal requests of 16 MiB are sent
one after another: bodies that are dense in one way or another, and what reads them back. The
longest time that a single answer took beside each of them is compared with the longest one while
nothing else was asked.
"""

import http.client
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from attrs import frozen

from benchmarks import servers, suite
from benchmarks.client import Address
from benchmarks.measure import Spread, Timer
from benchmarks.results import Results
from benchmarks.suite import Effort, Work

SIZE = 16 * 2**20
"""Bytes of a body, about: the limit, as it is without the option."""
API = "/api/v1"
PAUSE = 0.002
"""Seconds between an answer and the next question."""
IDLE = 3.0
"""Seconds for which nothing else is asked."""
PATIENCE = 100.0
"""Seconds for an answer: so many that only what hangs takes them."""

_HEAD, _TAIL = b'{"role":"user","content":', b"}"


@frozen
class Request:
    """A legal request that is hard to answer."""

    name: str
    path: str
    make: Callable[[int], bytes] | None = None
    """Its body, of about so many bytes; none: it is a GET."""


def _filled(begin: bytes, item: bytes, between: bytes, end: bytes, size: int) -> bytes:
    number = (size - len(begin) - len(end)) // len(item + between)
    return begin + between.join([item] * max(1, number)) + end


def list_of(item: bytes) -> Callable[[int], bytes]:
    """A message whose content is a list of such items."""
    return lambda size: _filled(_HEAD + b"[", item, b",", b"]" + _TAIL, size)


def text_of(part: bytes) -> Callable[[int], bytes]:
    """A message whose content is one text of such parts."""
    return lambda size: _filled(_HEAD + b'"', part, b"", b'"' + _TAIL, size)


def members(size: int) -> bytes:
    """A message with so many members of its own."""
    own = b",".join(b'"%x":0' % number for number in range(size // 11))
    return b'{"role":"user",' + own + b"}"


def record(size: int) -> bytes:
    """A call that puts one record."""
    return _filled(b'{"put":[{"key":"k","value":[', b'{"a":1}', b",", b"]}]}", size)


def messages(size: int) -> bytes:
    """A call of a thousand messages."""
    one = list_of(b"[]")(size // 1_000 - 1)
    return b'{"messages":[' + b",".join([one] * 1_000) + b"]}"


def entries(size: int) -> bytes:
    """A call of ten thousand entries."""
    body = list_of(b"0")(size // 10_000 - 40)
    one = b'{"kind":"message","body":' + body + b"}"
    return b'{"entries":[' + b",".join([one] * 10_000) + b"]}"


REQUESTS = (
    Request("5.6 million empty lists", "/sessions/lists/messages", list_of(b"[]")),
    Request("the same, read back as sent", "/sessions/lists/messages"),
    Request("the same, read back as a history", "/sessions/lists/history"),
    Request("2 million small objects", "/sessions/objects/messages", list_of(b'{"a":1}')),
    Request("8 million numbers", "/sessions/numbers/messages", list_of(b"0")),
    Request("lists, 100 deep", "/sessions/deep/messages", list_of(b"[" * 100 + b"]" * 100)),
    Request("an escaped text", "/sessions/escaped/messages", text_of(b"\\u00e9\\n")),
    Request("the same, read back as a history", "/sessions/escaped/history"),
    Request("1.5 million members", "/sessions/members/messages", members),
    Request("1,000 dense messages", "/sessions/many/messages", messages),
    Request("10,000 dense entries", "/sessions/many/log", entries),
    Request("a dense record", "/sessions/record/records", record),
    Request("the same, read back", "/sessions/record/records"),
    Request("a log with a dense message", "/sessions/lists/log"),
)


@frozen
class Prober:
    """Asks for `/health` over one connection, and for nothing else."""

    connection: socket.socket
    question: bytes

    def longest(self, goes_on: Callable[[], bool]) -> float:
        """Seconds that the slowest of the answers took."""
        found = 0.0
        while goes_on():
            timer = Timer()
            self.connection.sendall(self.question)
            answer = self.connection.recv(65536)
            found = max(found, timer.seconds)
            assert answer.startswith(b"HTTP/1.1 200"), answer
            time.sleep(PAUSE)
        return found


@contextmanager
def prober(service: Address) -> Iterator[Prober]:
    """One that asks this service."""
    with socket.create_connection((service.host, service.port), PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Prober(connection, service.get(f"{API}/health"))


def stalls(effort: Effort, results: Results) -> None:
    """Sends every request once a round, with the prober beside it."""
    size = effort.of(full=SIZE, quick=100_000)
    idle: list[float] = []
    beside: dict[Request, list[float]] = {request: [] for request in REQUESTS}
    for number in range(effort.rounds):
        folder = effort.folder / str(number)
        folder.mkdir()
        with servers.service(folder / "stalls.db") as service, prober(service) as asking:
            timer = Timer()
            seconds = effort.of(full=IDLE, quick=0.05)
            idle.append(asking.longest(partial(_is_before, timer, seconds)))
            for request, longest in _beside_each(service, asking, size):
                beside[request].append(longest)
    results.add("longest answer of /health", "nothing else", "s", idle)
    for request, values in beside.items():
        results.add("longest answer of /health", request.name, "s", values, note=request.path)
    worst = [max(values) for values in zip(*beside.values(), strict=True)]
    results.judge("stalls", Spread(high - low for high, low in zip(worst, idle, strict=True)))


def _beside_each(service: Address, asking: Prober, size: int) -> Iterator[tuple[Request, float]]:
    with ThreadPoolExecutor(1) as thread:
        for request in REQUESTS:
            body = None if request.make is None else request.make(size)
            answer: Future[int] = thread.submit(_send, service, request, body)
            yield request, asking.longest(partial(_is_awaited, answer))
            assert answer.result() in (200, 201), f"{request.name}: {answer.result()}"


def _is_before(timer: Timer, seconds: float) -> bool:
    return timer.seconds < seconds


def _is_awaited(answer: Future[int]) -> bool:
    return not answer.done()


def _send(service: Address, request: Request, body: bytes | None) -> int:
    """The status of the request's answer, once all of it is there."""
    connection = http.client.HTTPConnection(service.host, service.port, timeout=PATIENCE)
    try:
        connection.request(
            "GET" if body is None else "POST",
            API + request.path,
            body,
            {"Content-Type": "application/json"} if body else {},
        )
        answer = connection.getresponse()
        while answer.read(2**20):
            pass
        return answer.status
    finally:
        connection.close()


WORKS: tuple[Work, ...] = (stalls,)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out."""
    return suite.measured("stalls", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


main = suite.command("stalls", run, rounds=3, explanation=__doc__)

if __name__ == "__main__":
    main()
