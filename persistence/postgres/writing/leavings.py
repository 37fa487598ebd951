"""What earlier owners of this node's shards have left: it is seen to with the first commit."""

from collections.abc import Collection, Mapping

from attrs import define, field, frozen

from persistence.postgres.connections import Connection
from persistence.postgres.writing import ahead
from persistence.postgres.writing.purging import unfinished

Tenures = Mapping[int, int]
"""Shards, and what tells one time of owning each from another."""


@frozen
class Leavings:
    """What of it one commit sees to."""

    written_ahead: Collection[int]
    """Shards that it writes to for the first time: what was written ahead there goes before. Of
    others nothing is touched: they may have been given away by now."""
    unpurged: Collection[int]
    """Shards of which it is not known yet what is being purged in them."""

    def remove(self, connection: Connection) -> None:
        """Nothing is fetched."""
        if self.written_ahead:
            ahead.remove(connection, self.written_ahead)

    def purging(self, connection: Connection, node: str) -> list[int]:
        """The lives that others have begun to purge, or to write ahead.

        Asked before anything is written, as this node may begin to write ahead as well.
        """
        return unfinished(connection, node, self.unpurged) if self.unpurged else []


@define
class Heritage:
    """Which leavings have been seen to."""

    _removed: dict[int, int] = field(factory=dict)
    _looked_for: dict[int, int] = field(factory=dict)

    def of(self, shards: Collection[int], tenures: Tenures) -> Leavings:
        """What a commit to these shards has to see to."""
        return Leavings(
            [one for one in shards if one in tenures and self._removed.get(one) != tenures[one]],
            [one for one, since in tenures.items() if self._looked_for.get(one) != since],
        )

    def seen_to(self, leavings: Leavings, tenures: Tenures) -> None:
        """It is committed, and so done."""
        self._removed.update((shard, tenures[shard]) for shard in leavings.written_ahead)
        self._looked_for.update((shard, tenures[shard]) for shard in leavings.unpurged)
