"""What was written, what was acknowledged, and what everybody has to be shown from then on.

What one client was told, by an answer to a write or a read, every later call has to know, whoever
makes it, by whatever way. And a number of a session is one entry, for ever.
"""

from collections.abc import Mapping, Sequence
from math import inf
from threading import Lock

from attrs import define, field

from tests.faults.cluster.clients.ways import Answer
from tests.faults.cluster.timeline import Timeline


@define
class Write:
    """One message that somebody sent."""

    session_id: str
    message_id: str
    began: float
    ended: float = inf
    """When it was acknowledged; until then it is unknown what came of it."""
    seq: int = 0
    """The number that it was acknowledged under."""
    way: str = ""
    """By which the acknowledgement came."""


@define
class Book:
    """All of it. Threads share it."""

    timeline: Timeline
    writes: dict[str, Write] = field(factory=dict)
    """By the ids of the messages, which are unique."""
    _floors: dict[str, int] = field(factory=dict)
    _ids: dict[str, dict[int, str]] = field(factory=dict)
    _writing: Lock = field(factory=Lock)

    def sends(self, session_id: str, message_ids: Sequence[str], now: float) -> None:
        """Somebody is about to."""
        with self._writing:
            for message_id in message_ids:
                assert message_id not in self.writes, f"{message_id} is not unique"
                self.writes[message_id] = Write(session_id, message_id, now)

    def acknowledged(self, message_ids: Sequence[str], seqs: Sequence[int], by: Answer) -> None:
        """Also again: then the numbers have to be those of the first time."""
        session_id = self.writes[message_ids[0]].session_id
        for message_id, seq in zip(message_ids, seqs, strict=True):
            write = self.writes[message_id]
            if write.seq not in {0, seq}:
                what = f"{message_id} was acknowledged as {write.seq}, and then as {seq}"
                self.timeline.fault(f"{session_id}: {what}, through {by.way.name}", by.ended)
            if not write.seq:
                write.seq, write.ended, write.way = seq, by.ended, by.way.name
        self._learn(session_id, dict(zip(seqs, message_ids, strict=True)), by)

    def floor(self, session_id: str) -> int:
        """The number of the last entry that anybody was told of: calls that begin now know it."""
        return self._floors.get(session_id, 0)

    def shown(
        self, session_id: str, floor: int, version: int, ids: Mapping[int, str], by: Answer
    ) -> None:
        """Somebody who asked when `floor` was known was told of so many entries, and of these.

        Of what the answer does not say to be on disk nobody has to know later: while a store fails,
        a node shows what it has in memory, and says so.
        """
        if version < floor:
            what = f"a stale read through {by.way.name}: {version} entries, {floor} were told of"
            self.timeline.fault(f"{session_id}: {what}", by.ended)
        durable = by.durable or 0
        known = {seq: one for seq, one in ids.items() if seq <= durable}
        self._learn(session_id, known, by, min(version, durable))

    def _learn(self, session_id: str, ids: Mapping[int, str], by: Answer, version: int = 0) -> None:
        with self._writing:
            known = self._ids.setdefault(session_id, {})
            other = [seq for seq, one in ids.items() if known.setdefault(seq, one) != one]
            self._floors[session_id] = max([self._floors.get(session_id, 0), version, *ids])
        for seq in other:
            what = f"{seq} is {ids[seq]} through {by.way.name}, and was {known[seq]}"
            self.timeline.fault(f"{session_id}: {what}", by.ended)
