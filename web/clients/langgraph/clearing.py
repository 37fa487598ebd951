"""Checkpoints removed: their records, their writes, and the values that no other checkpoint has.

Parts of large values go with them. The log keeps what was said, whatever is removed here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from web.clients.langgraph import keys
from web.clients.langgraph.history import ancestors
from web.clients.langgraph.reading import Reader
from web.clients.langgraph.stored import Stored

AT_ONCE = 500
"""Keys and prefixes in one call, each of which may stand for several records: of those, 10,000."""

COUNTERS = "counters_since_delta_snapshot"
"""The metadata that names the channels that keep changes alone."""


def latest(reader: Reader, stored: Sequence[Stored]) -> set[tuple[str, str]]:
    """Of each namespace the newest one, and those without which it could not be read."""
    kept: dict[str, Stored] = {}
    for one in stored:  # the newest first
        kept.setdefault(one.namespace, one)
    needed = {(one.namespace, one.id) for one in kept.values()}
    for one in kept.values():
        counters: Mapping[str, object] = reader.metadata(one).get(COUNTERS) or {}
        channels = [channel for channel in counters if channel not in one.values]
        needed.update((a.namespace, a.id) for a in ancestors(reader, one, channels))
    return needed


def remove(reader: Reader, stored: Sequence[Stored], kept: set[tuple[str, str]]) -> None:
    """Removes all but those. A call each 500 names; each leaves whole what is still there."""
    shared = {key for one in stored if (one.namespace, one.id) in kept for key in _values(one)}
    gone = [one for one in reversed(stored) if (one.namespace, one.id) not in kept]
    # The oldest first, and a value with the last one that has it.
    last = {key: one for one in gone for key in _values(one) if key not in shared}
    for group in _groups(_Names.of(one, last) for one in gone):
        reader.client.put_records(
            reader.place.session_id,
            remove=[key for names in group for key in names.keys],
            remove_prefix=[prefix for names in group for prefix in names.prefixes],
        )


class _Names:
    """What stands for one checkpoint."""

    def __init__(self, names: list[str], prefixes: list[str]) -> None:
        self.keys, self.prefixes = names, prefixes

    @classmethod
    def of(cls, one: Stored, last: Mapping[str, Stored]) -> "_Names":
        names = [one.key, *(key for key in _values(one) if last.get(key) is one)]
        return cls(names, [one.writes, *map(keys.parts, names)])

    def __len__(self) -> int:
        return len(self.keys) + len(self.prefixes)


def _values(one: Stored) -> Iterable[str]:
    return one.value_keys.values()


def _groups(names: Iterable[_Names]) -> Iterator[list[_Names]]:
    group: list[_Names] = []
    for one in names:
        if group and sum(map(len, group)) + len(one) > AT_ONCE:
            yield group
            group = []
        group.append(one)
    if group:
        yield group
