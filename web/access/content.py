"""What a body has to be, by the head in front of it: JSON, as it is, of one length.

JSON is `application/json` and every `application/…+json` (RFC 6839), in UTF-8; lines of it are
`application/jsonl`, and which of the two a call takes, shows when it reads them. A page cannot send
these types to another origin without asking first: a form has others. Of codings there is only
`identity`; what would be unpacked here could be a bomb.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from web.access.hosts import REMEMBERED
from web.http.message import Headers

_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_VALUE = rf'(?:{_WORD}|"(?:[^"\\]|\\.)*")'
# White space before a semicolon belongs to that semicolon only: if it could belong to either of
# two, a line of them would be tried in all combinations.
_TYPE = re.compile(rf"({_WORD}/{_WORD})((?:[ \t]*;(?:[ \t]*{_WORD}={_VALUE})?)*)")
_PARAMETER = re.compile(rf";[ \t]*({_WORD})=({_VALUE})")
_JSON = re.compile(rf"application/(?:jsonl?|{_WORD}\+json)", re.IGNORECASE)


def length_of(headers: Headers) -> int | None:
    """Bytes that the head announces, 0 without a body and -1 if only its end will tell.

    `None`: it could be read in two ways, so that two readers would disagree where a request ends.
    """
    lengths = headers.all("content-length")
    chunked = "transfer-encoding" in headers
    if not lengths:
        return -1 if chunked else 0
    if chunked or len(lengths) > 1 or not _is_length(lengths[0]):
        return None
    return int(lengths[0])


def is_plain(codings: Sequence[str]) -> bool:
    """Whether all values of all `Content-Encoding` fields say that nothing was done to it."""
    named = [coding.strip().lower() for value in codings for coding in value.split(",")]
    return all(coding in {"", "identity"} for coding in named)


@lru_cache(maxsize=REMEMBERED)
def is_json(content_type: str) -> bool:
    match = _TYPE.fullmatch(content_type.strip(" \t"))
    if match is None or not _JSON.fullmatch(match[1]):
        return False
    charsets = [
        value.strip('"').lower()
        for name, value in _PARAMETER.findall(match[2])
        if name.lower() == "charset"
    ]
    return all(charset in {"utf-8", "utf8"} for charset in charsets)


def _is_length(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= 20
