"""What may happen to a session in a batch. Each play says what of it the store must keep.

The deltas of a batch are of different sessions, and the life that one of them forks, purges or
brings back from the trash no other one touches: so their order does not matter.
"""

from attrs import evolve

from runtime.store.steps import Expire, Purge, Step, Undelete
from runtime.store.stored import Interval, Settings
from tests.persistence.builders import Item, at, begins, follows
from tests.persistence.builders import fork as forks
from tests.persistence.contract.model import Model, Play

NOBODY = 2**30
"""A number that no life has."""


def append(model: Model, name: str, pick: int) -> list[Step]:
    return model.go_on(name, [model.item(name, pick)])


def append_many(model: Model, name: str, pick: int) -> list[Step]:
    return model.go_on(name, [model.item(name, n) for n in range(pick + 1)])


def change_settings(model: Model, name: str, pick: int) -> list[Step]:
    settings = Settings(
        title=f"{name} {model.round}" if pick else None,
        archived=pick == 1,
        metadata=b'{"n":%d}' % pick,
    )
    return model.go_on(name, [Item("settings", None, {"n": pick})], settings)


def rewind(model: Model, name: str, pick: int) -> list[Step]:
    if name not in model.living:
        return []
    life = model.living[name]
    intervals: list[Interval] = [(1, pick)] if 0 < pick <= len(life.items) else []
    settings = evolve(life.settings, intervals=(*intervals, (len(life.items) + 2, None)))
    return model.go_on(name, [Item("rewind", None, {"to": pick})], settings)


def drop(model: Model, name: str, pick: int) -> list[Step]:
    if name not in model.living:
        return []
    life = model.living[name]
    records = [entry.seq for entry in life.entries if entry.kind == "record"]
    life.dropped.update(records[: pick + 1])
    return model.go_on(name, [], dropped=records[: pick + 1])


def trash(model: Model, name: str, pick: int) -> list[Step]:
    if name in model.living:
        return model.end(name, "trash")
    # It comes and goes before its first commit.
    return model.begin(name, [model.item(name, pick)], end="trash")


def purge(model: Model, name: str, pick: int) -> list[Step]:
    if name in model.living:
        return model.end(name, "purge")
    life = model.from_trash(pick)
    if life is None:
        return [Purge(NOBODY)]
    model.effects.append(lambda outcome: model.trash.remove(life))
    return [Purge(life.no)]


def restart(model: Model, name: str, pick: int) -> list[Step]:
    ended: list[Step] = [begins("gone", end="purge")]
    if name in model.living:
        ended = model.end(name, "purge" if pick == 3 else "trash")
    return ended + model.begin(name, [model.item(name, pick)])


def fork(model: Model, name: str, pick: int) -> list[Step]:
    free = [life for life in model.living.values() if life.no not in model.taken]
    source = free[pick % len(free)] if free and pick < 3 else model.from_trash(pick)
    if source is None:
        return []
    point = min(pick + 1, len(source.items))
    items = [*source.items[:point], model.item(name, pick)]
    step = forks(source.no, point, *items, settings=Settings(title="fork"))
    if name in model.living:
        model.rejected.add(name)
    else:
        model.keep(name, items, step.header, step.settings)
        dropped = {seq for seq in source.dropped if seq <= point}
        model.effects.append(lambda outcome: model.living[name].dropped.update(dropped))
    return [step]


def undelete(model: Model, name: str, pick: int) -> list[Step]:
    life = model.from_trash(pick)
    if life is None:
        model.rejected.add(name)
        return [Undelete(NOBODY)]
    if name in model.living:
        model.rejected.add(name)
    else:
        model.effects.append(lambda outcome: model.bring_back(life, name))
    return [Undelete(life.no)]


def expire(model: Model, name: str, pick: int) -> list[Step]:
    step = Expire(at(pick + 1), at(model.round), purge=pick == 3)
    if name in model.living and model.living[name].header.last_activity < step.before:
        model.expired.add(name)
        model.effects.append(
            lambda outcome: model.forget(name, "" if step.purge else step.ended_at)
        )
    return [step]


def gap(model: Model, name: str, pick: int) -> list[Step]:
    model.rejected.add(name)
    life = model.living.get(name)
    if life is None:
        return [follows(None, 1, "lost", "found")]
    return [follows(life.no, len(life.items) + 1, *life.items, "lost", "found")]


def repeat(model: Model, name: str, pick: int) -> list[Step]:
    if name not in model.living or not model.living[name].items:
        return []
    model.rejected.add(name)
    life = model.living[name]
    return [follows(life.no, len(life.items) - 1, *life.items)]


PLAYS: dict[str, Play] = {
    play.__name__: play
    for play in (
        append,
        append_many,
        change_settings,
        rewind,
        drop,
        trash,
        purge,
        restart,
        fork,
        undelete,
        expire,
        gap,
        repeat,
    )
}
