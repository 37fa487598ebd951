"""The session that a framework's own names stand for.

Rules:

- A name that can be a session's id is that id: so whoever uses the same one shares the session.
- What cannot be one, or begins with `~`, or has several parts that could be read in two ways,
  becomes `~` and an escape. What is too long for that becomes `~` and a digest.
- The true names are kept in the session's metadata by whoever makes it: a digest does not tell.
"""

from collections.abc import Sequence
from hashlib import blake2b
from urllib.parse import quote, unquote

LONGEST = 512
"""Bytes of UTF-8 that a session's id may have."""

LONGEST_KEY = 256
"""Bytes of UTF-8, so at most as many characters, that an entry's key may have."""

DIGEST = "~="
"""What digests begin with. An escape has no `=`, so none begins like this."""

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
    return f"{DIGEST}{blake2b(escaped.encode(), digest_size=32).hexdigest()}"


def parts_of(session_id: str) -> Sequence[str]:
    """The parts of the name that this id was made of; none, if the id is a digest.

    What was one part with a `:` in it is read as several: it is the same id.
    """
    if session_id.startswith(DIGEST):
        return ()
    if not session_id.startswith("~"):
        return session_id.split(BETWEEN)
    return [unquote(part, errors="surrogatepass") for part in session_id[1:].split(BETWEEN)]


def prefixes_of(*parts: str) -> Sequence[str]:
    """What ids begin with, whose names have more parts than these and begin with these.

    Ids that are digests are among them, so each may be of another name as well.
    """
    plain = BETWEEN.join((*parts, ""))
    escaped = "~" + BETWEEN.join((*map(_escaped, parts), ""))
    is_plain = session_id_of(*parts, "-") == f"{plain}-"
    fitting = [plain] if is_plain else []
    return [*fitting, *([escaped] if len(escaped) <= LONGEST else []), DIGEST]


def key_of(name: str) -> str:
    """A framework's own id as the key of an entry, or the id of a call; else a digest of it."""
    # `isprintable` has no lone surrogate pass.
    if name and name.isprintable() and not name.startswith(DIGEST) and _size(name) <= LONGEST_KEY:
        return name
    digest = blake2b(name.encode(errors="surrogatepass"), digest_size=32)
    return f"{DIGEST}{digest.hexdigest()}"


def _size(name: str) -> int:
    return len(name.encode(errors="surrogatepass"))


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
