"""A store as a plain dict: what any history of batches must leave."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from attrs import define, evolve, field

from runtime.session.entries.chain import dropped_body
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import DROPPED, Entry
from runtime.store.steps import Step
from runtime.store.stored import Header, Settings
from tests.persistence.builders import (
    Item,
    at,
    begins,
    delta,
    follows,
    log,
    message,
    record,
    switch,
)

Effect = Callable[[Committed], None]
Play = Callable[["Model", str, int], list[Step]]
"""What happens to a session in a batch; the number varies it."""


@define(kw_only=True)
class Life:
    """What a store must have of one life."""

    name: str
    no: int
    items: list[Item | str]
    header: Header
    settings: Settings
    dropped: set[int] = field(factory=set)
    deleted_at: str = ""

    @property
    def entries(self) -> list[Entry]:
        return [
            evolve(entry, body=dropped_body(entry), form=entry.form | DROPPED)
            if entry.seq in self.dropped
            else entry
            for entry in log(*self.items)
        ]

    def counting(self, kind: str) -> Iterator[Entry]:
        """The entries of a kind that no rewind took along."""
        return counting(self.entries, kind, self.settings)


def counting(entries: Sequence[Entry], kind: str, settings: Settings) -> Iterator[Entry]:
    """Those of a kind that no rewind took along."""
    for entry in entries:
        if entry.kind == kind and any(
            first <= entry.seq and (last is None or entry.seq <= last)
            for first, last in settings.intervals
        ):
            yield entry


def newest(entries: Sequence[Entry], room: int) -> list[Entry]:
    """The newest entries that together have at most so many bytes of text."""
    first = len(entries)
    while first and sum(entry.size for entry in entries[first - 1 :]) <= room:
        first -= 1
    return list(entries[first:])


def as_far_as_fits(entries: Sequence[Entry], room: int) -> list[Entry]:
    """The first ones, in the order given, until they fill the room."""
    found: list[Entry] = []
    for entry in entries:
        found.append(entry)
        if sum(one.size for one in found) >= room:
            break
    return found


def counts(items: Sequence[Item | str], settings: Settings) -> dict[str, Any]:
    """What the header says of these entries."""
    return {
        f"{kind}_count": sum(1 for _ in counting(log(*items), kind, settings))
        for kind in ("message", "switch")
    }


@define
class Model:
    living: dict[str, Life] = field(factory=dict)
    trash: list[Life] = field(factory=list)
    round: int = 0
    taken: set[int] = field(factory=set)
    """Numbers of the lives that the batch is about."""
    effects: list[Effect] = field(factory=list)
    rejected: set[str] = field(factory=set)
    expired: set[str] = field(factory=set)

    def batch(self, plays: Mapping[str, tuple[Play, int]]) -> list[Delta]:
        """The deltas of a batch: session id to what happens, and a number that varies it."""
        self.round += 1
        self.effects, self.rejected, self.expired = [], set(), set()
        self.taken = {self.living[name].no for name in plays if name in self.living}
        deltas = []
        for name, (play, pick) in plays.items():
            steps = play(self, name, pick)
            if steps:
                deltas.append(delta(name, *steps))
        return deltas

    def settle(self, outcome: Committed) -> None:
        """The store has answered: compares, and keeps what it must have kept."""
        assert outcome.rejected.keys() == self.rejected
        assert set(outcome.expired) == self.expired
        for effect in self.effects:
            effect(outcome)

    def item(self, name: str, pick: int) -> Item:
        text = f"{name} {self.round}"
        return (
            message(text, key=text, call=text),
            record(f"k{self.round % 2}", text),
            switch(text),
            message(text, metadata=b'{"a":1}'),
        )[pick]

    def go_on(
        self,
        name: str,
        items: list[Item],
        settings: Settings | None = None,
        dropped: Sequence[int] = (),
    ) -> list[Step]:
        """The life goes on with these entries, or begins with them."""
        if name not in self.living:
            return self.begin(name, items, settings)
        life = self.living[name]
        after = len(life.items)
        life.items += items
        step = follows(
            life.no,
            after,
            *life.items,
            settings=settings,
            dropped=dropped,
            last_activity=at(self.round % 4),
            **counts(life.items, settings or life.settings),
        )
        life.header = step.header
        life.settings = settings or life.settings
        return [step]

    def begin(
        self,
        name: str,
        items: Sequence[Item],
        settings: Settings | None = None,
        end: Literal["trash"] | None = None,
    ) -> list[Step]:
        step = begins(
            *items,
            settings=settings,
            end=end,
            ended_at=at(self.round),
            last_activity=at(self.round % 4),
            **counts(items, settings or Settings()),
        )
        self.keep(name, items, step.header, settings or Settings())
        if end:
            self.effects.append(lambda outcome: self.forget(name, step.ended_at))
        return [step]

    def end(self, name: str, end: Literal["trash", "purge"]) -> list[Step]:
        life = self.living[name]
        life.items.append("the last one")
        settings = evolve(life.settings, title="ended")
        step = follows(
            life.no,
            len(life.items) - 1,
            *life.items,
            settings=settings,
            end=end,
            ended_at=at(self.round),
            **counts(life.items, settings),
        )
        life.header, life.settings = step.header, settings
        deleted_at = step.ended_at if end == "trash" else ""
        self.effects.append(lambda outcome: self.forget(name, deleted_at))
        return [step]

    def keep(
        self, name: str, items: Sequence[Item | str], header: Header, settings: Settings
    ) -> None:
        """A life begins with the commit, which gives it its number."""

        def keep(outcome: Committed) -> None:
            self.living[name] = Life(
                name=name,
                no=outcome.begun[name],
                items=[*items],
                header=header,
                settings=settings,
            )

        self.effects.append(keep)

    def forget(self, name: str, deleted_at: str) -> None:
        """A life ends with the commit, into the trash if there is a moment."""
        life = self.living.pop(name)
        if deleted_at:
            life.deleted_at = deleted_at
            self.trash.append(life)

    def from_trash(self, pick: int) -> Life | None:
        free = [life for life in self.trash if life.no not in self.taken]
        if not free:
            return None
        life = free[pick % len(free)]
        self.taken.add(life.no)
        return life

    def bring_back(self, life: Life, name: str) -> None:
        self.trash.remove(life)
        life.name, life.deleted_at = name, ""
        self.living[name] = life
