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

    def purging(self, connection: Connection, node: str, known: Collection[int]) -> list[int]:
        """The lives that others have begun to purge, or to write ahead.

        `known` are those of which this node knows that it has done so itself.
        """
        found = unfinished(connection, node, self.unpurged) if self.unpurged else []
        return [no for no in found if no not in known]


@define
class Heritage:
    """Which leavings have been seen to."""

    _removed: dict[int, int] = field(factory=dict)
    _looked_for: Mapping[int, int] = field(factory=dict)

    def look_again(self) -> None:
        """For what others have begun meanwhile in this node's shards. Called by any thread."""
        self._looked_for = {}

    def of(self, shards: Collection[int], tenures: Tenures) -> Leavings:
        """What a commit to these shards has to see to."""
        looked_for = self._looked_for
        return Leavings(
            [one for one in shards if one in tenures and self._removed.get(one) != tenures[one]],
            # Nearly always it is the same object: of the last beat.
            []
            if looked_for is tenures
            else [one for one, since in tenures.items() if looked_for.get(one) != since],
        )

    def seen_to(self, leavings: Leavings, tenures: Tenures) -> None:
        """It is committed, and so done."""
        self._removed.update((shard, tenures[shard]) for shard in leavings.written_ahead)
        self._looked_for = tenures
