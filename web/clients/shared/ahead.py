"""What is too much for one call goes ahead of it: as texts in records, which the call names.

So the call has its effect at once, as always. What went ahead of one that failed is in nobody's
way: no framework reads records that nothing names.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from attrs import frozen

from web.clients.client import AgentRuntimeClient

ROOM = 12 << 20
"""Bytes of JSON for a call's entries. The service takes 16 MiB, if nobody has set it to less."""

PART = 4 << 20
"""Characters in a record: at most twice as many bytes, as quotes in it are escaped."""

SMALL = 10_000
"""Characters of JSON, of a value that others are still shown whole."""

BEGINNING = 1_000
"""Characters, of a value that they are shown the beginning of."""


@frozen
class Ahead:
    """A value that went ahead."""

    key: str
    """What the keys of its records begin with."""
    count: int
    """Of its records."""

    @classmethod
    def put(cls, client: AgentRuntimeClient, session_id: str, name: str, text: str) -> "Ahead":
        """Sends a text ahead, one call for each 4 MiB. `name`: the framework's."""
        key = f"{name}.ahead/{uuid4().hex}/"
        starts = range(0, len(text), PART)
        for number, start in enumerate(starts):
            part = text[start : start + PART]
            client.put_records(session_id, [{"key": f"{key}{number:04}", "value": part}])
        return cls(key, len(starts))

    def get(self, client: AgentRuntimeClient, session_id: str) -> str | None:
        """The text; `None`: somebody has removed a part of it."""
        found = list(client.iter_records(session_id, prefixes=[self.key], limit=2))
        if len(found) != self.count:
            return None
        return "".join(str(record["value"]) for record in found)


def beginning(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as others are shown it when it went ahead: what is small of it, and beginnings."""
    return {name: _shortened(value) for name, value in message.items()}


def _shortened(value: Any) -> Any:
    if len(text := json.dumps(value)) <= SMALL:
        return value
    if isinstance(value, list):
        return [part for part in value if len(json.dumps(part)) <= SMALL]
    return (value if isinstance(value, str) else text)[:BEGINNING]
