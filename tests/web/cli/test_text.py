"""Text on its way to a terminal: harmless, and as wide as there is room for."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.cli.text import Column, ascii_json, cut, line, table, width_of


@given(st.text())
def test_a_line_has_nothing_that_steers_a_terminal(text: str) -> None:
    assert all(character.isprintable() for character in line(text))


@given(st.recursive(st.text() | st.integers(), st.lists))
def test_json_says_the_same_in_ascii(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    shown = ascii_json(text)
    assert json.loads(shown) == json.loads(text)
    assert all(" " <= character <= "~" for character in shown)


def test_json_with_white_space_stays_on_one_line() -> None:
    assert ascii_json(b'{\n\t"a": "\\n"\r\n}') == '{  "a": "\\n"  }'


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ß", 1), ("", 0)]
)
def test_the_width_is_what_a_terminal_shows(text: str, width: int) -> None:
    assert width_of(text) == width


@given(st.text(max_size=20), st.integers(1, 20))
def test_what_is_cut_fits(text: str, width: int) -> None:
    shown = cut(line(text), width)
    assert width_of(shown) <= width
    assert shown == line(text) or shown.endswith("…")


def test_a_table_is_cut_first_where_it_gives_most() -> None:
    columns = [
        Column("ID", ["i" * 20], gives=1),
        Column("N", ["7"], is_number=True),
        Column("TITLE", ["t" * 20], gives=2),
    ]
    assert list(table(columns, None))[1] == "i" * 20 + "  7  " + "t" * 20
    assert list(table(columns, 40))[1] == "i" * 20 + "  7  " + "t" * 14 + "…"
    assert list(table(columns, 30))[1] == "i" * 12 + "…" + "  7  " + "t" * 11 + "…"


def test_a_column_goes_before_another_one_is_cut() -> None:
    columns = [
        Column("ID", ["i" * 20], gives=1),
        Column("WHO", ["w" * 20], gives=2, goes=True),
        Column("TITLE", ["t" * 20], gives=3),
    ]
    widths = {64: (20, 20, 20), 52: (20, 16, 12), 48: (20, 12, 12), 47: (20, 20), 34: (20, 12)}
    for room, expected in widths.items():
        shown = list(table(columns, room))[1].split("  ")
        assert tuple(map(width_of, shown)) == expected, room
    assert list(map(width_of, list(table(columns, 30))[1].split("  "))) == [16, 12]


def test_numbers_stand_to_the_right() -> None:
    columns = [Column("N", ["7", "100"], is_number=True), Column("X", ["a", "b"])]
    assert list(table(columns, None)) == ["  N  X", "  7  a", "100  b"]
