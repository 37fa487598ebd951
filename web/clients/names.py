"""The session that a framework's own names stand for.

Rules:

- A name that can be a session's id is that id: so whoever uses the same one shares the session.
- What cannot be one, or begins with `~`, or has several parts that could be read in two ways,
  becomes `~` and an escape. What is too long for that becomes `~` and a digest.
- The true names are kept in the session's metadata by whoever makes it: a digest does not tell.
"""

from hashlib import blake2b
from urllib.parse import quote

LONGEST = 512
"""Bytes of UTF-8 that a session's id may have."""

BETWEEN = ":"
"""Between the parts of a name that has several."""


def session_id_of(*parts: str) -> str:
    """The id of the session with this name, of one part or of several. Different for each name."""
    plain = BETWEEN.join(parts)
    is_plain = len(parts) == 1 or not any(BETWEEN in part or not part for part in parts)
    if is_plain and _is_legal(plain) and not plain.startswith("~"):
        return plain
    escaped = BETWEEN.join(_escaped(part) for part in parts)
    if len(escaped) < LONGEST:
        return f"~{escaped}"
    # The escape has no `=`, so no name's escape reads like this.
    return f"~={blake2b(escaped.encode(), digest_size=32).hexdigest()}"


def _is_legal(name: str) -> bool:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return 0 < size <= LONGEST and name not in (".", "..") and all(map(_is_shown, name))


def _is_shown(character: str) -> bool:
    # The control characters of C0 and C1, which no new id may have.
    return character >= " " and not "\x7f" <= character <= "\x9f"


def _escaped(part: str) -> str:
    return quote(part.encode(errors="surrogatepass"), safe="")
