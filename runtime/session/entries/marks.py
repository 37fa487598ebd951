"""Marks on their way from a tail to the outline: as they are packed, so many move in one go."""

from collections.abc import Sequence

from attrs import frozen


@frozen
class Marks:
    """Several entries that are no messages, in columns."""

    seqs: Sequence[int]
    kind_names: Sequence[str]
    kinds: bytes
    """Places in `kind_names`."""
    forms: bytes
    moments: bytes
    keys: Sequence[bytes]
    """An empty one is none."""
