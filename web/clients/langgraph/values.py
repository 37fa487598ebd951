"""What the graph's serializer made of a value, as JSON: its type, and its bytes in base64.

What does not fit into one call is cut into parts, records of their own that are written before what
names them: so there is all of it, or nobody asks for it.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from web.clients.calls.shapes import NewEntry
from web.clients.core.call import content_of
from web.clients.langgraph import keys

LARGEST = 4 << 20
"""Characters of base64 in one record. The service takes 16 MiB a call by default; a service that is
set to less has room for this, too."""

Laid = dict[str, Any]
"""`{type, data}`, or `{type, parts}`: how many."""


def laid(typed: tuple[str, bytes], key: str) -> tuple[Laid, list[NewEntry]]:
    """A value for the record under `key`, and its parts, if it is too large for one."""
    kind, content = typed
    data = b64encode(content).decode()
    if len(data) <= LARGEST:
        return {"type": kind, "data": data}, []
    cut = [data[start : start + LARGEST] for start in range(0, len(data), LARGEST)]
    parts = [record(keys.part(key, number), text) for number, text in enumerate(cut)]
    return {"type": kind, "parts": len(cut)}, parts


def record(key: str, value: Any) -> NewEntry:
    """The entry that gives a key a value."""
    return {"kind": "record", "key": key, "body": {"value": value}}


def size_of(entry: NewEntry) -> int:
    """About how many bytes it takes in a call. Nothing is encoded for it: that takes a while."""
    value = entry["body"].get("value")
    if isinstance(value, str):
        return len(value)
    if entry["kind"] == "record" and isinstance(value, dict):
        laid = value.get("write") or value.get("checkpoint") or value
        return len(laid.get("data", "")) + 1000
    return len(content_of(entry["body"]))


def part_keys(value: Laid, key: str) -> list[str]:
    """The keys of its parts; of a whole one, none."""
    return [keys.part(key, number) for number in range(value.get("parts", 0))]


def taken_up(value: Laid, key: str, found: Mapping[str, Any]) -> tuple[str, bytes] | None:
    """What the serializer made. `found`: the parts. `None`: some are not there."""
    if "data" in value:
        return value["type"], b64decode(value["data"])
    names = part_keys(value, key)
    if not found.keys() >= set(names):
        return None
    return value["type"], b64decode("".join(found[name] for name in names))
