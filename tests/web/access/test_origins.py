import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.access.heads import EVIL, IDE, TOKEN, judge, status
from web import Guard
from web.access.hosts import parse_host
from web.access.origins import is_same_origin, settings_for

NAMES = st.from_regex(r"[a-z0-9-]{1,20}(\.[a-z0-9-]{1,20}){0,3}", fullmatch=True)
PORTS = st.integers(1, 65535)
OPEN = (
    *("http://localhost:*", "https://[::1]:*", "http://*.localhost:3000", "vscode-webview://*"),
    *("tauri://localhost", "file://", "https://ide.example"),
)
"""Every form of a setting."""

EXAMPLES = [(setting, setting.replace("://*", "://k").replace(":*", ":3000")) for setting in OPEN]
"""Each with an origin that it lets in."""


def let_in(setting: str, *origins: str) -> list[bool]:
    """Whether each of the origins comes in where this one setting is given."""
    guard = Guard(origins=frozenset({setting}))
    statuses = [status(guard, ("Origin", origin), host="127.0.0.1:1") for origin in origins]
    assert set(statuses) <= {None, 403}
    return [given is None for given in statuses]


@pytest.mark.parametrize(
    ("origin", "refused"),
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
        ("http://localhost:08001", 403),
        (IDE, 403),
    ],
)
def test_only_the_services_own_pages_come_in_unasked(origin: str, refused: int | None) -> None:
    assert status(None, ("Origin", origin)) == refused


def test_a_refused_origin_is_told_what_would_let_it_in() -> None:
    assert "--cors-origin" in judge(None, ("Origin", EVIL)).detail


def test_two_origins_are_refused() -> None:
    own = ("Origin", "http://localhost:8001")
    assert status(None, own, own) == 403


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_an_origin_says_it_is_judged_and_never_fails(origin: str, host: str) -> None:
    assert is_same_origin(origin, host) in {True, False}
    assert isinstance(list(settings_for(origin)), list)


@given(NAMES)
def test_a_page_is_of_its_own_origin_and_of_no_other(name: str) -> None:
    assert parse_host(f"{name}:8001") == (name, 8001)
    assert is_same_origin(f"http://{name}:8001", f"{name}:8001")
    assert is_same_origin(f"http://{name}", f"{name}:80")
    assert not is_same_origin(f"http://{name}", f"{name}:8001")
    assert not is_same_origin(f"http://{name}:8001", f"x{name}:8001")


def test_a_configured_origin_comes_in_and_no_other() -> None:
    assert let_in(IDE, IDE, IDE + "x", "null", "vscode-webview://") == [True, False, False, False]
    assert let_in("http://localhost:3000", "http://localhost:3000", "http://localhost:3001") == [
        *(True, False)
    ]


def test_the_default_port_is_the_same_written_or_not() -> None:
    for setting in ("https://ide.example", "HTTPS://ide.example:443"):
        assert let_in(setting, "https://ide.example", "https://ide.example:443") == [True, True]
        assert let_in(setting, "http://ide.example", "https://ide.example:80") == [False, False]


@given(PORTS)
def test_a_port_that_is_left_open_may_be_any(port: int) -> None:
    own = f"http://localhost:{port}"
    assert let_in("http://localhost:*", own, "http://localhost") == [True, True]
    assert let_in("http://[::1]:*", f"http://[::1]:{port}", own) == [True, False]


@given(NAMES.filter(lambda name: name != "localhost"), PORTS)
def test_a_host_is_never_open_because_its_port_is(name: str, port: int) -> None:
    assert not any(
        let_in(
            "http://localhost:*",
            f"http://{name}:{port}",
            f"http://localhost:{port}.{name}",
            f"http://localhost.{name}:{port}",
            f"http://localhost:x@{name}",
            f"http://localhost:{port}@{name}:{port}",
            f"http://{name}/localhost:{port}",
            f"http://{name}#http://localhost:{port}",
            f"https://localhost:{port}",
            f"http://localhost.:{port}",
        )
    )


@given(NAMES)
def test_a_programs_own_scheme_may_have_any_host(name: str) -> None:
    assert let_in("vscode-webview://*", f"vscode-webview://{name}") == [True]
    assert not any(
        let_in(
            "vscode-webview://*",
            f"http://{name}",
            f"vscode-webviews://{name}",
            f"x-vscode-webview://{name}",
            f"vscode-webview:{name}",
            f"vscode-webview://{name}/b",
            f"vscode-webview://{name}:1",
            f"vscode-webview://u@{name}",
            f"http://vscode-webview://{name}",
            f"http://{name}/vscode-webview://{name}",
            f"vscode-webview://{name} http://{name}",
        )
    )


@given(NAMES, PORTS)
def test_hosts_below_localhost_may_be_any(name: str, port: int) -> None:
    origin = f"http://{name}.localhost:{port}"
    assert let_in("http://*.localhost:*", origin, f"http://{name}.localhost") == [True, True]
    assert let_in(f"http://*.localhost:{port}", origin) == [True]
    assert not any(
        let_in(
            "http://*.localhost:*",
            *(f"http://localhost:{port}", f"http://.localhost:{port}", f"https://{name}.localhost"),
            *(f"http://{name}localhost", f"http://{name}.localhost.", f"http://{name}..localhost"),
            *(f"http://{name}.localhost.evil.example", f"http://evil.example#{name}.localhost"),
        )
    )


def test_files_are_what_programs_say_of_them_and_not_what_every_site_can_say() -> None:
    assert let_in("file://", "file://", "FILE://", "null", "file://localhost", "file:///") == [
        *(True, True, False, False, False)
    ]


@given(
    st.sampled_from(EXAMPLES), st.text(max_size=30), st.sampled_from(["", ".", "/", "@", ":1", " "])
)
def test_what_is_put_behind_or_before_an_origin_makes_it_another(
    example: tuple[str, str], text: str, joint: str
) -> None:
    setting, origin = example
    page = f"https://evil.example/{text}"
    assert let_in(setting, origin) == [True]
    assert let_in(setting, page + joint + origin, origin + "@" + page, origin + "/") == [False] * 3


@pytest.mark.parametrize(("setting", "origin"), EXAMPLES)
def test_the_host_of_an_origin_ends_where_it_ends(setting: str, origin: str) -> None:
    known = setting.startswith("vscode")  # there it may be any
    assert let_in(setting, origin + ".evil.example") == [known]


@pytest.mark.parametrize(("setting", "origin"), EXAMPLES)
def test_upper_case_means_the_same(setting: str, origin: str) -> None:
    assert let_in(setting, origin.upper()) == [True]


def test_no_other_letter_becomes_one_of_ascii() -> None:
    kelvin = "\u212a"  # in lower case, a k
    assert let_in("vscode-webview://*", f"vscode-webview://{kelvin}") == [False]
    assert let_in("http://k.example", f"http://{kelvin}.example") == [False]


@pytest.mark.parametrize(
    "setting",
    [
        *("*", "*:*", "*://*", "*://localhost", "://*", "*.example", "http://*", "https://*"),
        *("http://*:*", "http://*:3000", "https://*.example", "https://*.ide.example:*", "ws://*"),
        *("http://*localhost", "http://local*", "http://localhost:3*", "http://localhost:**"),
        *("vscode-webview://*:*", "vscode-webview://a*", "vscode-webview://*/", "vscode*://a"),
        *("file://*", "file:///", "file://localhost", "example", "ide:", "", "http://"),
        *("http://a/b", "http://a/", "http://a,http://b", "http://u@a", "http://a:0"),
        *("http://a:99999", "http://a b", "http://é.example"),
    ],
)
def test_a_setting_that_is_no_origin_or_would_let_in_too_much_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="is not an origin that can be let in: write"):
        Guard(origins=frozenset({setting}))


def test_null_comes_in_only_when_it_is_configured_and_with_a_token() -> None:
    guard = Guard(origins=frozenset({"null"}), token=TOKEN)
    shown = ("Authorization", f"Bearer {TOKEN}")
    assert status(guard, ("Origin", "null"), shown) is None
    assert status(guard, ("Origin", "null")) == 401
    with pytest.raises(ValueError, match="without a token: every web page can send it"):
        Guard(origins=frozenset({"null"}))
