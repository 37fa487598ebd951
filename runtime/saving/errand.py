"""What the store has to do with a session that is not in memory: a record without an actor.

An expired session goes into the trash, one comes out of it, a fork begins. While an errand waits
for its commit it holds the session's id in the dirty set, so that no activation of the same id can
start from what is about to change.
"""

from attrs import define

from runtime.session.state import SESSION_OVERHEAD
from runtime.store.deltas import Committed, Delta
from runtime.store.listing import SessionInfo
from runtime.store.steps import Expire, Fork, Purge, Redact, Scrub, Undelete


@define(eq=False)
class Errand:
    """One step for the store, under a session's id."""

    session_id: str
    step: Expire | Purge | Undelete | Fork | Redact | Scrub
    info: SessionInfo | None = None
    """What comes out of the trash: for those who are told of it."""
    mark: int = 1
    durable_mark: int = 0
    undurable_bytes: int = SESSION_OVERHEAD
    is_under_way: bool = False
    can_wait: bool = False
    expired: bool = False
    """Whether the store had such a session, and has ended it."""
    committed: Committed | None = None
    """What the store said of it when it was done."""

    @property
    def is_of_nobody(self) -> bool:
        """Whether it touches what has no owner: what lies in the trash, and what is gone."""
        return isinstance(self.step, Purge | Scrub)

    def delta(self) -> Delta:
        """The step itself."""
        return Delta(session_id=self.session_id, mark=1, steps=(self.step,))

    def mark_durable(self, delta: Delta, committed: Committed) -> bool:
        """Takes note that it is done."""
        self.durable_mark = delta.mark
        self.undurable_bytes = 0
        self.expired = self.session_id in committed.expired
        self.committed = committed
        return False

    def settle_more(self) -> bool:
        """There is nothing to do: an errand keeps nothing in memory."""
        return False
