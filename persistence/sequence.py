"""A change must follow on what is stored: the numbers of entries never skip or repeat.

The rule that no constraint of a database says, so every store takes it from here.
"""

from attrs import evolve

from runtime import Change, Fork, Header, MiB

LOOKED_AT = 10_000
"""Sessions that a store looks at for one page of a filtered list. A filter that hardly any session
passes would otherwise read all of them for one answer."""

PAGE_BYTES = 4 * MiB
"""Bytes of metadata that one page of a list has, or one session's more. A page of a thousand that
have as much as they can would be 64 MiB, for each of those who read one at once."""


class OutOfStep(ValueError):
    """A delta does not follow on what is stored; says where."""


def check_change(change: Change) -> None:
    """Raises `OutOfStep` if the change contradicts itself."""
    seq = change.after
    if seq and change.no is None:
        raise OutOfStep(f"a life that begins has no {seq} entries yet")
    for entry in change.entries:
        seq += 1
        if entry.seq != seq:
            raise OutOfStep(f"entry {entry.seq} does not follow on entry {seq - 1}")
    if change.header.version != seq:
        raise OutOfStep(f"the last entry is {seq}, and the version {change.header.version}")
    if change.end == "trash" and not change.ended_at:
        raise OutOfStep("a life ends without a moment")


def check_fork(fork: Fork) -> None:
    """Raises `OutOfStep` if the fork contradicts itself."""
    if fork.at < 0 or not fork.at + 1 == fork.entry.seq == fork.header.version:
        raise OutOfStep(
            f"entry {fork.entry.seq} does not make version {fork.header.version} of {fork.at}"
        )


def header_of_copy(fork: Fork, floor: int) -> Header:
    """The header of a fork of a life that has this floor now."""
    return evolve(fork.header, floor=max(fork.header.floor, min(floor, fork.at)))
