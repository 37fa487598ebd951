"""The places of entries: one index tree for two questions, which entry has a number, and a key.

A row of the table `look` is `(no, k, id)`. If `k` is a number of an entry (below 2^32), the row is
a *run*: the entries of life `no` from number `k` on, up to the life's next run, lie in the rows
`id`, `id + 1`, ... of `entry`. So what is written together takes one row here, however much it is,
and what goes on where the life's last entry lies takes none. Otherwise `k` is a hash (from 2^61 on,
`1 << 61` in the statements) of what one entry can be found by: its kind and key, or the id of the
call that it began; then the entry is in row `id`. All of one life lies side by side.

- Nothing says how long the last run of a life is. Whoever follows it knows the life's version, or
  compares: behind a life's entries lie those of others. Everybody compares anyway, because a
  damaged place must not show one session's entry in another one.
- Of a life, later entries have higher places: a new one lies behind all that are there.
- Two trees, one for numbers and one for keys, would cost a page more for each append that needs
  both.
- Several entries may share a hash: a record is written again and again under its key, and hashes
  may collide. So who looks for a key compares it with that of each entry found.
"""

from hashlib import blake2b

from runtime import Entry

LAST_NUMBER = (1 << 32) - 1
"""The highest number that an entry can have."""

FIRST_HASH = 1 << 61
"""From here on `k` is a hash."""

IN_RUNS = """
  FROM look AS run CROSS JOIN entry
    ON entry.id >= run.id + max(:low - run.k, 0)
   AND entry.id <= run.id - run.k
       + min(:high, coalesce((SELECT k - 1 FROM look
                               WHERE look.no = :no AND look.k > run.k ORDER BY k LIMIT 1), :high))
   AND +entry.no = :no AND +entry.seq = run.k + entry.id - run.id
 WHERE run.no = :no AND run.k <= :high
   AND run.k >= coalesce((SELECT max(k) FROM look WHERE look.no = :no AND k <= :low), 0)
"""
"""SQL: the entries `:low` to `:high` of life `:no`, each with its run.

The run that holds `:low` may begin before it; the next `k` may be a hash, which is above all
numbers. `+` keeps SQLite from making an index of all entries for what only compares.
"""


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


def keys_of(no: int, entry: Entry, place: int) -> list[tuple[int, int, int]]:
    """The rows by which an entry that lies in row `place` is found, but for its run."""
    return [(no, k, place) for k in hashes_of(entry.kind, entry.key, entry.call)]
