"""Living sessions found by what is in them, a part at a time, in the order of their numbers."""

from collections.abc import Sequence

from attrs import frozen


@frozen
class Superseded:
    """Some of the living sessions in which a clean-up may find work."""

    sessions: Sequence[tuple[int, str]]
    """(no, session id), in the order of `no`."""
    next: int | None
    """The `no` that was looked at last: the next call goes on behind it. `None`: all were looked
    at. There may be few sessions here, or none, and more to look at: one call looks at so many
    entries as a store can while somebody waits, not at all."""


@frozen
class WaitingPage:
    """Some of the living sessions that wait for somebody."""

    sessions: Sequence[tuple[int, str]]
    """(no, session id), in the order of `no`."""
    next: int | None
    """The `no` behind which the next page begins; `None` at the end."""
