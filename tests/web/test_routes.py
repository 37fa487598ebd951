"""The table: each path leads to one place, exactly as it is written."""

from collections.abc import Iterable

import pytest

from web.api.routes import PREFIX, Table, whole_table
from web.call.resources import Resources
from web.call.route import Route
from web.http.message import Request, Response


async def endpoint(resources: Resources, request: Request) -> Response:
    raise AssertionError("nothing is called here")


def table(*paths: str) -> Table:
    return Table(Route("GET", path, endpoint) for path in paths)


def found(table: Table, path: str) -> tuple[str, list[str]] | None:
    place, values = table.find(path)
    return None if place is None else (place.template.removeprefix(PREFIX), list(values))


def test_captured_segments_stay_as_they_were_sent() -> None:
    one = table("/a/<x>/b/<y>")
    assert found(one, f"{PREFIX}/a/1%2F2/b/%C3%A9") == ("/a/<x>/b/<y>", ["1%2F2", "%C3%A9"])


def test_a_fixed_segment_goes_before_a_captured_one() -> None:
    both = table("/a/<x>", "/a/fixed")
    assert found(both, f"{PREFIX}/a/fixed") == ("/a/fixed", [])
    assert found(both, f"{PREFIX}/a/other") == ("/a/<x>", ["other"])


def test_a_fixed_segment_that_leads_nowhere_may_be_a_captured_one() -> None:
    both = table("/a/fixed", "/a/<x>/b")
    assert found(both, f"{PREFIX}/a/fixed/b") == ("/a/<x>/b", ["fixed"])


def test_what_was_captured_on_a_way_that_leads_nowhere_is_forgotten() -> None:
    both = table("/<x>/<y>/end", "/<x>/b/<z>/other")
    assert found(both, f"{PREFIX}/1/b/end") == ("/<x>/<y>/end", ["1", "b"])
    assert found(both, f"{PREFIX}/1/b/2/other") == ("/<x>/b/<z>/other", ["1", "2"])


@pytest.mark.parametrize("length", [1, 255, 256, 257, 10_000])
def test_a_path_of_any_length_leads_to_its_place_again_and_again(length: int) -> None:
    one = table("/<x>/a", "/<x>")
    for value in ("y" * length, "z" * length, "y" * length):
        assert found(one, f"{PREFIX}/{value}/a") == ("/<x>/a", [value])
        assert found(one, f"{PREFIX}/{value}") == ("/<x>", [value])
        assert found(one, f"{PREFIX}/{value}/b") is None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "*",
        PREFIX,
        f"{PREFIX}/a",
        f"{PREFIX}/a/",
        f"{PREFIX}/a//b",
        f"/{PREFIX}/a/1",
        f"{PREFIX}/a/1/",
        f"{PREFIX}/A/1",
        f"{PREFIX}/%61/1",
        "/a/1",
        "/api/v1/a/1/2",
        "/" * 10_000,
    ],
)
def test_what_is_not_written_in_the_table_is_not_in_it(path: str) -> None:
    assert found(table("/a/<x>"), path) is None


def test_a_row_outside_of_the_prefix_is_below_it_too() -> None:
    one = Table([Route("GET", "/health", endpoint, outside="too")])
    assert found(one, "/health") == found(one, f"{PREFIX}/health") == ("/health", [])


def test_a_row_that_is_only_outside_is_not_below_the_prefix() -> None:
    one = Table([Route("GET", "/a/<x>", endpoint, outside="only")])
    assert found(one, "/a/1") == ("/a/<x>", ["1"])
    assert found(one, f"{PREFIX}/a/1") is None


def test_head_is_answered_wherever_get_is() -> None:
    one = Table([Route("GET", "/a", endpoint), Route("POST", "/b", endpoint)])
    a, b = one.places
    assert (a.allow, b.allow) == ("GET, HEAD, OPTIONS", "OPTIONS, POST")
    assert a.routes["HEAD"] is a.routes["GET"]


def test_one_call_has_one_row() -> None:
    with pytest.raises(AssertionError, match="GET /api/v1/a is there twice"):
        table("/a", "/a")


def every_path() -> Iterable[str]:
    return [place.template for place in whole_table().places]


@pytest.mark.parametrize("template", every_path())
def test_every_row_is_found_by_its_path(template: str) -> None:
    path = "/".join("history" if part.startswith("<") else part for part in template.split("/"))
    place, values = whole_table().find(path)
    assert place is not None
    assert place.template == template
    assert len(values) == len(place.names)
