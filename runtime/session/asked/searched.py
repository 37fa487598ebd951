"""What of an entry can be searched, as its kind says it."""

from runtime.index import Term, Text
from runtime.session.bodies.words import snippet, words
from runtime.session.kind import Searched
from runtime.session.kinds.table import KINDS
from runtime.store.entries import Row


def text_of(row: Row) -> Text | None:
    """An entry's words, for the store's index."""
    found = _searched(row)
    return None if found is None else Text(found.role, " ".join(words(found.text)))


def snippet_of(row: Row, sought: tuple[Term, ...]) -> str:
    """What is shown of an entry that was found."""
    found = _searched(row)
    return "" if found is None else snippet(found.text, sought)


def _searched(row: Row) -> Searched | None:
    kind = KINDS.get(row[1])
    try:
        return None if kind is None else kind.searched(row[4])
    except (ValueError, TypeError):  # somebody else has written it; `verify` names it
        return None
