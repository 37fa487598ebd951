"""Places in JSON: against what a decoder finds there."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import InvalidInput
from runtime.session.bodies.encoding import encode
from runtime.session.bodies.pointing import path_of, paths_in, pointer_of, with_value

THERE = b'"[there]"'

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


def places(value: Any) -> list[tuple[str, ...]]:
    """All paths that lead anywhere."""
    found: list[tuple[str, ...]] = [()]
    if isinstance(value, dict | list):
        named = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in named:
            found += [(str(name), *rest) for rest in places(inner)]
    return found


def put(value: Any, path: tuple[str, ...]) -> Any:
    """What a plain program makes of it."""
    if not path:
        return "[there]"
    copy = value.copy()
    name: Any = path[0] if isinstance(value, dict) else int(path[0])
    copy[name] = put(value[name], path[1:])
    return copy


@given(values)
def test_a_value_is_put_where_a_pointer_says(value: Any) -> None:
    text = encode(value, "value")
    for path in places(value):
        assert path_of(pointer_of(path)) == path
        assert with_value(text, path, THERE) == encode(put(value, path), "value")


LARGE = {
    "before": ["x" * 100] * 2_000,
    'é"': {"list": [{"n": n} for n in range(20_000)], "text": "y" * 200_000},
    "behind": 1,
}


@pytest.mark.parametrize(
    "pointer",
    ["", "/before", "/before/1999", '/é"/list/0', '/é"/list/19999/n', '/é"/text', "/behind"],
)
def test_so_it_is_in_what_is_large(pointer: str) -> None:
    found = with_value(encode(LARGE, "value"), path_of(pointer), THERE)
    assert found == encode(put(LARGE, path_of(pointer)), "value")


@pytest.mark.parametrize(
    "pointer", ["/c", "/a/3", "/a/-", "/a/-1", "/a/01", "/a/x", "/b/x", "/b/0", "/a/0/0", "//"]
)
def test_where_nothing_is_nothing_is_put(pointer: str) -> None:
    with pytest.raises(InvalidInput, match="there is nothing at"):
        with_value(b'{"a":[1,2,3],"b":"text"}', path_of(pointer), THERE)


@pytest.mark.parametrize("pointer", ["a", "a/b", "/~", "/a~2", "#/a"])
def test_what_is_no_pointer_is_refused(pointer: str) -> None:
    with pytest.raises(InvalidInput, match="RFC 6901"):
        path_of(pointer)


def test_a_pattern_finds_what_is_no_null() -> None:
    value = json.dumps({"a": {"x": 1, "y": None, "z": {}}, "b": None}).replace(" ", "").encode()
    assert list(paths_in(value, ("a", "*"))) == [("a", "x"), ("a", "z")]
    assert list(paths_in(value, ("b",))) == []
    assert list(paths_in(value, ("a", "x", "*"))) == []
    assert list(paths_in(value, ())) == [()]
