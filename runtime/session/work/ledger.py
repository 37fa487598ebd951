"""The stretches of a log, in each of which one agent worked, and what was used in each.

Rules:

- A stretch begins where the agent becomes another one: with a switch, or with a rewind to where
  another one worked. The first one begins with the log.
- What was used stays used: no rewind takes it back. Of a fork, what its source had used is not its
  own; who worked there is told.
- A ledger is made by taking the entries in their order, and only those that mean something here. So
  it is never made anew, and costs what is new; where a log is long, it is read once.

**What all sessions used** is not read from their logs: a store keeps sums for each life, to which a
change brings what its entries add (see `spent`). `verify` holds them to a ledger of the log.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from heapq import merge

import msgspec
from attrs import define, evolve, field, frozen

from runtime.session.entries.counting import goal_of
from runtime.session.entries.tail import Tail
from runtime.session.work.spent import spent_by
from runtime.session.work.sums import Sums
from runtime.store.entries import MESSAGE, Entry
from runtime.store.stored import DEFAULT_AGENT
from runtime.store.used import Numbers, UsedPlace

KINDS = ("settings", "switch", "rewind", "usage")
"""The kinds whose entries mean something here; messages do if they have metadata."""


@frozen
class Stretch:
    """Some consecutive entries of a log, while one agent worked."""

    first: int
    """The number of the entry with which it begins."""
    last: int | None
    """Of the last one; `None`: it goes on."""
    agent: str
    sums: Sums
    """What was used in it."""


@define(eq=False)
class Ledger:
    """What follows from the entries of one log up to `through`."""

    copied: int = 0
    """Of a fork: what was used up to this entry is its source's."""
    through: int = 0
    sums: Sums = field(factory=Sums)
    """All that was used."""
    _begun_by: str = DEFAULT_AGENT
    """Who would work if no entry counted."""
    _firsts: "array[int]" = field(factory=lambda: array("Q", (1,)))
    """The number of the entry with which each stretch begins."""
    _agents: list[str] = field(factory=lambda: [DEFAULT_AGENT])
    """Who worked in each."""
    _spent: dict[int, Sums] = field(factory=dict)
    """By its place: what was used in a stretch, if anything was."""

    def copy(self) -> "Ledger":
        """One that stays as it is when this one changes."""
        return evolve(
            self,
            sums=self.sums.copy(),
            firsts=self._firsts[:],
            agents=self._agents.copy(),
            spent={place: sums.copy() for place, sums in self._spent.items()},
        )

    def take(self, entry: Entry) -> None:
        """Takes an entry, the newest one so far."""
        self.through = entry.seq
        match entry.kind:
            case "message" | "usage" if entry.seq > self.copied:
                spent = spent_by(entry, self.agent)
                if spent is not None:
                    self._use(*spent)
            case "switch":
                self._go_on(entry.seq, msgspec.json.decode(entry.body)["to"])
            case "rewind":
                self._go_on(entry.seq, self.agent_at(goal_of(entry)))
            case "settings" if entry.seq == 1:
                self._begun_by = msgspec.json.decode(entry.body).get("agent", DEFAULT_AGENT)
                self._agents[0] = self._begun_by

    @property
    def agent(self) -> str:
        """Who works now."""
        return self._agents[-1]

    def agent_at(self, version: int) -> str:
        """Who worked when the log ended there."""
        place = bisect_right(self._firsts, version) - 1
        return self._begun_by if place < 0 else self._agents[place]

    def __len__(self) -> int:
        """How many stretches there are."""
        return len(self._firsts)

    def stretches(self, after: int, limit: int) -> list[Stretch]:
        """At most `limit` of them, of those that begin behind entry `after`, the oldest first."""
        begin = bisect_right(self._firsts, after)
        return [self._stretch(place) for place in range(begin, min(begin + limit, len(self)))]

    def _stretch(self, place: int) -> Stretch:
        last = None if place + 1 == len(self) else self._firsts[place + 1] - 1
        sums = self._spent.get(place) or Sums()
        return Stretch(self._firsts[place], last, self._agents[place], sums)

    def _go_on(self, seq: int, agent: str) -> None:
        if seq == 1:
            self._agents[0] = agent
        elif agent != self._agents[-1]:
            self._firsts.append(seq)
            self._agents.append(agent)

    def _use(self, place: UsedPlace, numbers: Numbers) -> None:
        self.sums.add(place, numbers)
        self._spent.setdefault(len(self) - 1, Sums()).add(place, numbers)


def meaning(tail: Tail, low: int, high: int) -> Iterator[int]:
    """The numbers of the resident entries from `low` to `high` that a ledger looks at."""
    of_kinds = (tail.of_kind(kind, low, high) for kind in KINDS)
    return merge(*of_kinds, tail.annotated(low, high))


def has_meaning(kind: str, metadata: bytes | None) -> bool:
    """The same of an entry that is not resident."""
    return kind in KINDS or (kind == MESSAGE and metadata is not None)
