"""Numbered transactions, always the same ones, and what a store holds after each of them.

They do everything that a store is asked for: lives begin and go on, with entries of every kind and
size, are rewound, go into the trash or for good, come back, are copied. So whatever a fault leaves
can be compared with the state after each of them.
"""

from collections.abc import Iterator, Sequence

from attrs import define, evolve, field, frozen

from persistence import MemoryStore
from runtime.store.deltas import Delta
from runtime.store.listing import Listing
from runtime.store.steps import Purge, Undelete
from runtime.store.store import Store
from runtime.store.stored import Interval, Settings, StoredSession
from runtime.store.trash import TrashedSession
from tests.persistence.builders import (
    Item,
    at,
    begins,
    delta,
    follows,
    fork,
    message,
    record,
    switch,
)

ALL_OF_THEM = 1_000
"""Sessions and trash, of which there are never more than a dozen."""


@frozen
class Content:
    """All that a store holds."""

    living: dict[str, StoredSession]
    trash: Sequence[TrashedSession]

    @property
    def outline(self) -> dict[str, int]:
        """Which sessions, and how many entries: what is there, apart from its wording."""
        return {session_id: len(stored.entries) for session_id, stored in self.living.items()}

    @property
    def messages(self) -> int:
        """Of all living sessions."""
        return sum(stored.header.message_count for stored in self.living.values())


NOTHING = Content({}, ())


def content(store: Store) -> Content:
    """All that a store holds. Raises `StoreError`."""
    living = {
        info.session_id: evolve(stored, entries=tuple(stored.entries))
        for info in store.list_sessions(Listing(), ALL_OF_THEM).sessions
        if (stored := store.load(info.session_id)) is not None
    }
    return Content(living, tuple(store.trash(ALL_OF_THEM).sessions))


def models(number: int) -> list[Content]:
    """What a store holds after so many of the transactions, from none to all."""
    store = MemoryStore()
    result = [content(store)]
    for deltas in transactions(number):
        committed = store.commit(deltas)
        assert not committed.rejected, committed
        result.append(content(store))
    return result


def transactions(number: int, first: int = 1) -> Iterator[list[Delta]]:
    """The transactions of these numbers."""
    script = _Script()
    for turn in range(1, number + 1):
        deltas = list(script.transaction(turn))
        if turn >= first:
            yield deltas


@define
class _Life:
    """A life as the script has it so far."""

    no: int
    items: list[Item] = field(factory=list)
    intervals: tuple[Interval, ...] = ((1, None),)

    @property
    def message_count(self) -> int:
        return sum(
            item.kind == "message" and self._counts(seq) for seq, item in enumerate(self.items, 1)
        )

    @property
    def settings(self) -> Settings:
        titles = [
            item.body["title"]
            for item in self.items
            if isinstance(item.body, dict) and "title" in item.body
        ]
        return Settings(title=titles[-1] if titles else None, intervals=self.intervals)

    def _counts(self, seq: int) -> bool:
        return any(low <= seq <= (high or seq) for low, high in self.intervals)

    def rewind(self) -> None:
        """Takes the last entry back. Once in a life: that is enough, and simple to say."""
        last = len(self.items)
        self.items.append(Item("rewind", None, {"to": last - 1}))
        before: tuple[Interval, ...] = ((1, last - 1),) if last > 1 else ()
        self.intervals = (*before, (last + 2, None))


@define
class _Script:
    """The numbers that a store gives are foreseen: it counts from 1."""

    living: dict[str, _Life] = field(factory=dict)
    trash: list[tuple[str, _Life]] = field(factory=list)
    next_no: int = 1

    def transaction(self, turn: int) -> Iterator[Delta]:
        for session_id in sorted({f"s{turn % 5}", f"s{turn % 3}"}):
            life = self.living.get(session_id)
            if life is None:
                yield self._begin(session_id, turn)
            elif turn % 7 == 0:
                yield self._end(session_id, life, turn)
            else:
                yield self._go_on(session_id, life, turn)
        if turn % 9 == 0:
            yield self._fork(turn)
        if turn % 8 == 0 and self.trash:
            _, life = self.trash.pop(0)
            yield delta(f"\0purge {life.no}", Purge(life.no))

    def _begin(self, session_id: str, turn: int) -> Delta:
        """A new life, or, every other time, one out of the trash."""
        buried = [pair for pair in self.trash if pair[0] == session_id]
        if buried and turn % 2:
            self.trash.remove(buried[-1])
            self.living[session_id] = buried[-1][1]
            return delta(session_id, Undelete(buried[-1][1].no))
        life = self.living[session_id] = _Life(self._new_no(), _said(turn))
        if turn % 2:
            title = {"agent": "orchestrator", "title": f"Begun in {turn}"}
            life.items.insert(0, Item("settings", None, title))
        return delta(
            session_id,
            begins(*life.items, settings=life.settings, message_count=life.message_count),
        )

    def _go_on(self, session_id: str, life: _Life, turn: int) -> Delta:
        after, intervals = len(life.items), life.intervals
        if turn % 5 == 0 and len(intervals) == 1:
            life.rewind()
        life.items += _said(turn)
        changed = life.settings if life.intervals != intervals else None
        return delta(
            session_id,
            follows(
                life.no,
                after,
                *life.items,
                settings=changed,
                message_count=life.message_count,
            ),
        )

    def _end(self, session_id: str, life: _Life, turn: int) -> Delta:
        """Into the trash, or every other time for good."""
        del self.living[session_id]
        if turn % 2:
            self.trash.append((session_id, life))
        return delta(
            session_id,
            follows(
                life.no,
                len(life.items),
                *life.items,
                message_count=life.message_count,
                end="trash" if turn % 2 else "purge",
                ended_at=at(turn),
            ),
        )

    def _fork(self, turn: int) -> Delta:
        """A copy of the beginning of a session."""
        source = self.living[min(self.living)]
        point = max(1, len(source.items) // 2)
        origin = Item("settings", None, {"title": f"A copy of {turn}"})
        life = _Life(self._new_no(), [*source.items[:point], origin])
        self.living[f"fork{turn}"] = life
        return delta(
            f"fork{turn}",
            fork(
                source.no,
                point,
                *life.items,
                settings=life.settings,
                message_count=life.message_count,
            ),
        )

    def _new_no(self) -> int:
        self.next_no += 1
        return self.next_no - 1


def _said(turn: int) -> list[Item]:
    """What a transaction appends: messages of all sizes, at times a record or a switch."""
    items = [
        message(f"{turn}.{part} " + "x" * (turn * 997 % 5000), key=f"{turn}.{part}")
        for part in range(1 + turn % 2)
    ]
    if turn % 3 == 0:
        items.append(record(f"k{turn % 2}", {"turn": turn, "state": "y" * (turn * 613 % 2000)}))
    if turn % 4 == 0:
        items.append(switch(f"agent{turn}"))
    return items
