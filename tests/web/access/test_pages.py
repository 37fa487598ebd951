"""What other pages cause without saying so, and what browsers are told."""

import pytest

from tests.web.access.heads import EVIL, IDE, TOKEN, judge, request, status
from web import Guard

LINK = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document"))
ASKS = ("Access-Control-Request-Method", "POST")
SAFE = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
OPEN = Guard(origins=frozenset({"vscode-webview://*", "http://localhost:3000"}))
LOCKED = Guard(token=TOKEN, origins=frozenset({IDE}))


def site(value: str) -> tuple[str, str]:
    return ("Sec-Fetch-Site", value)


@pytest.mark.parametrize("guard", [Guard(), OPEN])
@pytest.mark.parametrize("value", ["cross-site", "same-site", "none, none", "", "other"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_another_page_embeds_is_refused(guard: Guard, value: str, method: str) -> None:
    for mode in ("no-cors", "navigate"):
        judged = judge(guard, site(value), ("Sec-Fetch-Mode", mode), method=method)
        assert judged.status == 403
        assert "--cors-origin" in judged.detail


def test_our_own_pages_the_user_and_programs_come_in() -> None:
    assert status(None, site("same-origin")) is None
    assert status(None, site("none")) is None
    assert status(None) is None


def test_a_page_that_says_its_origin_is_judged_by_that() -> None:
    for value in ("cross-site", "same-site"):
        assert status(OPEN, site(value), ("Origin", IDE)) is None
        assert status(OPEN, site(value), ("Origin", EVIL)) == 403


@pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/docs"])
def test_a_link_to_a_page_for_people_can_be_followed(path: str) -> None:
    for value in ("cross-site", "same-site"):
        assert status(None, site(value), *LINK, path=path) is None


@pytest.mark.parametrize("path", ["/api/v1/sessions", "/health", "/docs/", "/openapi.json", "/x"])
def test_nothing_else_is_reached_by_a_link(path: str) -> None:
    assert status(None, site("cross-site"), *LINK, path=path) == 403


@pytest.mark.parametrize("dest", ["iframe", "frame", "embed", "object", "script", "image"])
def test_a_page_for_people_is_not_shown_within_another(dest: str) -> None:
    lines = (site("cross-site"), LINK[0], ("Sec-Fetch-Dest", dest))
    assert status(None, *lines, path="/docs") == 403


def test_only_a_get_follows_a_link() -> None:
    assert status(None, site("cross-site"), *LINK, path="/docs", method="HEAD") == 403
    assert status(None, site("cross-site"), LINK[1], path="/docs") == 403


def test_a_followed_link_shows_no_token() -> None:
    assert status(LOCKED, site("cross-site"), *LINK, path="/docs") == 401


# Preflights


def test_a_preflight_of_a_configured_origin_needs_no_token() -> None:
    assert status(LOCKED, ASKS, ("Origin", IDE), method="OPTIONS") == 204
    assert status(LOCKED, ASKS, ("Origin", IDE), method="GET") == 401
    assert status(LOCKED, ("Origin", IDE), method="OPTIONS") == 401
    assert status(LOCKED, ASKS, method="OPTIONS") == 401
    assert status(LOCKED, ASKS, ("Origin", EVIL), method="OPTIONS") == 403


def test_a_method_is_what_was_sent() -> None:
    assert status(LOCKED, ASKS, ("Origin", IDE), method="options") == 401
    assert status(OPEN, ASKS, ("Origin", IDE), method="Options") is None


def test_options_that_is_no_preflight_comes_in() -> None:
    assert status(OPEN, method="OPTIONS") is None
    assert status(OPEN, ("Origin", IDE), method="OPTIONS") is None


def test_a_preflight_is_told_what_is_allowed() -> None:
    told = judge(OPEN, ASKS, ("Origin", IDE), method="OPTIONS").headers
    assert set(told["access-control-allow-headers"].split(", ")) == {
        *("Authorization", "Content-Type", "If-Match", "If-None-Match", "Last-Event-ID", "Turn"),
        *("Prefer", "traceparent", "baggage", "sentry-trace", "X-Request-ID", "Cache-Control"),
        "X-Internal-Auth",
    }
    assert {"PATCH", "DELETE"} < set(told["access-control-allow-methods"].split(", "))
    assert int(told["access-control-max-age"]) > 0
    assert "access-control-allow-credentials" not in told


# What every answer tells


def told(guard: Guard, *lines: tuple[str, str]) -> dict[str, str]:
    return dict(guard.cors(request(*lines)))


def test_every_answer_is_safe_from_other_pages() -> None:
    assert told(Guard()) == SAFE
    assert told(Guard(), ("Origin", EVIL)) == SAFE
    assert told(Guard(), ("Origin", "http://localhost:8001")) == SAFE


def test_a_configured_origin_may_read_and_is_named_as_it_named_itself() -> None:
    exposed = {"Access-Control-Expose-Headers": "ETag, Durable-Seq, Location, Retry-After"}
    for origin in (IDE, "http://localhost:3000", "VSCODE-WEBVIEW://x"):
        allowed = {"Access-Control-Allow-Origin": origin, **exposed}
        assert told(OPEN, ("Origin", origin)) == {**SAFE, "Vary": "Origin", **allowed}


def test_where_origins_are_configured_every_answer_depends_on_them() -> None:
    for lines in ([], [("Origin", EVIL)], [("Origin", "null")], [("Origin", IDE)] * 2):
        assert told(OPEN, *lines) == {**SAFE, "Vary": "Origin"}
