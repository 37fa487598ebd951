"""Texts as the tables have them: PostgreSQL's have no U+0000, and ours may.

U+0000 is written as U+0001 U+0001, and U+0001 as U+0001 U+0002. So texts are in the same order as
before, and one begins with another exactly if it did before: lists and prefixes need not know. JSON
needs none of this, as it has escapes of its own.
"""

import re

_PAIR = re.compile("\1([\1\2])")


def stored(text: str) -> str:
    """The text as it is written."""
    if "\0" in text or "\1" in text:
        return text.replace("\1", "\1\2").replace("\0", "\1\1")
    return text


def shown(text: str) -> str:
    """What was meant by a text that was written."""
    if "\1" not in text:
        return text
    # In one pass: two replacements would take the end of one pair and the beginning of the next
    # one for a pair.
    return _PAIR.sub(lambda pair: "\0" if pair[1] == "\1" else "\1", text)


def shown_or_none(text: str | None) -> str | None:
    """The same, of a column that may be null."""
    return None if text is None else shown(text)
