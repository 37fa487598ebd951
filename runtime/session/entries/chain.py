"""The chain: eight bytes behind each entry that name the whole log up to it.

`chain(n)` is BLAKE2b over `chain(n - 1)` and all that entry `n` says; `chain(0)`, the *root*, is
random. So two logs that agree in one link agree in everything before it, a cursor or an ETag made
of a link fits one log only, whatever crashed in between, and a changed letter shows.

The body goes in as a digest D of its own: D stays when the body is dropped, and computing it is the
only part that takes time with large bodies. Every part is preceded by its length, so that no two
entries say the same bytes.
"""

import secrets
from functools import lru_cache
from hashlib import blake2b
from struct import Struct

import msgspec

from runtime.store.entries import DROPPED, NUMBER_ID, TEXT_ID, Entry

LINK_SIZE = 8
"""Bytes of a link. 2^64 states: within one log two never meet by chance, and nobody gains by making
them meet, as whoever may write may also write what he likes."""

DIGEST_SIZE = 16
"""Bytes of D."""

_LENGTH = Struct(">Q")
_HEAD = Struct(f">{LINK_SIZE}sQ")


def new_root() -> bytes:
    """The chain of a log without entries."""
    return secrets.token_bytes(LINK_SIZE)


def digest(body: bytes, metadata: bytes | None = None, form: int = 0) -> bytes:
    """D of an entry: its body, its metadata, and whether its key is a member of the body."""
    parts = blake2b(digest_size=DIGEST_SIZE)
    parts.update(bytes((form & (TEXT_ID | NUMBER_ID), metadata is not None)))
    parts.update(_LENGTH.pack(len(body)))
    parts.update(body)
    if metadata is not None:
        parts.update(metadata)
    return parts.digest()


def digest_of(entry: Entry) -> bytes:
    """D of an entry, also of one whose body was dropped."""
    if entry.form & DROPPED:
        return bytes.fromhex(msgspec.json.decode(entry.body)["dropped"])
    return digest(entry.body, entry.metadata, entry.form)


def dropped_body(entry: Entry) -> bytes:
    """What stands in the place of the entry's body once that is dropped."""
    return msgspec.json.encode({"dropped": digest_of(entry).hex()})


def link(before: bytes, seq: int, kind: str, key: str | None, at: str, content: bytes) -> bytes:
    """The chain behind an entry, from the one before it. `content` is the entry's D."""
    named = _NO_KEY if key is None else _part(b"=" + key.encode())
    said = (_HEAD.pack(before, seq), _text(kind), named, _text(at), _DIGEST_HEAD, content)
    return blake2b(b"".join(said), digest_size=LINK_SIZE).digest()


def _part(said: bytes) -> bytes:
    return _LENGTH.pack(len(said)) + said


_text = lru_cache(lambda text: _part(text.encode()))
"""There are few kinds, and one of them is in every link; and all entries of a call are of one time.
"""
_NO_KEY = _part(b"")
_DIGEST_HEAD = _LENGTH.pack(DIGEST_SIZE)


def tag(seq: int, chain: bytes) -> str:
    """What an ETag and a cursor say: `<seq>-<chain>`."""
    return f"{seq}-{chain.hex()}"
