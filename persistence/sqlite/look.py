"""The places of entries: one index tree for two questions, which entry has a number, and a key.

A row of the table `look` is `(no, k, id)`: in life `no`, what `k` stands for is in row `id` of
`entry`. `k` is an entry's number, or a hash of what it can be found by: its kind and key, or the id
of the call that it began. Numbers lie below 2^32 and hashes from 2^61 on (`1 << 61` in the
statements), so the two never meet, and all of one life lies side by side.

Two trees, one for numbers and one for keys, would cost a page more for each append. Several entries
may share a `k`: a record is written again and again under its key, and hashes may collide. So who
looks for a key compares it with that of each entry found.
"""

from hashlib import blake2b

from runtime import Entry

LAST_NUMBER = (1 << 32) - 1
"""The highest number that an entry can have."""

FIRST_HASH = 1 << 61
"""From here on `k` is a hash."""


def hash_of(kind: str, key: str) -> int:
    """What `k` is for an entry of this kind and key; kind `""`: for the id of a call."""
    found = blake2b(f"{kind}\0{key}".encode(), digest_size=8).digest()
    return FIRST_HASH | int.from_bytes(found, "big") >> 3


def hashes_of(kind: str, key: str | None, call: str | None) -> list[int]:
    """What `k` is for an entry, beside its number; each once, also if the two collide."""
    found = [] if key is None else [hash_of(kind, key)]
    if call is not None and (of_call := hash_of("", call)) not in found:
        found.append(of_call)
    return found


def rows_of(no: int, entry: Entry, place: int) -> list[tuple[int, int, int]]:
    """The rows for an entry that lies in row `place`."""
    hashes = hashes_of(entry.kind, entry.key, entry.call)
    return [(no, k, place) for k in (entry.seq, *hashes)]
