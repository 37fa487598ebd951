"""The removal of an expired session that is not in memory: a record without an actor.

While it waits for its commit it holds the session's id in the dirty set, so that no activation of
the same id can start from what is about to go.
"""

from attrs import define

from runtime.session.state import SESSION_OVERHEAD
from runtime.store import Delta


@define(eq=False)
class Erasure:
    """Erases a stored session, unless its last activity turns out to be `before` or later."""

    session_id: str
    before: str
    version: int = 1
    durable_version: int = 0
    undurable_bytes: int = SESSION_OVERHEAD
    erased: bool = False
    """Whether the store had such a session, and has removed it."""

    def delta(self) -> Delta:
        """The erasure itself."""
        return Delta(session_id=self.session_id, version=1, erase=True, erase_before=self.before)

    def mark_durable(self, delta: Delta) -> None:
        """Takes note that it is done."""
        self.durable_version = delta.version
        self.undurable_bytes = 0
