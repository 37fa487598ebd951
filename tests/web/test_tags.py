"""What `If-Match` and `If-None-Match` say, however they say it."""

import pytest

from web.call.tags import Tags

LONG = 1_000_000
"""Characters, more than a head can have: what takes the square of that is never done."""


@pytest.mark.parametrize(
    ("value", "strong", "weak"),
    [
        ('"1-a"', {"1-a"}, set()),
        ("1-a", {"1-a"}, set()),
        ('W/"1-a" , "2-b"', {"2-b"}, {"1-a"}),
        ("\t1-a \t, w/2-b ", {"1-a"}, {"2-b"}),
        ('"1, a"', {"1, a"}, set()),
        ('"1-a" b', {'"1-a" b'}, set()),
        (",, ,", set(), set()),
    ],
)
def test_tags_are_read_as_people_and_programs_write_them(
    value: str, strong: set[str], weak: set[str]
) -> None:
    assert Tags.of(value) == Tags(strong=frozenset(strong), weak=frozenset(weak))


@pytest.mark.parametrize("value", ["*", " *  ", '"1-a", *'])
def test_a_bare_star_stands_for_all(value: str) -> None:
    assert Tags.of(value).is_star


def test_a_quoted_star_is_a_tag() -> None:
    assert not Tags.of('"*"').is_star


@pytest.mark.parametrize("end", ["b", '"', ",b"])
@pytest.mark.parametrize("part", [" ", "\t ", '"', '"a" ', "W/", ","])
def test_a_line_as_long_as_you_like_is_read_at_once(part: str, end: str) -> None:
    """One that is tried in all combinations would never end."""
    line = "a" + part * (LONG // len(part)) + end
    assert not Tags.of(line).is_star
