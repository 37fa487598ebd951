"""What makes a request one of another node, and what of a client's request that node gets."""

import pytest

from runtime import InvalidInput, NotHere
from tests.web.requests import request
from web.call.problems import Refused
from web.http.message import Headers
from web.nodes.hop import Hop, head_of, hop_of, missing_in, not_here, passed_back

TOKEN = "0123456789abcdef"  # noqa: S105


def hop(*headers: tuple[str, str]) -> Hop | None:
    return hop_of(request("GET", "/api/v1/sessions/s", *headers), TOKEN)


def passed_on(*headers: tuple[str, str], target: str = "/x", method: str = "GET") -> list[str]:
    """The lines of the head that a node is sent."""
    head = head_of(request(method, target, *headers), "10.0.0.2:8001", TOKEN, "a/b *", None)
    assert head.endswith(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n")[:-2]


def test_without_the_fields_it_is_a_clients() -> None:
    assert hop(("Host", "localhost")) is None


@pytest.mark.parametrize("session_id", ["s", "a/b", "*", "ü %2F", "a b"])
def test_what_a_node_says_of_a_session_is_what_the_next_one_reads(session_id: str) -> None:
    head = head_of(request("GET", "/x"), "b:1", TOKEN, session_id, None).decode()
    fields = [line.split(": ", 1) for line in head.split("\r\n")[1:-2]]
    assert hop(*((name, value) for name, value in fields)) == Hop(session_id)


def test_a_node_may_be_asked_for_itself() -> None:
    head = head_of(request("GET", "/x"), "b:1", TOKEN, None, None)
    assert b"agent-runtime-for: *\r\n" in head
    assert hop(("Agent-Runtime-Node", TOKEN), ("Agent-Runtime-For", "*")) == Hop(None)


@pytest.mark.parametrize(
    "headers",
    [
        [("Agent-Runtime-For", "s")],
        [("Agent-Runtime-For", "s"), ("Agent-Runtime-Node", "wrong")],
        [("Agent-Runtime-For", "s"), ("Agent-Runtime-Node", "")],
        [("Agent-Runtime-For", "s"), ("Agent-Runtime-Node", "\xff")],
        [("Agent-Runtime-For", "s"), *[("Agent-Runtime-Node", TOKEN)] * 2],
        [("Agent-Runtime-Node", "wrong")],
    ],
)
def test_without_the_token_it_is_forbidden(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(Refused) as refused:
        hop(*headers)
    assert refused.value.status == 403


@pytest.mark.parametrize("about", [[], ["s", "t"]])
def test_it_is_about_one_thing(about: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        hop(("Agent-Runtime-Node", TOKEN), *(("Agent-Runtime-For", one) for one in about))
    assert refused.value.status == 400


def test_a_session_that_is_no_text_is_none() -> None:
    with pytest.raises(InvalidInput):
        hop(("Agent-Runtime-Node", TOKEN), ("Agent-Runtime-For", "%ff"))


def test_what_a_client_asks_for_is_passed_on() -> None:
    asked = [
        ("if-match", '"1-00"'),
        ("prefer", "respond-async"),
        ("turn", "12"),
        ("last-event-id", "5"),
        ("accept", "text/event-stream"),
        ("content-type", "application/json"),
        ("traceparent", "00-1"),
        ("x-two", "one"),
        ("x-two", "two"),
    ]
    lines = passed_on(*asked)
    assert lines[-len(asked) :] == [f"{name}: {value}" for name, value in asked]


def test_the_target_is_passed_on_as_it_was_sent() -> None:
    line, *_ = passed_on(target="/api/v1/sessions/a%2fb%20c?q=%20&q=+")
    assert line == "GET /api/v1/sessions/a%2fb%20c?q=%20&q=+ HTTP/1.1"


def test_head_is_asked_for_with_get_whose_answer_has_the_length() -> None:
    line, *_ = passed_on(method="HEAD")
    assert line == "GET /x HTTP/1.1"


@pytest.mark.parametrize(
    "name",
    ["authorization", "x-internal-auth", "cookie", "origin", "sec-fetch-site", "te", "expect"],
)
def test_a_clients_secrets_and_what_holds_for_its_connection_stay_here(name: str) -> None:
    assert passed_on((name, "x")) == passed_on()


def test_what_a_client_says_is_only_for_this_connection_stays_here() -> None:
    assert passed_on(("connection", "X-Mine, close"), ("x-mine", "1")) == passed_on()


def test_a_client_cannot_say_where_its_request_goes() -> None:
    lines = passed_on(("host", "evil"), ("content-length", "9"), ("transfer-encoding", "chunked"))
    assert lines == passed_on()
    assert lines[1:] == [
        "host: 10.0.0.2:8001",
        f"agent-runtime-node: {TOKEN}",
        "agent-runtime-for: a%2Fb%20%2A",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("x", "a\r\nb: c"), ("x", "a\nb: c"), ("x", "\0"), ("x: y", "z"), ("", "z"), ("x\r\n", "z")],
)
def test_a_field_that_could_become_another_one_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        passed_on((name, value))
    assert refused.value.status == 400


@pytest.mark.parametrize("target", ["/a b", "/a\r\nx: y", "/\xe4", "/a#b"])
def test_a_target_that_our_own_server_would_not_take_is_refused(target: str) -> None:
    with pytest.raises(Refused) as refused:
        passed_on(target=target)
    assert refused.value.status == 400


def test_a_node_that_has_not_got_the_session_says_which_one() -> None:
    answer = not_here(NotHere("a/b", "10.0.0.3:8001"))
    assert missing_in(answer.status, Headers(answer.headers)) == "a/b"
    assert missing_in(421, Headers()) is None
    assert missing_in(200, Headers(answer.headers)) is None


def test_what_a_server_says_for_itself_is_not_passed_back() -> None:
    fields = [("ETag", '"1"'), ("content-length", "5"), ("date", "x"), ("connection", "close")]
    assert passed_back(fields) == (("ETag", '"1"'),)
