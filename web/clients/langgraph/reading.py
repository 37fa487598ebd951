"""Records back into checkpoints, in as few calls as the service's limits let it be.

A checkpoint takes two: its record, then its values and writes together.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from attrs import frozen
from langgraph.checkpoint.base import (
    CheckpointTuple,
    PendingWrite,
    SerializerProtocol,
    writes_sort_key,
)

from web.clients.client import AgentRuntimeClient
from web.clients.errors import NotFound
from web.clients.langgraph import keys
from web.clients.langgraph.stored import Place, Stored
from web.clients.langgraph.values import Laid, part_keys, taken_up

ASKED = 8_000
"""Bytes of keys in one call: the service takes a head of 16 KiB."""

PAGE = 100
"""Records of checkpoints on a page, where it is not known how many are wanted."""


@frozen
class Reader:
    """Reads one session."""

    client: AgentRuntimeClient
    serde: SerializerProtocol
    place: Place

    def wanted(self) -> Stored | None:
        """The record of the checkpoint that is meant."""
        place = self.place
        try:
            if place.checkpoint_id:
                key = keys.checkpoint(place.namespace, place.checkpoint_id)
                found = self.client.first_records(place.session_id, keys=[key])
            else:
                begin = keys.checkpoints(place.namespace)
                found = self.client.first_records(
                    place.session_id, start=begin, end=begin + keys.END, reverse=True
                )
        except NotFound:
            return None
        return Stored.of(found[0]["value"]) if found else None

    def newest_first(
        self, namespace: str, before: str | None = None, limit: int = PAGE
    ) -> Iterator[Stored]:
        """The checkpoints of a namespace. `limit`: on a page."""
        begin = keys.checkpoints(namespace)
        end = begin + keys.END if before is None else keys.checkpoint(namespace, before)
        records = self.client.iter_records(
            self.place.session_id, start=begin, end=end, reverse=True, limit=limit
        )
        try:
            for found in records:
                yield Stored.of(found["value"])
        except NotFound:
            return

    def all(self) -> list[Stored]:
        """The checkpoints of all namespaces, the newest first."""
        try:
            records = self.client.iter_records(self.place.session_id, prefixes=[keys.checkpoints()])
            found = [Stored.of(record["value"]) for record in records]
        except NotFound:
            return []
        return sorted(found, key=lambda stored: stored.id, reverse=True)

    def records(self, names: Sequence[str], prefixes: Sequence[str] = ()) -> dict[str, Any]:
        """The values under these keys, and under those that begin so; with their parts."""
        found: dict[str, Any] = {}
        for group in _groups([*((name, True) for name in names), *((p, False) for p in prefixes)]):
            records = self.client.iter_records(
                self.place.session_id,
                keys=[name for name, is_whole in group if is_whole],
                prefixes=[name for name, is_whole in group if not is_whole],
            )
            try:
                found.update((record["key"], record["value"]) for record in records)
            except NotFound:  # the session was deleted meanwhile
                return {}
        parts = [name for key, value in found.items() for name in part_keys(_laid(value), key)]
        return {**found, **self.records(parts)} if parts else found

    def tuples(self, stored: Sequence[Stored]) -> Iterator[CheckpointTuple]:
        """The checkpoints, with all that belongs to them."""
        # A value that several have is fetched once, but made anew for each: it may be changed.
        names = {key: None for one in stored for key in one.value_keys.values()}
        cut = [name for one in stored for name in part_keys(one.data, one.key)]
        found = self.records([*names, *cut], [one.writes for one in stored])
        for one in stored:
            made = self.value(one.data, one.key, found)
            if made is None:
                continue
            checkpoint = made["checkpoint"]
            values = {
                channel: self.value(found[key], key, found)
                for channel, key in one.value_keys.items()
                if key in found
            }
            checkpoint["channel_values"] = {**checkpoint["channel_values"], **values}
            place = self.place_of(one)
            yield CheckpointTuple(
                place.config(one.id),
                checkpoint,
                made["metadata"],
                place.config(one.parent) if one.parent else None,
                self.writes_of(one, found),
            )

    def writes_of(self, one: Stored, found: Mapping[str, Any]) -> list[PendingWrite]:
        """Its writes, in the order in which a step applies them."""
        begin = one.writes
        mine = [(key, value) for key, value in found.items() if key.startswith(begin)]
        mine.sort(key=lambda pair: writes_sort_key(*map(pair[1].get, ("path", "task", "index"))))
        return [
            (write["task"], write["channel"], self.value(write["write"], key, found))
            for key, write in mine
        ]

    def value(self, value: Laid, key: str, found: Mapping[str, Any]) -> Any:
        """What the graph had."""
        typed = taken_up(value, key, found)
        return None if typed is None else self.serde.loads_typed(typed)

    def metadata(self, one: Stored) -> Mapping[str, Any]:
        """A checkpoint's metadata, without its values."""
        made = self.value(one.data, one.key, self.records(part_keys(one.data, one.key)))
        found: Mapping[str, Any] = {} if made is None else made["metadata"]
        return found

    def place_of(self, one: Stored) -> Place:
        """Where a checkpoint is, in whichever namespace."""
        return Place(self.place.thread_id, one.namespace, one.id)


def _laid(value: Any) -> Laid:
    """Where in a record a value lies. A part is a text, and has none."""
    if not isinstance(value, dict):
        return {}
    found: Laid = value.get("write", value)
    return found


def _groups(names: Sequence[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    """So many in each that their call is short enough."""
    group: list[tuple[str, bool]] = []
    size = 0
    for name in names:
        more = len(quote(name[0])) + len("&prefix=")
        if group and size + more > ASKED:
            yield group
            group, size = [], 0
        group.append(name)
        size += more
    if group:
        yield group
