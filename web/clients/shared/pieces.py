"""What is too large for one call goes before it, in pieces: records of the same session.

Rules:

- An entry's whole body is cut. In its place stands what can be shown of it, with long texts left
  out, and where its pieces are.
- Pieces are named by what they say, so who sends them again adds nothing.
- They come first, and the entry last: whoever sees it finds them. What was cut for an entry that
  was refused then lies in the log, and nobody sees it.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, TypeGuard

from web.clients.calls.shapes import NewEntry
from web.clients.client import AgentRuntimeClient
from web.clients.core.call import content_of

ROOM = 12 * 1024 * 1024
"""Bytes of one call. A service takes 16 MiB, if it was not told otherwise."""

PIECE = 4 * 1024 * 1024
"""Characters, each ASCII. As text within JSON they are up to twice as many."""

LONG = 4096
"""Characters of a text that is shown of what was cut."""

PIECES = "pieces"
"""The member that says where a body is: `[id, how many]`."""


def cut(name: str, entries: Sequence[NewEntry]) -> tuple[Sequence[NewEntry], Sequence[NewEntry]]:
    """Pieces, and the entries as they fit into one call, the largest ones cut.

    `name`: the framework's. Records that are no items of it stay as they are: others read them.
    """
    fitting, pieces = list(entries), list[NewEntry]()
    sizes = [len(content_of(entry)) for entry in entries]
    total = sum(sizes)
    for place in sorted(range(len(entries)), key=lambda place: -sizes[place]):
        if total <= ROOM:
            break
        if not _is_item(name, entries[place]):
            continue
        more, fitting[place] = _cut(name, entries[place])
        pieces += more
        total += len(content_of(fitting[place])) - sizes[place]
    return pieces, fitting


def is_cut(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether this stands in a body's place: a record's value, or a framework's metadata."""
    return isinstance(value, dict) and value.keys() == {PIECES}


def joined(
    client: AgentRuntimeClient, session_id: str, name: str, value: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The body that was cut. 1 call, and 1 for each 4 MiB. `None`: a piece is missing."""
    digest, count = value[PIECES]
    keys = [_key(name, digest, number) for number in range(count)]
    found = {one["key"]: one["value"] for one in client.iter_records(session_id, keys=keys)}
    if len(found) < count:
        return None
    try:
        body: dict[str, Any] = json.loads("".join(found[key] for key in keys))
    except ValueError:  # a piece was redacted
        return None
    return body


def _cut(name: str, entry: NewEntry) -> tuple[list[NewEntry], NewEntry]:
    body = entry["body"]
    text = json.dumps(body)
    digest = blake2b(text.encode(), digest_size=16).hexdigest()
    parts = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    pieces: list[NewEntry] = [
        {"kind": "record", "key": _key(name, digest, number), "body": {"value": part}}
        for number, part in enumerate(parts)
    ]
    where = {PIECES: [digest, len(parts)]}
    if entry["kind"] == "record":
        return pieces, {**entry, "body": {"value": where}}
    metadata = {**body.get("metadata", {}), name: where}
    return pieces, {**entry, "body": _shown({**body, "metadata": metadata})}


def _is_item(name: str, entry: NewEntry) -> bool:
    return entry["kind"] == "message" or entry.get("key", "").startswith(f"{name}/")


def _key(name: str, digest: str, number: int) -> str:
    # Not as the framework's own records begin: those are items.
    return f"{name}.piece/{digest}/{number}"


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, str) and len(value) > LONG:
        return f"{value[:LONG]}… ({len(value) - LONG} more characters)"
    return value
