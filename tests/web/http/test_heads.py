"""The head of an answer, letter for letter."""

import pytest

from web.http.heads import Heads


def heads(now: float = 0.0) -> Heads:
    return Heads(lambda: now)


def test_a_head_says_its_length_and_its_date() -> None:
    assert heads(784111777.9).render(200, (("Content-Type", "a/b"),), length=3, last=False) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\ncontent-length: 3\r\n"
        b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    )


def test_the_date_is_that_of_the_second() -> None:
    times = [10.0, 10.9, 11.0]
    clock = Heads(lambda: times.pop(0))
    dates = [clock.render(200, (), length=0, last=False)[-21:-8] for _ in range(3)]
    assert dates == [b"1970 00:00:10", b"1970 00:00:10", b"1970 00:00:11"]


def test_the_last_answer_says_so() -> None:
    assert b"\r\nconnection: close\r\n" in heads().render(200, (), length=0, last=True)


def test_an_answer_that_is_given_again_says_what_is_new() -> None:
    headers = (("Content-Type", "a/b"), ("ETag", '"1-a"'))
    one = heads()
    whole = one.render(200, headers, length=3, last=False)
    assert one.render(200, headers, length=3, last=False) == whole
    assert one.render(200, headers, length=4, last=False) == whole.replace(b": 3", b": 4")
    assert b'\r\nETag: "1-b"\r\n' in one.render(200, (("ETag", '"1-b"'),), length=3, last=False)
    assert b"Content-Type" not in one.render(304, headers, length=0, last=False)
    assert whole == one.render(200, headers, length=3, last=False)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\r\nB: c", "\n"])
def test_a_line_break_is_refused_each_time(text: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ValueError, match="line break"):
            heads().render(200, (("A", text),), length=0, last=False)


def test_what_is_the_servers_to_say_nobody_else_says() -> None:
    wrong = (
        ("Content-Length", "7"),
        ("Transfer-Encoding", "gzip"),
        ("connection", "keep-alive"),
        ("DATE", "today"),
    )
    assert heads().render(200, wrong, length=3, last=False) == heads().render(
        200, (), length=3, last=False
    )


def test_a_status_without_a_name_is_sent_as_it_is() -> None:
    assert heads().render(299, (), length=0, last=False).startswith(b"HTTP/1.1 299 \r\n")


@pytest.mark.parametrize("status", [99, 100, 199, 1000])
def test_what_is_no_final_status_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match="status"):
        heads().render(status, (), length=0, last=False)
