"""What a commit is given, a delta for each session id, and what became of them."""

from collections.abc import Collection, Mapping, Sequence

from attrs import field, frozen

from runtime.errors import DeltaRejected
from runtime.store.steps import Step


@frozen(kw_only=True)
class Delta:
    """What of one session id the store does not have yet."""

    session_id: str
    mark: int
    """The record's number of changes that this brings the store to; for the runtime alone."""
    steps: Sequence[Step]
    """One life after the other: all but the last one end."""

    @property
    def size(self) -> int:
        """Bytes of text that the delta brings to the store."""
        return sum(step.size for step in self.steps)


@frozen
class Committed:
    """What became of a batch of deltas: all durable but the rejected and the unfinished ones."""

    rejected: Mapping[str, DeltaRejected] = field(factory=dict)
    """Session id to the reason; such a session is in the store as it was before the batch."""
    begun: Mapping[str, int] = field(factory=dict)
    """Session id to the `no` of the last life that its delta began."""
    expired: Collection[str] = ()
    """Ids of the sessions that an `Expire` ended."""
    leftover: bool = False
    """Whether a purge has more to do: each commit removes some, also one without any delta."""
    unfinished: Collection[str] = ()
    """Ids of the sessions of which only part of the delta is written, and not to be seen: a store
    may take what is large in several commits. It goes on when what the session then has comes."""
    traces: Sequence[str] = ()
    """With a finished `Scrub`: names of files, as far as the store knows, that may still have what
    was purged."""
    is_held_up: bool = False
    """With a finished `Scrub`: whether a reader keeps it from coming to its end. Later it may."""
