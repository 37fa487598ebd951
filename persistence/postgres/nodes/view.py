"""How a beat has found things: who is there, and who owns which shard."""

import math
from collections.abc import Collection, Mapping, Sequence

from attrs import field, frozen

from persistence.postgres.nodes.shares import Owners
from runtime import SHARDS


@frozen(kw_only=True)
class Member:
    """A node, as its row says."""

    id: str
    address: str | None
    beats: int
    is_leaving: bool
    seen: str
    """UTC, by the database's clock: to be shown, and not to be reckoned with."""


@frozen(kw_only=True)
class Reading:
    """What was read in one transaction."""

    members: Sequence[Member]
    """In the order of their ids."""
    owners: Owners

    @property
    def stayers(self) -> Collection[str]:
        """The nodes that are there to stay."""
        return [member.id for member in self.members if not member.is_leaving]

    def without(self, nodes: Collection[str]) -> "Reading":
        """The same when these nodes are no more."""
        return Reading(
            members=[member for member in self.members if member.id not in nodes],
            owners=[None if owner in nodes else owner for owner in self.owners],
        )

    def owned_by(self, node: str, shards: Collection[int]) -> "Reading":
        """The same when these shards are the node's."""
        owners = [node if shard in shards else owner for shard, owner in enumerate(self.owners)]
        return Reading(members=self.members, owners=owners)


@frozen(kw_only=True)
class View:
    """What a node goes by until its next beat. It is replaced as a whole, and never changes."""

    node: str
    """Whose it is."""
    since: float
    """When the beat began that has found it so, by this node's clock."""
    beat: int
    """The number of that beat."""
    reading: Reading
    silent: Collection[str] = ()
    """Nodes that are better given nothing now."""
    mine: Mapping[int, int] = field(factory=dict)
    """The shards that this node owns, and the number of the beat from which on it has. So a shard
    that was given away and has come back is told from one that was never away."""

    @classmethod
    def empty(cls, node: str) -> "View":
        """Of a node that knows nothing, and owns nothing."""
        reading = Reading(members=(), owners=(None,) * SHARDS)
        return cls(node=node, since=-math.inf, beat=0, reading=reading)

    def then(
        self, reading: Reading, *, since: float, beat: int, given: Collection[int] = ()
    ) -> "View":
        """The next one. `given`: shards that were handed over before `reading` was read."""
        mine = {
            shard: beat if shard in given else self.mine.get(shard, beat)
            for shard, owner in enumerate(reading.owners)
            if owner == self.node
        }
        return View(
            node=self.node,
            since=since,
            beat=beat,
            reading=reading,
            silent=self.silent,
            # The same object where nothing has changed: so that is seen at once.
            mine=self.mine if self.mine == mine else mine,
        )

    def address_of(self, shard: int) -> str | None:
        """Where the shard's owner is reached, if that is another node."""
        owner = self.reading.owners[shard]
        if owner is None or owner == self.node:
            return None
        return next((one.address for one in self.reading.members if one.id == owner), None)
