"""What a channel was given since its last stored value, for channels that keep changes alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from langgraph.checkpoint.base import DeltaChannelHistory, PendingWrite

from web.clients.langgraph import keys
from web.clients.langgraph.reading import Reader
from web.clients.langgraph.stored import Stored


def ancestors(reader: Reader, target: Stored, channels: Sequence[str]) -> list[Stored]:
    """A checkpoint's ancestors, the nearest first, as far back as one of the channels needs them.

    One call for 100 of them: a parent's id is nearly always the one before.
    """
    wanted = set(channels)
    chain: list[Stored] = []
    seen = {target.id}
    current = target.parent
    passed: dict[str, Stored] = {}
    older = reader.newest_first(target.namespace, target.id)
    while current is not None and wanted and current not in seen:
        seen.add(current)
        while current not in passed and (found := next(older, None)) is not None:
            passed[found.id] = found
        if (one := passed.get(current) or _newer(reader, target.namespace, current)) is None:
            break
        chain.append(one)
        wanted.difference_update(one.values)
        current = one.parent
    return chain


def histories(
    reader: Reader, target: Stored, channels: Sequence[str]
) -> Mapping[str, DeltaChannelHistory]:
    """For each channel the writes, oldest first, and the value that they go on top of, if any."""
    chain = ancestors(reader, target, channels)
    seeds: dict[str, str] = {}
    for one in chain:
        for channel, key in one.value_keys.items():
            if channel in channels:
                seeds.setdefault(channel, key)
    found = reader.records(list(dict.fromkeys(seeds.values())), [one.writes for one in chain])
    result: dict[str, DeltaChannelHistory] = {}
    for channel in channels:
        writes: list[PendingWrite] = []
        for one in chain:
            mine = [write for write in reader.writes_of(one, found) if write[1] == channel]
            writes = mine + writes
            if channel in one.values:
                break
        entry: DeltaChannelHistory = {"writes": writes}
        seed: Any = found.get(seeds.get(channel, ""))
        if seed is not None:
            entry["seed"] = reader.value(seed, seeds[channel], found)
        result[channel] = entry
    return result


def _newer(reader: Reader, namespace: str, checkpoint_id: str) -> Stored | None:
    """A parent whose id sorts behind its child's: another machine's clock was ahead."""
    key = keys.checkpoint(namespace, checkpoint_id)
    found = reader.records([key]).get(key)
    return None if found is None else Stored.of(found)
