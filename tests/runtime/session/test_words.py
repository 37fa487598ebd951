"""Words, queries and snippets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import InvalidInput
from runtime.index import Term
from runtime.session.bodies.words import (
    MAX_TERMS,
    MAX_WORD,
    MAX_WORDS,
    SNIPPET,
    snippet,
    terms,
    words,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("The quick, brown fox!", ["the", "quick", "brown", "fox"]),
        ("open_runtime(a.py)", ["open", "runtime", "a", "py"]),
        ("Ёлка é cafe\u0301 STRASSE Straße", ["елка", "e", "cafe", "strasse", "strasse"]),
        ("数据库 abc数", ["数", "据", "库", "abc", "数"]),
        ("\x1b[1;31merror\x1b[0m: x\x1b[Ky", ["error", "x", "y"]),
        ("v1.2 x\0y \U0001f600", ["v1", "2", "x", "y"]),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_a_long_text_and_a_long_word_are_cut() -> None:
    assert len(words("a " * (MAX_WORDS + 5))) == MAX_WORDS
    assert words("x" * (MAX_WORD + 5)) == ["x" * MAX_WORD]


@given(st.text())
def test_words_are_the_same_in_their_normal_form(text: str) -> None:
    found = words(text)
    assert words(" ".join(found)) == found
    assert all(" " not in word and word for word in found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Fox", [Term(("fox",))]),
        ("fox fox", [Term(("fox",))]),
        ('big "brown Fox" x', [Term(("big",)), Term(("brown", "fox")), Term(("x",))]),
        ("fo*", [Term(("fo",), is_prefix=True)]),
        ('"brown fo"*', [Term(("brown", "fo"), is_prefix=True)]),
        ("open_runt*", [Term(("open", "runt"), is_prefix=True)]),
        ('fox "and hound', [Term(("fox",)), Term(("and", "hound"))]),
        ('say"hello"you', [Term(("say",)), Term(("hello",)), Term(("you",))]),
        ("数据*", [Term(("数", "据"))]),
        ('- fox && "" *', [Term(("fox",))]),
        ('"a b"*', [Term(("a", "b"), is_prefix=True)]),
    ],
)
def test_a_query_is_words_phrases_and_beginnings(query: str, found: list[Term]) -> None:
    assert list(terms(query)) == found


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "no word to search for"),
        ("*", "no word"),
        ('"!"', "no word"),
        ("x*", "at least 2 characters"),
        ("y" * 1_001, "1001 characters"),
        (" ".join(f"w{n}" for n in range(MAX_TERMS + 1)), f"at most {MAX_TERMS}"),
    ],
)
def test_a_query_that_cannot_be_looked_for_says_what_to_write(query: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        terms(query)


@given(st.text(max_size=50))
def test_any_text_is_a_query_or_says_why_not(query: str) -> None:
    try:
        found = terms(query)
    except InvalidInput:
        return
    for term in found:
        assert words(" ".join(term.words)) == list(term.words) != []


def test_a_short_text_is_its_own_snippet_in_one_line() -> None:
    assert snippet("The quick\n\n  brown fox", terms("brown")) == "The quick brown fox"


def test_a_snippet_has_what_was_found() -> None:
    text = f"{'before ' * 50}the Needle stands here {'behind ' * 50}"
    shown = snippet(text, terms('"needle stands"'))
    assert "the Needle stands here" in shown
    assert shown.startswith("…before")
    assert shown.endswith("behind…")
    assert len(shown) <= SNIPPET + 2


def test_a_snippet_of_a_text_that_has_nothing_of_it_is_its_beginning() -> None:
    assert snippet("a " * 200, terms("needle")).startswith("a a a")


@given(st.text(max_size=400), st.text(min_size=1, max_size=20))
def test_of_any_text_there_is_a_snippet(text: str, query: str) -> None:
    assert len(snippet(text, (Term(tuple(words(query)) or ("x",)),))) <= SNIPPET + 2
