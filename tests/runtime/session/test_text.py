"""A growing text: what is read, and how little is copied for it."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.drafts.text import PIECE, Text

pieces = st.lists(
    st.one_of(
        st.text(max_size=5),
        st.integers(0, 2 * PIECE).map(lambda size: "x🤔" * (size // 2)),
    ),
    max_size=20,
)


class Copied:
    """Joins texts, and counts the characters that this copies."""

    def __init__(self) -> None:
        self.characters = 0

    def __call__(self, parts: Iterable[str]) -> str:
        joined = "".join(parts)
        self.characters += len(joined)
        return joined


def grown(*parts: str) -> Text:
    text = Text()
    for part in parts:
        text.add(part)
    return text


@given(pieces, st.data())
def test_it_is_read_like_the_text_that_it_has_grown_to(
    parts: list[str], data: st.DataObject
) -> None:
    text, whole = grown(*parts), "".join(parts)
    assert text.length == len(whole)
    assert "".join(text.pieces()) == whole
    position = data.draw(st.integers(0, len(whole) + 1))
    limit = data.draw(st.none() | st.integers(0, len(whole) + 1))
    assert (
        text.since(position, limit) == whole[position : None if limit is None else position + limit]
    )


def test_a_position_counts_characters_whatever_they_take() -> None:
    assert grown("a🤔", "é").since(2) == "é"


@pytest.mark.parametrize("size", [1, 3, 100, PIECE - 1, PIECE, 2 * PIECE])
def test_each_character_is_copied_at_most_once_while_it_grows(size: int) -> None:
    copied = Copied()
    text = Text(join=copied)
    for _ in range(300_000 // size):
        text.add("x" * size)
    assert copied.characters <= text.length
    assert len(text.pieces()) <= text.length // PIECE + PIECE


def test_reading_what_is_new_copies_only_that() -> None:
    copied = Copied()
    text = Text(join=copied)
    read = 0
    for _ in range(50_000):
        text.add("ab")
        read += len(text.since(read))
    assert read == text.length
    # No piece was read together with another, so all that was copied is what has gathered.
    assert copied.characters <= text.length


def test_reading_it_all_in_parts_copies_each_character_once() -> None:
    copied = Copied()
    text = Text(join=copied)
    for _ in range(100):
        text.add("x" * 1_000)
    grown_for = copied.characters
    parts = [text.since(position, 700) for position in range(0, text.length, 700)]
    assert "".join(parts) == "x" * text.length
    assert copied.characters - grown_for <= text.length


def test_what_is_long_is_not_copied_for_what_is_short() -> None:
    copied = Copied()
    text = Text(join=copied)
    text.add("x" * (10 * PIECE))
    text.add("y")
    assert (text.since(10 * PIECE), copied.characters) == ("y", 0)


def test_a_text_that_stays_as_it_was_does_not_grow() -> None:
    text = grown("a")
    then = text.pieces()
    text.add("b")
    assert then == ["a"]


def test_nothing_is_added_by_an_empty_piece() -> None:
    assert grown("", "a", "").pieces() == ["a"]
