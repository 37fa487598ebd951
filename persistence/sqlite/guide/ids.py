"""Under which id a taken-over session goes on: its own, wherever that can be asked for.

That system's ids may be anything. One that no URL can carry, as it is empty or too long, becomes
`~` and a digest. One with a character that had to be replaced may now look like another's: then the
digest comes behind it.
"""

from collections.abc import Callable
from hashlib import blake2b

from runtime import MAX_SESSION_ID


def id_for(old: str, is_mended: bool, is_taken: Callable[[str], bool]) -> str:
    """The id; `is_taken` tells of the ids of other sessions, old ones and those given here."""
    if not 0 < len(old.encode()) <= MAX_SESSION_ID:
        return _free("", old, is_taken)
    if is_mended and is_taken(old):
        return _free(old if len(old.encode()) + 17 <= MAX_SESSION_ID else "", old, is_taken)
    return old


def _free(before: str, old: str, is_taken: Callable[[str], bool]) -> str:
    number = 0
    while is_taken(name := f"{before}~{_digest(old, number)}"):
        number += 1
    return name


def _digest(old: str, number: int) -> str:
    return blake2b(f"{number}{old}".encode() if number else old.encode(), digest_size=8).hexdigest()
