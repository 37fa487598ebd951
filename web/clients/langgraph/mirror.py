"""Mirror: which of a graph's messages are new to the log.

Rules:

- What a checkpoint's parent had is in the log. It is told by the objects themselves, which a graph
  passes on from step to step; so nothing is read, and most are not even compared.
- Where the parent is not known, all messages are sent: each has a key, and is added once.
- A message's key is its id; that of an edited one is its id and a digest, so it is added beside the
  first, as a log never changes. A message without an id is known by what it says, and by how many
  say the same before it.
- What a graph removes from its messages stays in the log.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from threading import Lock
from typing import Any

from attrs import define, field

from web.clients.calls.shapes import Message, NewEntry
from web.clients.core.call import content_of
from web.clients.langgraph.messages import FROM_LOG, entry_of, name_of

REMEMBERED = 256
"""Checkpoints, each with its messages: the latest of so many threads. They hold no copies."""

LONGEST = 200
"""Characters of an id that is a key as it is: one may have 256."""

Seen = Mapping[str, Any]
"""The messages of a checkpoint by their names."""


@define(eq=False)
class Mirror:
    """What the checkpoints that were last read or written had. For any number of threads."""

    _known: OrderedDict[tuple[str, str], Seen] = field(factory=OrderedDict)
    _lock: Lock = field(factory=Lock)

    def news(
        self, session_id: str, parent: str | None, messages: object
    ) -> tuple[list[NewEntry], Seen]:
        """The entries for those that are new, in their order; and all, for `remember`."""
        before = {} if parent is None else self._of(session_id, parent)
        entries = []
        named = named_of(messages)
        for name, message in named.items():
            old = before.get(name)
            if old is message or name.startswith(FROM_LOG) or (old is not None and old == message):
                continue
            entry = entry_of(message)
            if entry is not None:
                entry["key"] = name if old is None and len(name) <= LONGEST else edited(name, entry)
                entries.append(entry)
        return entries, named

    def remember(self, session_id: str, checkpoint_id: str, seen: Seen) -> None:
        """These are in the log: the checkpoint that has them is stored."""
        with self._lock:
            self._known[session_id, checkpoint_id] = seen
            self._known.move_to_end((session_id, checkpoint_id))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def _of(self, session_id: str, checkpoint_id: str) -> Seen:
        with self._lock:
            return self._known.get((session_id, checkpoint_id), {})


def named_of(messages: object) -> dict[str, Any]:
    """The messages by their names, in their order; of what is no list of messages, none."""
    # A snapshot of a channel that keeps changes alone is a tuple with the list in it.
    value = getattr(messages, "value", messages)
    if not isinstance(value, list):
        return {}
    found: dict[str, Any] = {}
    seen: Counter[str] = Counter()
    for message in value:
        name = name_of(message)
        if name is None:
            entry = entry_of(message)
            if entry is None:
                continue
            digest = digest_of(entry)
            seen[digest] += 1
            name = f"#{digest}/{seen[digest]}"
        found[name] = message
    return found


def edited(name: str, entry: NewEntry) -> str:
    """The key of a message whose name is another's key already, or too long for one."""
    short = name if len(name) <= LONGEST else digest_of({"kind": name, "body": {}})
    return f"{short}#{digest_of(entry)}"


def digest_of(entry: NewEntry) -> str:
    """Tells what is said from all else that could be."""
    return blake2b(content_of([entry["kind"], entry["body"]]), digest_size=12).hexdigest()


def settled(entries: Sequence[NewEntry], there: Mapping[str, Message]) -> list[NewEntry]:
    """The entries once more, when the key of one is taken. `there`: the log's messages by key.

    What says the same is there already, whoever wrote it; what says something else is added beside
    it.
    """
    kept = []
    for entry in entries:
        old = there.get(entry.get("key", "")) if entry["kind"] == "message" else None
        if old is None:
            kept.append(entry)
        elif any(old.get(name) != entry["body"].get(name) for name in ("role", "content")):
            key = edited(entry["key"], entry)
            if key not in there:
                kept.append({**entry, "key": key})
    return kept
