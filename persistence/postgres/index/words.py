"""Words and queries, as PostgreSQL writes them.

The server never takes a text apart: what is a word it is told, with the place where it stands. In a
word are letters and digits alone (see `runtime.session.bodies.words`): nothing has to be escaped.
"""

from collections.abc import Sequence

from runtime import KiB, Term

PLACES = 255
"""Of one word in a text; the server keeps no more. So words that follow each other may be missed
where the first of them stands there more often."""

LARGEST = 900 * KiB
"""Bytes of the words of one text: the server takes a mebibyte, with their places."""


def vector(words: str) -> str:
    """A text's words, of type `tsvector`."""
    places: dict[str, list[str]] = {}
    size = 0
    for place, word in enumerate(words.split(), 1):
        known = places.get(word)
        if known is None:
            size += 4 * len(word) + 8
            known = places[word] = []
        if size > LARGEST:
            break
        if len(known) < PLACES:
            known.append(str(place))
            size += 2
    return " ".join(f"'{word}':{','.join(known)}" for word, known in places.items() if known)


def query(terms: Sequence[Term]) -> str:
    """What is searched for, of type `tsquery`."""
    return " & ".join(map(_term, terms))


def _term(term: Term) -> str:
    words = [f"'{word}'" for word in term.words]
    return f"({' <-> '.join(words)}{':*' if term.is_prefix else ''})"
