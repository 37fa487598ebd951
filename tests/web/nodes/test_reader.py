"""An answer is read from bytes, however they are cut."""

import pytest

from web.nodes.reader import HEAD_SIZE, Broken, Reader

SHORT = b'HTTP/1.1 201 Created\r\nETag: "1"\r\ncontent-length: 5\r\n\r\nhello'
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n yo\r\n0\r\n\r\n"
NOTHING = b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n'
LAST = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def read(data: bytes, size: int = 1) -> tuple[Reader, bytes]:
    reader, body = Reader(), b""
    for start in range(0, len(data), size):
        reader.receive(data[start : start + size])
        body += reader.take()
    return reader, body


@pytest.mark.parametrize("size", [1, 7, 1_000])
@pytest.mark.parametrize(
    ("data", "status", "length", "body", "goes_on"),
    [
        (SHORT, 201, 5, b"hello", True),
        (CHUNKS, 200, None, b"hello yo", True),
        (NOTHING, 304, None, b"", True),
        (LAST, 200, 2, b"ok", False),
    ],
)
def test_an_answer(
    data: bytes, status: int, length: int | None, body: bytes, goes_on: bool, size: int
) -> None:
    reader, found = read(data, size)
    assert (reader.status, reader.length, found) == (status, length, body)
    assert (reader.is_complete, reader.goes_on) == (True, goes_on)


def test_its_fields_are_as_they_were_sent() -> None:
    reader, _ = read(SHORT)
    assert reader.fields == [("ETag", '"1"'), ("content-length", "5")]


def test_half_an_answer_is_not_complete() -> None:
    reader, body = read(SHORT[:-1])
    assert (reader.has_head, reader.is_complete, body) == (True, False, b"hell")


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n..",
        SHORT + SHORT,
        SHORT + b"x",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_SIZE,
    ],
    ids=["another protocol", "continue", "switching", "two", "more", "no chunk", "endless"],
)
def test_what_our_servers_do_not_send_is_no_answer(data: bytes) -> None:
    with pytest.raises(Broken):
        read(data, 4_096)
