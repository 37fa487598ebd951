from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.access.heads import judge, status
from web import Guard
from web.access.hosts import parse_host

LABELS = st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True)
BELOW_LOCALHOST = Guard(hosts=frozenset({"*.localhost"}))


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
    assert status(Guard(hosts=frozenset({"Agents.Internal"})), host=host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8001",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "evil.localhost",
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
    judged = judge(None, host=host)
    assert judged.status == 421
    assert "--allow-host" in judged.detail


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
        "*.localhost",
        "::1",
        "[::1",
        "[fe80::1%eth0]",
        "локалхост",
        "a." * 127 + "localhost",
    ],
)
def test_a_host_that_is_not_one_is_refused(host: str) -> None:
    assert status(BELOW_LOCALHOST, host=host) == 400


def test_a_line_break_is_no_part_of_a_host() -> None:
    assert parse_host("localhost\n") is None


def test_a_host_must_be_there_exactly_once() -> None:
    assert status(None, ("Host", "localhost:8001")) == 400
    assert status(None, host=None) == 400


@pytest.mark.parametrize("path", ["/health", "/api/v1/health"])
def test_the_health_is_told_to_who_says_no_host(path: str) -> None:
    assert status(None, host=None, path=path) is None
    assert status(None, ("Host", "localhost"), path=path) == 400
    assert status(None, host="evil.example", path=path) == 421


@given(st.ip_addresses(), st.none() | st.integers(0, 65535))
def test_every_ip_literal_comes_in(address: IPv4Address | IPv6Address, port: int | None) -> None:
    host = f"[{address}]" if address.version == 6 else str(address)
    assert status(None, host=host if port is None else f"{host}:{port}") is None


@given(st.text(max_size=40) | st.from_regex(r"[a-z0-9.:\[\]@%*-]{0,40}", fullmatch=True))
def test_whatever_a_host_says_it_is_judged_and_never_fails(host: str) -> None:
    said = host.replace("\r", "").replace("\n", "")
    assert status(BELOW_LOCALHOST, host=said) in {None, 400, 421}


@given(st.lists(LABELS, min_size=1, max_size=4))
def test_a_pattern_lets_in_every_name_below_it(labels: list[str]) -> None:
    name = ".".join(labels)
    guard = Guard(hosts=frozenset({"*.localhost", "*.My.Example"}))
    assert status(guard, host=f"{name}.localhost:8001") is None
    assert status(guard, host=f"{name}.MY.example") is None


@given(st.lists(LABELS, min_size=1, max_size=4))
def test_a_pattern_lets_in_no_name_that_only_looks_like_one_below_it(labels: list[str]) -> None:
    name = ".".join(labels)
    guard = Guard(hosts=frozenset({"*.my.example"}))
    for host in (
        *("my.example", ".my.example", f"{name}..my.example", f"{name}.my.example."),
        *(f"{name}my.example", f"{name}-my.example", f"{name}.my.example.evil.example"),
        *(f"{name}.myxexample", f"{name}.other.example", f"{name}.localhost"),
    ):
        assert status(guard, host=host) == 421, host


@pytest.mark.parametrize(
    "setting", ["http://a", "a:80", "a/b", "*", "*.", "a.*", "a.*.b", "*a.b", "**.b.c", "*.*.b", ""]
)
def test_a_setting_that_is_no_host_name_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host name: write name or \*\.name"):
        Guard(hosts=frozenset({setting}))


@pytest.mark.parametrize("setting", ["*.com", "*.internal", "*.localhost.", "*..com"])
def test_a_pattern_below_which_everybody_can_have_a_name_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"is too wide.*or \*\.localhost"):
        Guard(hosts=frozenset({setting}))
