"""Which of the other nodes are dead: those whose beats do not change.

Each node writes a number with each of its beats, a higher one each time. Nobody's clock is compared
with anybody else's, and the database's says nothing: only this node's own steady one counts, from
when it first saw a number. What stalls this node, or the database, stalls its own beats too. So a
gap between them makes all judgements begin anew, or the first node to wake would end the others.

A verdict stays right however late it is carried out, as long as the number is still the same then.
"""

from collections.abc import Collection, Mapping

from attrs import define, field, frozen

from runtime import SECONDS

TTL = 3 * SECONDS
"""Of a node's silence, then it is dead: twelve beats, and a second more than a node serves without
one. With what follows it leaves a dead node's sessions alone for less than five seconds."""

GAP = 2 * SECONDS
"""Between two looks: after more than that nothing is concluded from before. What stalls all nodes
for less than that kills none, as each of them beats again before `TTL` is over."""

SILENCE = 0.75 * SECONDS
"""Of a node that is not dead yet, but is better given nothing: three beats."""


@frozen
class _Sight:
    beats: int
    since: float
    """When this number was first seen, by this node's clock."""


@define
class Judge:
    """What one node has seen of the others."""

    ttl: float = TTL
    gap: float = GAP
    _sights: dict[str, _Sight] = field(factory=dict, init=False)
    _looked: float | None = field(default=None, init=False)

    def look(self, now: float, beats: Mapping[str, int]) -> Collection[str]:
        """Takes in the others' numbers, and returns the ids of those who are dead.

        `now`: when all of this had been read, so that no number is taken for older than it is.
        """
        if self._looked is not None and now - self._looked > self.gap:
            self._sights.clear()
        self._looked = now
        before = self._sights
        self._sights = {
            node: seen
            if (seen := before.get(node)) is not None and seen.beats == number
            else _Sight(number, now)
            for node, number in beats.items()
        }
        return self._unchanged_for(self.ttl, now)

    def silent(self) -> Collection[str]:
        """Who did not beat lately, as the last look found it."""
        return self._unchanged_for(SILENCE, self._looked or 0.0)

    def _unchanged_for(self, span: float, now: float) -> Collection[str]:
        return frozenset(node for node, seen in self._sights.items() if now - seen.since >= span)
