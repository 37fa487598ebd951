"""Holding: what a node owns, as far as that is known without asking the database."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import define, field

from persistence.postgres.nodes import shares
from persistence.postgres.nodes.view import View
from runtime import SECONDS, Node, NotHere, shard_of

LEASE = 2 * SECONDS
"""How long a node serves after the begin of its last beat: a second less than it takes others to
find it dead, which is room for clocks that do not run equally fast."""


def steady() -> float:
    """Seconds, of a clock that nobody sets.

    Where there is one that goes on while the machine sleeps, of that.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@define(eq=False)
class Holding:
    """The half of `Membership` that neither waits nor yields: it is the event loop's thread's.

    The view alone is another thread's to replace, that of the beats, and each method reads it once.
    """

    node: str
    """This one's id."""
    _clock: Callable[[], float] = field(default=steady, kw_only=True)
    _view: View = field(init=False)
    _let_go: Mapping[int, int] = field(factory=dict, init=False)
    """Shards, and since which beat this node had owned each when it let go of it: what it lets go
    of, is given back and owns again, it serves again."""
    _is_leaving: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._view = View.empty(self.node)

    def check(self, session_id: str) -> None:
        """Returns if the session is this node's at this moment. Raises `NotHere`."""
        view, shard = self._view, shard_of(session_id)
        if not self._is_kept(view, shard) or not self._is_fresh(view):
            raise NotHere(session_id, view.address_of(shard))

    @property
    def tenures(self) -> Mapping[int, int]:
        """The shards that this node owns, and since which of its beats."""
        return self._view.mine

    def own(self) -> Collection[int]:
        """The shards whose sessions are looked after here: those that were not let go of."""
        view = self._view
        return [shard for shard in view.mine if self._is_kept(view, shard)]

    def nodes(self) -> Sequence[Node]:
        """All nodes, as the last beat found them, in the order of their ids."""
        reading = self._view.reading
        return [
            Node(
                id=one.id,
                address=one.address,
                shards=reading.owners.count(one.id),
                is_leaving=one.is_leaving,
                is_self=one.id == self.node,
                seen=one.seen,
            )
            for one in reading.members
        ]

    # -- giving up ---------------------------------------------------------------------------

    def surplus(self) -> Collection[int]:
        """Shards that others are to have. None while nobody knows how things are."""
        view = self._view
        if not self._is_fresh(view):
            return ()
        return [shard for shard in self._takers(view) if self._is_kept(view, shard)]

    def let_go(self, shards: Collection[int]) -> None:
        """From now on `check` refuses the sessions of these shards."""
        mine = self._view.mine
        begun = {shard: mine[shard] for shard in shards if shard in mine}
        self._let_go = {**self._let_go, **begun}

    def take_back(self, shards: Collection[int]) -> None:
        """The opposite of `let_go`, for shards that have not gone."""
        kept = {shard: begun for shard, begun in self._let_go.items() if shard not in shards}
        self._let_go = kept

    def leave(self) -> None:
        """From now on it gives up all that it has, and takes nothing; the next beat says so."""
        self._is_leaving = True

    @property
    def has_left(self) -> bool:
        """Whether others know that it leaves, and it has nothing to give, or nobody to give to."""
        view = self._view
        is_told = any(one.is_leaving for one in view.reading.members if one.id == self.node)
        return is_told and not (view.mine and view.reading.stayers)

    # -- inside ------------------------------------------------------------------------------

    def _is_fresh(self, view: View) -> bool:
        return self._clock() - view.since < LEASE

    def _is_kept(self, view: View, shard: int) -> bool:
        """Whether the node owns it and has not let go of it."""
        begun = view.mine.get(shard)
        return begun is not None and self._let_go.get(shard) != begun

    def _takers(self, view: View) -> Mapping[int, str]:
        """Which of this node's shards others are to have, and who."""
        stayers = set(view.reading.stayers)
        if self._is_leaving:
            stayers.discard(self.node)
        return {
            shard: taker
            for shard, taker in shares.moves(view.reading.owners, stayers).items()
            if shard in view.mine and taker not in view.silent
        }
