"""A command that takes long is done in steps, between which other sessions go on.

It changes nothing for good before its last step: closed before that, or failed, it has done
nothing. Whoever drives it sees to it that nobody sees, or writes, what is half done.
"""

from collections.abc import Generator
from typing import TypeVar

R = TypeVar("R")

Steps = Generator[None, None, R]

AT_ONCE = 50
"""Entries that one step appends: less than a millisecond, two if they have some KiB each."""


def at_once(steps: Steps[R]) -> R:
    """Does all the steps, and lets nobody in between; returns what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: R = end.value
            return value
