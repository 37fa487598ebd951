"""Texts that PostgreSQL would not take are written so that order and beginnings stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.postgres.text import shown, stored

TEXTS = st.text(st.sampled_from("\0\1\2a\U0010ffff"), max_size=6)


@given(TEXTS)
def test_what_is_shown_is_what_was_stored(text: str) -> None:
    assert shown(stored(text)) == text


@given(TEXTS)
def test_what_is_stored_has_no_null(text: str) -> None:
    assert "\0" not in stored(text)


@given(TEXTS, TEXTS)
def test_the_order_stays(one: str, other: str) -> None:
    assert (stored(one) < stored(other)) == (one < other)


@given(TEXTS, TEXTS)
def test_beginnings_stay(one: str, other: str) -> None:
    assert stored(one).startswith(stored(other)) == one.startswith(other)


@pytest.mark.parametrize("text", ["", "a", "Ж 👋", "\2"])
def test_most_texts_are_stored_as_they_are(text: str) -> None:
    assert stored(text) == text
