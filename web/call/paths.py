"""Ids in paths: any legal session id, percent-encoded, is one segment, also with `%2F` in it.

A request is matched by its path as it was sent, still encoded: decoded first, `a%2Fb` would be two
segments. What a segment says is found out here, and only here, so that nothing is decoded twice.
"""

from urllib.parse import quote, unquote_to_bytes

from runtime import InvalidInput


def segment(value: str) -> str:
    """The value as one segment of a path."""
    return quote(value, safe="")


def said(sent: str, name: str) -> str:
    """What a segment says, decoded as UTF-8. Raises `InvalidInput`."""
    if "%" not in sent and sent.isascii():
        return sent
    try:
        return unquote_to_bytes(sent.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        what = name.replace("_", " ")
        raise InvalidInput(f"{what}: the path is not percent-encoded UTF-8") from None
