import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.access.heads import JSON, judge, status
from web import Guard
from web.access.content import is_json

FIVE = ("Content-Length", "5")


@pytest.mark.parametrize(
    ("content_type", "refused"),
    [
        ("application/json", None),
        ("Application/JSON", None),
        ("application/json;", None),
        ("application/json; charset=utf-8", None),
        ("application/json ; charset=utf8", None),
        ('application/json;charset="UTF-8"', None),
        ('application/json; profile=x; charset=utf-8; q="a; charset=b"', None),
        ("application/merge-patch+json", None),
        ("application/vnd.api+json", None),
        ("application/cloudevents+JSON; charset=utf-8", None),
        ("application/json; charset=latin-1", 415),
        ("application/vnd.api+json; charset=utf-16", 415),
        ("application/json; charset=utf-8; charset=latin-1", 415),
        ("application/json; Charset=latin-1", 415),
        ("application/json; charset", 415),
        ("application/json charset=utf-8", 415),
        ("application/json, application/json", 415),
        ("application/+json", 415),
        ("application/json+xml", 415),
        ("application/jsonp", 415),
        ("application/json5", 415),
        ("application/x+json, text/plain", 415),
        ("text/plain; x=application/json", 415),
        ("text/json", 415),
        ("text/x+json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain, application/json", 415),
        ("json", 415),
        ("", 415),
    ],
)
@pytest.mark.parametrize("length", ["0", "5"])
def test_a_write_is_json_or_nothing(content_type: str, length: str, refused: int | None) -> None:
    lines = (("Content-Type", content_type), ("Content-Length", length))
    for method in ("POST", "PATCH"):
        assert status(None, *lines, method=method) == refused


@given(st.text(max_size=60) | st.from_regex(r"application/[jsonx+; =\"\\a-f]{0,60}"))
def test_whatever_a_type_says_it_is_judged_and_never_fails(content_type: str) -> None:
    assert is_json(content_type) in {True, False}


@pytest.mark.parametrize("end", ["x", '"', "=", "; charset", ""])
@pytest.mark.parametrize("part", ["; ", " ;\t", '; a="b"', "; a=b ", '; a="\\"', "+json"])
def test_a_type_as_long_as_a_head_is_judged_at_once(part: str, end: str) -> None:
    """One that is tried in all combinations would never end."""
    assert is_json("application/json" + part * (16_000 // len(part)) + end) in {True, False}


def test_who_sends_another_type_is_told_which_would_be_right() -> None:
    judged = judge(None, ("Content-Type", "text/plain"), FIVE, method="POST")
    assert "Content-Type: application/json" in judged.detail
    assert "application/merge-patch+json" in judged.headers["accept"]


def test_a_body_without_a_type_is_refused_and_no_body_needs_none() -> None:
    assert status(None, FIVE, method="POST") == 415
    assert status(None, ("Transfer-Encoding", "chunked"), method="POST") == 415
    assert status(None, FIVE, method="DELETE") == 415
    assert status(None, ("Content-Length", "0"), method="POST") is None
    assert status(None, method="POST") is None
    assert status(None, ("Content-Type", "text/plain"), method="GET") is None


def test_two_types_are_refused() -> None:
    assert status(None, JSON, JSON, FIVE, method="POST") == 415


@pytest.mark.parametrize(
    ("codings", "refused"),
    [
        (["identity"], None),
        (["Identity"], None),
        (["identity, identity", "identity"], None),
        ([""], None),
        (["gzip"], 415),
        (["identity, gzip"], 415),
        (["gzip, identity"], 415),
        (["identity", "gzip"], 415),
        (["identity", "", "br"], 415),
        (["identity,\tdeflate"], 415),
        (["identityx"], 415),
        (["identity;q=1"], 415),
    ],
)
def test_every_coding_is_looked_at(codings: list[str], refused: int | None) -> None:
    lines = [("Content-Encoding", coding) for coding in codings]
    judged = judge(None, JSON, FIVE, *lines, method="POST")
    assert judged.status == refused
    if refused:
        assert "without Content-Encoding" in judged.detail
        assert judged.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(("length", "refused"), [("10", None), ("11", 413), ("9" * 20, 413)])
def test_a_body_announced_over_the_limit_is_refused(length: str, refused: int | None) -> None:
    guard = Guard(body_limit=10)
    judged = judge(guard, JSON, ("Content-Length", length), method="POST")
    assert judged.status == refused
    if refused:
        assert f"has {length} bytes and the limit is 10 (--body-limit-mib)" in judged.detail


@pytest.mark.parametrize("length", ["-1", "+1", "1e3", "x", "", "\u0661", "1_0", "9" * 21])
def test_a_length_that_is_not_one_is_refused(length: str) -> None:
    assert status(None, JSON, ("Content-Length", length), method="POST") == 400


def test_an_ambiguous_length_is_refused() -> None:
    assert status(None, FIVE, FIVE, JSON, method="POST") == 400
    assert status(None, FIVE, ("Transfer-Encoding", "chunked"), JSON) == 400
