"""AgentRuntimeSaver: LangGraph's checkpoints in a service's sessions.

What a method costs, in calls:

- `put` 1, and 1 or 2 more for a thread's first checkpoint; `put_writes` 1
- `get_tuple` 2; `list` 2 for each 10 checkpoints; `messages_of_others` 3
- `delete_thread` 1; `copy_thread` 1, into a thread that is there 2 for each 1,000 records
- `prune` 1 for each 1,000 checkpoints of a thread, and 1 for each 500 names that are removed;
  `delete_for_runs` the same of all threads, as only a checkpoint says of which run it is

A value above 3 MiB goes in parts, in 1 more call for each 6 MiB.

LangGraph has no exceptions for a store's failures: `web.clients.errors` are what is raised.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from random import random
from typing import Any, Self

from langchain_core.messages import AnyMessage
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    DeltaChannelHistory,
    RunnableConfig,
    SerializerProtocol,
    get_checkpoint_metadata,
)

from web.clients.calls.shapes import NewEntry, Written
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import Transport
from web.clients.errors import Conflict, NotFound
from web.clients.langgraph import clearing, threads
from web.clients.langgraph.history import histories
from web.clients.langgraph.listing import listed
from web.clients.langgraph.messages import FRAMEWORK, of_others
from web.clients.langgraph.mirror import Mirror, named_of, settled
from web.clients.langgraph.reading import Reader
from web.clients.langgraph.stored import MESSAGES, Place, checkpoint_entries, write_entries
from web.clients.langgraph.values import LARGEST, size_of
from web.clients.langgraph.waiting import Waiting

KEPT_THREADS = 10_000
"""How many threads are known to be marked; beyond, they are marked once more."""


class AgentRuntimeSaver(Waiting):
    """A checkpointer; any number of threads, and of graphs, can use one.

    `mirror`: the messages in the channel `messages` of a graph, not of its subgraphs, are added to
    the session's log as they come, each once; so histories, the page and search show them. Without
    it, nothing but checkpoints is kept.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        runtime: Transport | None = None,
        serde: SerializerProtocol | None = None,
        mirror: bool = True,
    ) -> None:
        """`url`, `token`, `runtime`: as `AgentRuntimeClient` takes them."""
        super().__init__(serde=serde)
        self._client = AgentRuntimeClient(url, token=token, runtime=runtime)
        self._mirror = Mirror() if mirror else None
        self._marked: set[str] = set()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    # -- writing -------------------------------------------------------------------------------

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Stores a checkpoint, and adds the messages that are new in it; all of it or nothing."""
        place = Place.of(config)
        mirror = None if place.namespace else self._mirror
        entries = checkpoint_entries(
            self.serde,
            place,
            checkpoint,
            get_checkpoint_metadata(config, metadata),
            new_versions,
            mirrored=mirror is not None,
        )
        self._begin(place)
        if mirror is None:
            self._put(place, entries)
            return place.config(checkpoint["id"])
        said = checkpoint["channel_values"].get(MESSAGES)
        news, seen = mirror.news(place.session_id, place.checkpoint_id, said)
        try:
            self._put(place, [*news, *entries])
        except Conflict:
            if not news:
                raise
            self._put(place, [*settled(news, self._said(place)), *entries])
        mirror.remember(place.session_id, checkpoint["id"], seen)
        return place.config(checkpoint["id"])

    def put_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Stores what a task wrote.

        What it has written before stays, but for errors and the like: of those the last one counts.
        """
        place = Place.of(config)
        entries = list(write_entries(self.serde, place, writes, task_id, task_path))
        if entries:
            is_last = all(channel in WRITES_IDX_MAP for channel, _ in writes)
            self._append(place, entries, once=not is_last)

    def delete_thread(self, thread_id: str) -> None:
        """Puts the thread's session, with its log, into the service's trash."""
        session_id = Place(str(thread_id), "", None).session_id
        self._marked.discard(session_id)
        try:
            self._client.delete_session(session_id)
        except NotFound:
            return

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Removes the checkpoints of these runs, in all threads. The log keeps what was said."""
        runs = set(run_ids)
        for place in threads.each(self._client) if runs else ():
            reader = self._reader(place)
            stored = reader.all()
            kept = {
                (one.namespace, one.id)
                for one in stored
                if reader.metadata(one).get("run_id") not in runs
            }
            clearing.remove(reader, stored, kept)

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copies a thread, its log included; into one that is there, its checkpoints alone."""
        source, target = (
            Place(str(name), "", None) for name in (source_thread_id, target_thread_id)
        )
        if source != target:
            threads.copy(self._client, source, target)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Removes checkpoints, but not what was said.

        `strategy`: `keep_latest` keeps the latest of each namespace, with those that its channels
        need; `delete` keeps none. Raises `ValueError`.
        """
        if strategy not in ("keep_latest", "delete"):
            raise ValueError(f"strategy: {strategy!r} is neither keep_latest nor delete")
        for thread_id in thread_ids:
            reader = self._reader(Place(str(thread_id), "", None))
            stored = reader.all()
            kept = clearing.latest(reader, stored) if strategy == "keep_latest" else set()
            clearing.remove(reader, stored, kept)

    # -- reading -------------------------------------------------------------------------------

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """The checkpoint that is named, or the latest of its thread."""
        reader = self._reader(Place.of(config))
        stored = reader.wanted()
        if stored is None:
            return None
        found = next(reader.tuples([stored]), None)
        if found is not None and stored.mirrored and self._mirror is not None:
            said = found.checkpoint["channel_values"].get(MESSAGES)
            self._mirror.remember(reader.place.session_id, stored.id, named_of(said))
        return found

    def messages_of_others(self, config: RunnableConfig) -> list[AnyMessage]:
        """What others have said in the thread's session, and its graph has not been told.

        To be given to it with the next input. A message of others is its role and its text; what is
        not in it is listed in `response_metadata`, as `lossy`.
        """
        place = Place.of(config)
        found = self.get_tuple(config)
        told = named_of(found.checkpoint["channel_values"].get(MESSAGES)) if found else {}
        items = FRAMEWORK.items(self._client, place.session_id)
        return [
            one for item in items if (one := of_others(item)) is not None and one.id not in told
        ]

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,  # noqa: A002 -- the peer's own name
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Checkpoints, the newest first; without `config`, of all threads, one after the other."""
        places = threads.each(self._client) if config is None else [Place.of(config)]
        namespace = None if config is None else config["configurable"].get("checkpoint_ns")
        end = before["configurable"].get("checkpoint_id") if before else None
        found = (
            one
            for place in places
            for one in listed(self._reader(place), namespace, filter or {}, end, limit)
        )
        return islice(found, limit)

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """As its base class says; 1 call for 100 ancestors, and 1 for the writes of about 80."""
        reader = self._reader(Place.of(config))
        target = reader.wanted() if channels else None
        if target is None:
            return {channel: {"writes": []} for channel in channels}
        return histories(reader, target, channels)

    def get_next_version(self, current: str | None, channel: None) -> str:  # noqa: ARG002
        """Unique, as branches of one thread share their channels' names."""
        number = 0 if current is None else int(str(current).split(".")[0])
        return f"{number + 1:032}.{random():016}"  # noqa: S311 -- it only tells branches apart

    # -- within --------------------------------------------------------------------------------

    def _reader(self, place: Place) -> Reader:
        return Reader(self._client, self.serde, place)

    def _begin(self, place: Place) -> None:
        """Marks the session of a thread's first checkpoint."""
        if place.checkpoint_id or place.session_id in self._marked:
            return
        threads.begin(self._client, place)
        if len(self._marked) >= KEPT_THREADS:
            self._marked.clear()
        self._marked.add(place.session_id)

    def _put(self, place: Place, entries: Sequence[NewEntry]) -> None:
        # With `once` a call needs no id, which the service would look for in the whole session.
        done = self._append(place, entries, once=True)
        own = entries[-1]
        for known in done.get("known", ()):
            # Whoever stores a checkpoint again under its id means the last one.
            if known["key"] == own["key"] and known["value"] != own["body"]["value"]:
                self._append(place, [own])

    def _append(self, place: Place, entries: Sequence[NewEntry], *, once: bool = False) -> Written:
        """In one call, if they fit into it; else the last call has what names all the others."""
        group: list[NewEntry] = []
        size = 0
        for entry in entries:
            more = size_of(entry)
            if group and size + more > 2 * LARGEST:
                self._client.append_entries(place.session_id, group, once=once)
                group, size = [], 0
            group.append(entry)
            size += more
        return self._client.append_entries(place.session_id, group, once=once)

    def _said(self, place: Place) -> dict[str, Any]:
        entries = self._client.iter_log(place.session_id, kinds=["message"], counting=True)
        return {entry["key"]: entry["body"] for entry in entries if "key" in entry}
