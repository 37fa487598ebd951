"""Answers are put together without copying what is long."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.call.rendering import HERE, LONG, filled, laid

SHORT_TEXT, LONG_TEXT = b"x" * (LONG - 1), b"y" * LONG


@given(st.lists(st.sampled_from([b"", b"a", SHORT_TEXT, memoryview(b"b"), LONG_TEXT])))
def test_texts_are_laid_out_with_commas_between_them(texts: Sequence[bytes | memoryview]) -> None:
    assert b"".join(laid(b"[", texts, b"]")) == b"[" + b",".join(texts) + b"]"


def test_what_is_long_is_not_copied() -> None:
    _, first, _, second, _ = laid(b"[", [b"a", LONG_TEXT, b"b", LONG_TEXT], b"]")
    assert first is second is LONG_TEXT


@pytest.mark.parametrize("number", [0, 1, 1_000])
def test_what_is_short_is_one_piece(number: int) -> None:
    assert len(laid(b"[", [b"a"] * number, b"]")) == 1


@given(st.lists(st.integers()), st.text())
def test_items_are_filled_in_where_the_value_says_so(items: list[int], other: str) -> None:
    value = {"before": {other: '"items":[]'}, "items": [HERE], "after": [other]}
    text = b"".join(filled(value, (msgspec.json.encode(item) for item in items)))
    assert msgspec.json.decode(text) == {**value, "items": items}
