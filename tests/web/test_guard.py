import json
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.requests import request
from web.access.rules import Guard, is_same_origin, parse_host

TOKEN = "0123456789abcdef"  # noqa: S105
EVIL = "http://evil.example"
IDE = "vscode-webview://1a2b3c"
JSON = {"Content-Type": "application/json"}


def check(
    guard: Guard | None = None,
    *lines: tuple[str, str],
    method: str = "GET",
    path: str = "/api/v1/sessions",
    host: str = "localhost:8001",
    **headers: str,
) -> int | None:
    """The status of the refusal, None if the request comes in."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = (guard or Guard()).check(request(method, path, ("Host", host), *given.items(), *lines))
    return None if answer is None or answer.status == 204 else answer.status


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8001",
        "127.0.0.1",
        "127.0.0.1:1",
        "10.0.2.2:8001",
        "192.168.1.20:65535",
        "[::1]",
        "[::1]:8001",
        "[2001:DB8::1]:80",
        "[::ffff:127.0.0.1]:8001",
        "agents.internal",
        "AGENTS.internal:8001",
    ],
)
def test_a_host_that_nobody_can_rebind_comes_in(host: str) -> None:
    assert check(Guard(hosts=frozenset({"Agents.Internal"})), host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8001",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "localhost.",
        "127.0.0.1.",
        "xlocalhost",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1::2]",
        "[127.0.0.1]",
    ],
)
def test_a_host_that_could_be_rebound_is_misdirected(host: str) -> None:
    assert check(host=host) == 421


@pytest.mark.parametrize(
    "host",
    [
        "",
        "user@localhost",
        "localhost@evil.example",
        "evil.example#localhost",
        "http://localhost",
        "localhost/",
        "localhost:",
        "localhost:x",
        "localhost:99999",
        "localhost:\uff18\uff10",
        "localhost localhost",
        "localhost,evil.example",
        "::1",
        "[::1",
        "[fe80::1%eth0]",
        "локалхост",
    ],
)
def test_a_host_that_is_not_one_is_refused(host: str) -> None:
    assert check(host=host) == 400


def test_a_line_break_is_no_part_of_a_host() -> None:
    assert parse_host("localhost\n") is None


def test_a_host_must_be_there_exactly_once() -> None:
    assert check(None, ("Host", "localhost:8001")) == 400
    refusal = Guard().check(request("GET", "/"))
    assert refusal is not None
    assert refusal.status == 400


@given(st.ip_addresses(), st.none() | st.integers(0, 65535))
def test_every_ip_literal_comes_in(address: IPv4Address | IPv6Address, port: int | None) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    assert check(host=host if port is None else f"{host}:{port}") is None


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9.:\[\]@%-]{0,40}", fullmatch=True))
def test_whatever_a_host_says_it_is_judged_and_never_fails(host: str) -> None:
    status = check(host=host.replace("\r", "").replace("\n", ""))
    assert status in {None, 400, 421}


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_an_origin_says_it_is_judged_and_never_fails(origin: str, host: str) -> None:
    assert is_same_origin(origin, host) in {True, False}


@given(st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True))
def test_a_page_is_of_its_own_origin_and_of_no_other(name: str) -> None:
    assert parse_host(f"{name}:8001") == (name, 8001)
    assert is_same_origin(f"http://{name}:8001", f"{name}:8001")
    assert is_same_origin(f"http://{name}", f"{name}:80")
    assert not is_same_origin(f"http://{name}", f"{name}:8001")
    assert not is_same_origin(f"http://{name}:8001", f"x{name}:8001")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:8001", None),
        ("HTTP://LOCALHOST:8001", None),
        ("https://localhost:8001", None),
        ("http://localhost", 403),
        ("http://localhost:8002", 403),
        ("http://127.0.0.1:8001", 403),
        ("ftp://localhost:8001", 403),
        ("localhost:8001", 403),
        ("null", 403),
        ("", 403),
        (EVIL, 403),
        ("http://localhost:8001.evil.example", 403),
        ("http://localhost:8001@evil.example", 403),
        ("http://evil.example/?http://localhost:8001", 403),
        ("http://localhost:8001 http://evil.example", 403),
        (IDE, 403),
    ],
)
def test_only_the_services_own_pages_come_in_unasked(origin: str, status: int | None) -> None:
    assert check(Origin=origin) == status


def test_two_origins_are_refused() -> None:
    own = ("Origin", "http://localhost:8001")
    assert check(None, own, own) == 403


def test_a_configured_origin_comes_in_and_no_other() -> None:
    guard = Guard(origins=frozenset({IDE, "http://localhost:3000"}))
    assert check(guard, Origin=IDE) is None
    assert check(guard, Origin="http://localhost:3000") is None
    assert check(guard, Origin="null") == 403
    assert check(guard, Origin=IDE + "x") == 403


def test_null_comes_in_only_when_configured() -> None:
    assert check(Guard(origins=frozenset({"null"})), Origin="null") is None


@pytest.mark.parametrize(
    "origin", ["*", "http://*.example", "example", "http://a/b", "http://a,http://b", "http://u@a"]
)
def test_a_setting_that_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        Guard(origins=frozenset({origin}))


@pytest.mark.parametrize("host", ["http://a", "a:80", "a/b", "*"])
def test_a_setting_that_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        Guard(hosts=frozenset({host}))


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], 401),
        ([("Authorization", f"Bearer {TOKEN}")], None),
        ([("authorization", f"bearer   {TOKEN} ")], None),
        ([("X-Internal-Auth", TOKEN)], None),
        ([("Authorization", "Basic eDp5"), ("X-Internal-Auth", TOKEN)], None),
        ([("Authorization", TOKEN)], 401),
        ([("Authorization", f"Basic {TOKEN}")], 401),
        ([("Authorization", "Bearer")], 401),
        ([("Authorization", "Bearer ")], 401),
        ([("Authorization", f"Bearer {TOKEN}x")], 401),
        ([("Authorization", f"Bearer {TOKEN[:-1]}")], 401),
        ([("Authorization", f"Bearer {TOKEN.upper()}")], 401),
        ([("X-Internal-Auth", "ключ\udcff")], 401),
    ],
)
def test_a_configured_token_must_be_shown(lines: list[tuple[str, str]], status: int | None) -> None:
    assert check(Guard(token=TOKEN), *lines) == status


def test_a_token_in_the_path_opens_nothing() -> None:
    assert check(Guard(token=TOKEN), path=f"/api/v1/sessions?token={TOKEN}") == 401


def test_health_needs_no_token_but_everything_around_it_does() -> None:
    guard = Guard(token=TOKEN)
    assert check(guard, path="/health") is None
    assert check(guard, path="/api/v1/health") is None
    assert check(guard, path="/metrics") == 401
    assert check(guard, path="/health/") == 401
    assert check(guard, path="/healthy") == 401


def test_health_is_as_closed_to_strangers_as_everything() -> None:
    assert check(Guard(token=TOKEN), path="/health", host="evil.example") == 421
    assert check(Guard(token=TOKEN), path="/health", Origin=EVIL) == 403


def test_a_guard_does_not_show_its_token() -> None:
    assert TOKEN not in repr(Guard(token=TOKEN))


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", None),
        ("Application/JSON", None),
        ("application/json; charset=utf-8", None),
        ('application/json;charset="UTF-8"', None),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/merge-patch+json", None),
        ("application/vnd.example.v1+json; charset=UTF-8", None),
        ("application/json; charset=utf-16", 415),
        ("application/jsonp", 415),
        ("+json", 415),
        ("application/+json", 415),
        ("text/plain, application/json", 415),
        ("", 415),
    ],
)
@pytest.mark.parametrize("length", ["0", "5"])
def test_a_write_is_json_or_nothing(content_type: str, length: str, status: int | None) -> None:
    assert check(method="POST", Content_Type=content_type, Content_Length=length) == status


def test_a_body_without_a_type_is_refused_and_no_body_needs_none() -> None:
    assert check(method="POST", Content_Length="5") == 415
    assert check(method="POST", Transfer_Encoding="chunked") == 415
    assert check(method="DELETE", Content_Length="5") == 415
    assert check(method="POST", Content_Length="0") is None
    assert check(method="POST") is None
    assert check(method="GET", Content_Type="text/plain") is None


def test_two_types_and_an_encoded_body_are_refused() -> None:
    assert check(None, *JSON.items(), *JSON.items(), method="POST", Content_Length="5") == 415
    assert (
        check(None, *JSON.items(), method="POST", Content_Length="5", Content_Encoding="gzip")
        == 415
    )


@pytest.mark.parametrize(("length", "status"), [("10", None), ("11", 413), ("9" * 20, 413)])
def test_a_body_announced_over_the_limit_is_refused(length: str, status: int | None) -> None:
    guard = Guard(body_limit=10)
    assert check(guard, *JSON.items(), method="POST", Content_Length=length) == status


@pytest.mark.parametrize("length", ["-1", "+1", "1e3", "x", "", "\u0661", "1_0", "9" * 21])
def test_a_length_that_is_not_one_is_refused(length: str) -> None:
    assert check(None, *JSON.items(), method="POST", Content_Length=length) == 400


def test_an_ambiguous_length_is_refused() -> None:
    length = ("Content-Length", "5")
    assert check(None, length, length, *JSON.items(), method="POST") == 400
    assert check(None, length, ("Transfer-Encoding", "chunked"), *JSON.items()) == 400


def test_a_preflight_of_a_configured_origin_needs_no_token() -> None:
    guard = Guard(token=TOKEN, origins=frozenset({IDE}))
    asks = ("Access-Control-Request-Method", "POST")
    assert check(guard, asks, method="OPTIONS", Origin=IDE) is None
    assert check(guard, asks, method="GET", Origin=IDE) == 401
    assert check(guard, method="OPTIONS", Origin=IDE) == 401
    assert check(guard, asks, method="OPTIONS", Origin=EVIL) == 403


def test_a_refusal_says_what_would_be_right() -> None:
    refusal = Guard().check(request("GET", "/", ("Host", "evil.example")))
    assert refusal is not None
    assert isinstance(refusal.body, bytes)
    assert json.loads(refusal.body)["detail"].endswith(".")
