"""Words: what texts are searched by, in one form for all stores, and what somebody searches for.

Rules:

- A word is a run of letters and digits; all else is between words. So `open_runtime`, `a.py` and
  `foo-bar` are two words each, and to search for one of them is to search for two that follow each
  other. An ideograph is a word of its own: in Chinese and Japanese nothing stands between words.
- Upper and lower case are the same, and so is a letter with an accent and without one.
- The stores get words that are in this form already, and split them at spaces. If each had its own
  idea of a word (PostgreSQL takes `a.py` for a host), the same search would find other things.
- Nothing that a user writes is an operator of a database: it is taken apart into words here.
"""

import re
from functools import cache
from itertools import islice
from unicodedata import normalize

from runtime.errors import InvalidInput
from runtime.index import Term

MAX_WORDS = 16_000
"""Of one entry; about 100 KB of text. PostgreSQL counts places to 16,383."""

MAX_WORD = 100
"""Characters of a word that matter: what is longer is a hash, or no language."""

MAX_QUERY = 1_000
"""Characters: more than anybody types into a search box."""

MAX_TERMS = 32
"""In one search; each is looked up by itself."""

MIN_PREFIX = 2
"""Characters: what begins with one letter is a good part of all there is."""

SNIPPET = 160
"""Characters of a snippet, about: two lines of a list."""

_BEFORE = 50
"""Characters of a snippet before what was found."""

_ACCENTS = re.compile("[\u0300-\u036f]+")
_IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ASCII_WORD = re.compile("[a-z0-9]+")
_ONE_IDEOGRAPH = f"[{_IDEOGRAPH}]"
_WORD = rf"[{_IDEOGRAPH}]|[^\W_{_IDEOGRAPH}]+"
_AS_WRITTEN = rf"[{_IDEOGRAPH}]|(?:[^\W_{_IDEOGRAPH}]|[\u0300-\u036f])+"
_compiled = cache(re.compile)
"""Of so many letters a pattern takes milliseconds to compile: not at the start, but when needed."""
_COLOURS = re.compile("\x1b\\[[0-9;?]*[@-~]")
"""What steers a terminal: tools write it into their output, right before a word."""
_TERM = re.compile(r'"([^"]*)(?:"(\*)?|$)|([^\s"]+)')


def words(text: str) -> list[str]:
    """The words of a text in their normal form, to `MAX_WORDS`."""
    text = _plain(text)
    if text.isascii():
        found = _ASCII_WORD.findall(text.lower())
    else:
        found = _compiled(_WORD).findall(_ACCENTS.sub("", normalize("NFKD", text)).casefold())
    return [word[:MAX_WORD] for word in found[:MAX_WORDS]]


def terms(query: str) -> tuple[Term, ...]:
    """What a query asks for: words, "words that follow each other", and beginnings*.

    Raises `InvalidInput` for one that asks for nothing, or for too much.
    """
    if len(query) > MAX_QUERY:
        raise InvalidInput(
            f"q: {len(query)} characters; at most {MAX_QUERY} can be searched for: leave words out"
        )
    found: list[Term] = []
    for phrase, star, word in _TERM.findall(query):
        term = _term(phrase or word, is_prefix=bool(star) or word.endswith("*"))
        if term is not None and term not in found:
            found.append(term)
    if not found:
        raise InvalidInput(
            'q: has no word to search for; write words, "words that follow each other", '
            "or the beginning of one with a star: begin*"
        )
    if len(found) > MAX_TERMS:
        raise InvalidInput(f"q: {len(found)} words; at most {MAX_TERMS} can be searched for")
    return tuple(found)


def _term(text: str, *, is_prefix: bool) -> Term | None:
    found = words(text)
    if not found:
        return None
    if not is_prefix or _compiled(_ONE_IDEOGRAPH).match(found[-1]):  # which is all of its word
        return Term(tuple(found))
    if len(found) == 1 and len(found[0]) < MIN_PREFIX:
        raise InvalidInput(
            f"q: {found[0]}*: too many words begin like that; "
            f"write at least {MIN_PREFIX} characters before the star"
        )
    return Term(tuple(found), is_prefix=True)


def snippet(text: str, sought: tuple[Term, ...]) -> str:
    """The part of a text in which what was searched for first stands, in one line.

    Its beginning, if nothing of it is there any more.
    """
    text = _plain(text)
    place = _place(text, sought)
    first = max(place - _BEFORE, 0)
    if first:  # not in the middle of a word, if there is a space soon
        space = text.find(" ", first, place)
        first = space + 1 if space >= 0 else first
    last = first + SNIPPET
    if last < len(text):
        space = text.rfind(" ", max(first + SNIPPET // 2, place), last)
        last = space if space >= 0 else last
    shown = " ".join(text[first:last].split())
    return "…" * (first > 0) + shown + "…" * (last < len(text))


def _plain(text: str) -> str:
    return _COLOURS.sub(" ", text) if "\x1b" in text else text


def _place(text: str, sought: tuple[Term, ...]) -> int:
    """Where the first of the terms begins that the text has; 0 if it has none."""
    places: list[int] = []
    found: list[str] = []
    for match in islice(_compiled(_AS_WRITTEN).finditer(text), MAX_WORDS):
        for word in words(match[0]):
            places.append(match.start())
            found.append(word)
    for n, place in enumerate(places):
        if any(_is_at(found, n, term) for term in sought):
            return place
    return 0


def _is_at(found: list[str], n: int, term: Term) -> bool:
    *whole, last = term.words
    end = n + len(whole)
    if found[n:end] != whole or end >= len(found):
        return False
    return found[end].startswith(last) if term.is_prefix else found[end] == last
