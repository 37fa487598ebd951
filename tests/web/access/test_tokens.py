import pytest

from tests.web.access.heads import EVIL, TOKEN, judge, status
from web import Guard

LOCKED = Guard(token=TOKEN)


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ([], 401),
        ([("Authorization", f"Bearer {TOKEN}")], None),
        ([("authorization", f"bearer   {TOKEN} ")], None),
        ([("X-Internal-Auth", TOKEN)], None),
        ([("Authorization", "Basic eDp5"), ("X-Internal-Auth", TOKEN)], None),
        ([("Authorization", "Basic eDp5"), ("Authorization", f"Bearer {TOKEN}")], None),
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
def test_a_configured_token_must_be_shown(
    lines: list[tuple[str, str]], refused: int | None
) -> None:
    assert status(LOCKED, *lines) == refused


def test_who_shows_no_token_is_told_how() -> None:
    judged = judge(LOCKED)
    assert judged.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer <token>" in judged.detail


def test_a_token_in_the_path_opens_nothing() -> None:
    assert status(LOCKED, path=f"/api/v1/sessions?token={TOKEN}") == 401


def test_health_needs_no_token_but_everything_around_it_does() -> None:
    assert status(LOCKED, path="/health") is None
    assert status(LOCKED, path="/api/v1/health") is None
    for path in ("/metrics", "/health/", "/healthy", "//health", "/docs", "/"):
        assert status(LOCKED, path=path) == 401


def test_health_is_as_closed_to_strangers_as_everything() -> None:
    assert status(LOCKED, path="/health", host="evil.example") == 421
    assert status(LOCKED, ("Origin", EVIL), path="/health") == 403
    assert status(LOCKED, ("Sec-Fetch-Site", "cross-site"), path="/health") == 403


def test_a_guard_does_not_show_its_token() -> None:
    assert TOKEN not in repr(LOCKED)
