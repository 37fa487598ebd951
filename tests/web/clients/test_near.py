"""Short calls over plain HTTP: any answer that the protocol allows, and connections that end."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue

import pytest

from tests.service import Service
from web.clients.core.call import Call, Reply
from web.clients.core.connection import TOGETHER
from web.clients.core.near import Near
from web.clients.core.place import Place
from web.clients.errors import InvalidCall, ServiceUnreachable

GET = Call(method="GET", path="/x")
END = b"\r\n\r\n"


class Other:
    """The other side: for each connection, the bytes that answer its requests, one by one."""

    def __init__(self, connections: Sequence[Sequence[bytes]]) -> None:
        self._script = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.heads: SimpleQueue[bytes] = SimpleQueue()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/base"
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Other":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        for answers in self._script:
            connection, _ = self._listener.accept()
            with connection:
                for answer in answers:
                    head = b""
                    while END not in head:
                        head += connection.recv(65536)
                    self.heads.put(head)
                    connection.sendall(answer)


@contextmanager
def near(*connections: Sequence[bytes]) -> Iterator[tuple[Near, Other]]:
    with Other(connections) as other:
        found = Near(Place(other.url))
        try:
            yield found, other
        finally:
            found.close()


@pytest.mark.parametrize(
    ("answer", "status", "content"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.1 200\r\ncontent-length:2\r\n\r\nhi", 200, b"hi"),
        (b"HTTP/1.1 204 No Content" + END, 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9" + END, 304, b""),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nhi\r\n0a;more=1\r\n, you know\r\n0\r\nX: 1\r\n\r\n",
            200,
            b"hi, you know",
        ),
        (
            b"HTTP/1.1 103 Early Hints" + END + b"HTTP/1.1 404 No\r\nContent-Length: 0" + END,
            404,
            b"",
        ),
    ],
    ids=["length", "no phrase", "204", "304", "to the end", "1.0", "chunks", "hints"],
)
def test_an_answer_is_read_to_its_end(answer: bytes, status: int, content: bytes) -> None:
    with near([answer]) as (found, _):
        reply = found.exchange(GET)
    assert (reply.status, reply.content) == (status, content)


def test_names_of_fields_are_in_lower_case_and_repeated_ones_are_joined() -> None:
    answer = b'HTTP/1.1 204 No\r\nETag: "1"\r\nVia: a\r\nvia:  b ' + END
    with near([answer]) as (found, _):
        assert found.exchange(GET).headers == {"etag": '"1"', "via": "a, b"}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi, you\r\n0" + END,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsome" + END,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1" + END,
        b"HTTP/2 200 OK" + END,
        b"SSH-2.0-OpenSSH" + END,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
    ids=["nothing", "short", "no end", "long", "no size", "negative", "version", "other", "head"],
)
def test_what_is_no_answer_is_a_service_that_broke_off(answer: bytes) -> None:
    with (
        near([answer]) as (found, _),
        pytest.raises(ServiceUnreachable, match="broke off") as error,
    ):
        found.exchange(GET)
    assert error.value.was_sent


def test_a_connection_is_used_again() -> None:
    answer = b"HTTP/1.1 204 No" + END
    with near([answer, answer]) as (found, _):
        assert [found.exchange(GET).status for _ in range(2)] == [204, 204]


@pytest.mark.parametrize("field", [b"", b"Connection: close\r\n"], ids=["unsaid", "said"])
def test_a_connection_that_was_closed_is_replaced_also_for_what_cannot_be_repeated(
    field: bytes,
) -> None:
    answer = b"HTTP/1.1 204 No\r\n" + field + b"\r\n"
    with near([answer], [answer]) as (found, other):
        found.exchange(GET)
        other.heads.get()
        call = Call(method="POST", path="/x")
        # The end of the connection has arrived when the other side takes the next one.
        while not (field or found._idle[0].is_stale()):
            pass
        assert found.exchange(call).status == 204


def test_a_request_says_what_it_has_to() -> None:
    call = Call(
        method="POST",
        path="/x%2F",
        query=(("a", "b c"),),
        headers=(("If-Match", "*"),),
        content=b"{}",
    )
    with near([b"HTTP/1.1 204 No" + END]) as (found, other):
        found.exchange(call)
        first, *fields = other.heads.get().removesuffix(b"{}").decode().split("\r\n")
    assert first == "POST /base/x%2F?a=b%20c HTTP/1.1"
    assert {"If-Match: *", "Content-Type: application/json", "Content-Length: 2"} <= set(fields)


def test_a_field_cannot_begin_another_request() -> None:
    found = Near(Place("http://127.0.0.1:1"))
    call = Call(method="GET", path="/x", headers=(("If-Match", "*\r\n\r\nDELETE / HTTP/1.1"),))
    with pytest.raises(InvalidCall, match="cannot stand in a request's head"):
        found.exchange(call)


def test_a_body_of_any_size_arrives_and_one_that_is_too_large_is_refused(
    service: Service,
) -> None:
    found = Near(Place(service.url))

    def post(size: int) -> Reply:
        body = b'{"role":"user","content":"%s"}' % (b"x" * size)
        return found.exchange(
            Call(method="POST", path="/api/v1/sessions/near/messages", content=body)
        )

    sizes = (1, TOGETHER + 1, 8_000_000, 40_000_000)
    assert [post(size).status for size in sizes] == [201, 201, 201, 413]
    found.close()


def test_threads_have_connections_of_their_own(service: Service) -> None:
    found = Near(Place(service.url))
    answers: SimpleQueue[int] = SimpleQueue()

    def ask() -> None:
        for _ in range(20):
            answers.put(found.exchange(Call(method="GET", path="/api/v1/health")).status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers.get() for _ in range(160)] == [200] * 160
    found.close()


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("http://127.0.0.1:8001", True),
        ("http://[::1]/base", True),
        ("https://example.org", False),
        ("http://me:secret@example.org", False),
    ],
)
def test_other_addresses_are_left_to_httpx(url: str, reached: bool) -> None:
    assert Near.reaches(Place(url)) is reached
