"""Which sessions are this process's: all of them, or those of some shards.

Many processes, *nodes*, may share one store. Then a session is owned by one of them, which alone
changes it, and alone shows what it is now. Sessions are dealt out by the shard that their id falls
into.

- A node owns a shard while it says so regularly (`beat`), by its own steady clock. If that is late
  it serves nothing, as another node may own the shard by now.
- Owning is no proof at the moment of a commit: there the store itself refuses who has lost it.
- A shard is given up in this order: nothing more is taken for it (`let_go`); what was taken is
  answered, and committed; then another node is told that it has it (`hand_over`).
"""

from collections.abc import Collection, Sequence
from typing import Protocol
from zlib import crc32

from attrs import field, frozen

from runtime.config import SECONDS

SHARDS = 256
"""Enough that each of some ten nodes has its share within a tenth, and few enough that all of them
are looked at in each beat."""


def shard_of(session_id: str) -> int:
    """The shard that a session's id falls into, 0 to 255: the same in every process, for ever."""
    return crc32(session_id.encode("utf-8", "surrogatepass")) % SHARDS


@frozen(kw_only=True)
class Node:
    """A process that shares the store."""

    id: str
    address: str | None
    """`host:port` at which the other nodes reach it; `None`: they do not."""
    shards: int
    """How many it owns."""
    is_leaving: bool
    """Whether it gives up all that it has, and takes nothing."""
    is_self: bool
    seen: str
    """When it last said that it is there, by the store's clock, UTC."""


@frozen(kw_only=True)
class OwnershipStatistics:
    """How this process stands among the nodes."""

    shards: int = SHARDS
    """That it owns."""
    takeovers: int = 0
    """Nodes that it has found dead, and ended."""
    refusals: int = 0
    """Commits that the store refused, because the ownership was lost."""


class Ownership(Protocol):
    """What this process owns, of a store that may be shared.

    `beat` and `hand_over` block: they are called in threads, also at the same time. All else is
    called by the event loop's thread, and neither blocks nor yields.
    """

    @property
    def is_shared(self) -> bool:
        """Whether there can be other nodes. If not, nothing below is called but `check`."""

    @property
    def pace(self) -> float:
        """Seconds between two beats."""

    def check(self, session_id: str) -> None:
        """Returns if the session is this process's at this moment. Raises `NotHere`."""

    def beat(self) -> None:
        """Says that this process is there, and learns how things are.

        Raises `LostOwnership` if others have found it dead, `StoreError` if the store does not
        answer: that may pass.
        """

    def surplus(self) -> Collection[int]:
        """Shards that this process owns and is to give up now: others have too few, or it leaves.

        Not those that it has let go of already.
        """

    def let_go(self, shards: Collection[int]) -> None:
        """From now on `check` refuses the sessions of these shards."""

    def hand_over(self, shards: Collection[int]) -> Collection[int]:
        """Gives shards that were let go of to the others, and returns those that have gone.

        That may be fewer, or none: the others do not want them any more. Raises as `beat` does:
        then nobody knows whether they have gone, and it is to be called again. Shards that an
        earlier call has given are among those that it returns.
        """

    def take_back(self, shards: Collection[int]) -> None:
        """The opposite of `let_go`: they could not be given up."""

    def leave(self) -> None:
        """From now on this process gives up all that it has, and takes nothing."""

    @property
    def has_left(self) -> bool:
        """Whether it owns nothing any more, or there is nobody to give anything to."""

    def nodes(self) -> Sequence[Node]:
        """All nodes, as the last beat found them, in the order of their ids."""

    def statistics(self) -> OwnershipStatistics:
        """How this process stands."""


@frozen
class Alone:
    """The ownership of a process that has its store for itself."""

    is_shared: bool = field(default=False, init=False)
    pace: float = field(default=1 * SECONDS, init=False)
    has_left: bool = field(default=True, init=False)

    def check(self, session_id: str) -> None:
        """Every session is here."""

    def beat(self) -> None:
        """Nobody wants to know."""

    def surplus(self) -> Collection[int]:
        return ()

    def let_go(self, shards: Collection[int]) -> None:
        """There is nobody to whom it could go."""

    take_back = let_go

    def hand_over(self, shards: Collection[int]) -> Collection[int]:  # noqa: ARG002
        return ()

    def leave(self) -> None:
        """Nothing is to be done before the end."""

    def nodes(self) -> Sequence[Node]:
        return ()

    def statistics(self) -> OwnershipStatistics:
        return OwnershipStatistics()
