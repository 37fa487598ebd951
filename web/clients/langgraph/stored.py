"""A checkpoint and its writes, as records.

A checkpoint's record names the versions of the channels that have a value, and is written last: the
values, and their parts, are there before it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    RunnableConfig,
    SerializerProtocol,
)

from web.clients.calls.shapes import NewEntry
from web.clients.langgraph import keys
from web.clients.langgraph.values import Laid, laid, record
from web.clients.names import session_id_of

MESSAGES = "messages"
"""The channel in which graphs have their conversation."""


@frozen
class Place:
    """Which checkpoint is meant."""

    thread_id: str
    namespace: str
    checkpoint_id: str | None
    """`None`: the latest."""

    @classmethod
    def of(cls, config: RunnableConfig) -> "Place":
        """What a configuration says. Raises `ValueError`."""
        said = config.get("configurable") or {}
        if said.get("thread_id") in (None, ""):
            raise ValueError(
                'There is no thread: give one, as {"configurable": {"thread_id": "…"}}'
            )
        return cls(
            str(said["thread_id"]), said.get("checkpoint_ns") or "", said.get("checkpoint_id")
        )

    @property
    def session_id(self) -> str:
        """The session that keeps the thread."""
        return session_id_of(self.thread_id)

    def config(self, checkpoint_id: str) -> RunnableConfig:
        """A checkpoint beside it, as LangGraph asks for it."""
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": self.namespace,
                "checkpoint_id": checkpoint_id,
            }
        }


@frozen
class Stored:
    """A checkpoint's record, as it was read."""

    namespace: str
    id: str
    parent: str | None
    values: ChannelVersions
    """The channels that have a value, each with its version."""
    mirrored: bool
    """Whether its messages were added to the log."""
    data: Laid
    """The checkpoint without those values, and its metadata."""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Stored":
        """Of a record's value."""
        return cls(
            value["ns"],
            value["id"],
            value.get("parent"),
            value["values"],
            value.get("mirrored", False),
            value["checkpoint"],
        )

    @property
    def key(self) -> str:
        """Its record's."""
        return keys.checkpoint(self.namespace, self.id)

    @property
    def value_keys(self) -> dict[str, str]:
        """Where the values are, by channel."""
        return {c: keys.value(self.namespace, c, version) for c, version in self.values.items()}

    @property
    def writes(self) -> str:
        """What the keys of its writes begin with."""
        return keys.writes(self.namespace, self.id)


def checkpoint_entries(
    serde: SerializerProtocol,
    place: Place,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    new_versions: ChannelVersions,
    *,
    mirrored: bool,
) -> list[NewEntry]:
    """A checkpoint with the values that are new in it; its own record is the last."""
    values = checkpoint["channel_values"]
    entries: list[NewEntry] = []
    for channel, version in new_versions.items():
        if channel in values:
            key = keys.value(place.namespace, channel, version)
            value, parts = laid(serde.dumps_typed(values[channel]), key)
            entries += [*parts, record(key, value)]
    versions = checkpoint["channel_versions"]
    # A value that has no version could not be found again.
    inside = {name: value for name, value in values.items() if name not in versions}
    key = keys.checkpoint(place.namespace, checkpoint["id"])
    bare = {**checkpoint, "channel_values": inside}
    data, parts = laid(serde.dumps_typed({"checkpoint": bare, "metadata": metadata}), key)
    found: dict[str, Any] = {
        "ns": place.namespace,
        "id": checkpoint["id"],
        "values": {name: versions[name] for name in values if name in versions},
        "checkpoint": data,
    }
    if place.checkpoint_id:
        found["parent"] = place.checkpoint_id
    if mirrored:
        found["mirrored"] = True
    return [*entries, *parts, record(key, found)]


def write_entries(
    serde: SerializerProtocol,
    place: Place,
    writes: Sequence[tuple[str, Any]],
    task_id: str,
    task_path: str,
) -> Iterator[NewEntry]:
    """What a task wrote, while its step is not done. Raises `ValueError`."""
    if not place.checkpoint_id:
        raise ValueError("Writes belong to a checkpoint: checkpoint_id says to which")
    for number, (channel, value) in enumerate(writes):
        index = WRITES_IDX_MAP.get(channel, number)
        key = keys.write(place.namespace, place.checkpoint_id, task_id, index)
        data, parts = laid(serde.dumps_typed(value), key)
        yield from parts
        yield record(
            key,
            {"task": task_id, "path": task_path, "index": index, "channel": channel, "write": data},
        )
