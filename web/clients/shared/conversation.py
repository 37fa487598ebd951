"""Conversation: a framework's items in a session's log."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from attrs import frozen

from web.clients.calls.shapes import Entry, Message, NewEntry
from web.clients.client import AgentRuntimeClient
from web.clients.errors import NotFound
from web.clients.shared.carrying import brought, carried, cleaned

KINDS = ("message", "record")


@frozen
class Item:
    """One item, as it was read back."""

    seq: int
    at: str
    envelope: Any
    """What the framework gave beside the message; of a record, all of it. `None`: others wrote
    this, and it has to be translated."""
    message: Message | None
    """As it is in the log; `None`: it was no message."""


@frozen
class Framework:
    """How one framework's items are marked. `name` stands in metadata, and begins records' keys."""

    name: str

    def message(self, message: Message, envelope: Any, *, key: str | None = None) -> NewEntry:
        """A turn of text, a tool's call or its result. `envelope` is not `None`.

        `message` has a role, and is what everybody sees. What the service would not take as it is
        must be in the envelope too: here it is made presentable.
        """
        shown = {name: cleaned(value) for name, value in message.items()}
        metadata = {**shown.pop("metadata", {}), self.name: carried(envelope)}
        entry: NewEntry = {"kind": "message", "body": {**shown, "metadata": metadata}}
        if key is not None:
            entry["key"] = key
        return entry

    def record(self, value: Any) -> NewEntry:
        """Anything else. Each has a key of its own, so none takes another's place."""
        key = f"{self.prefix}{uuid4().hex}"
        return {"kind": "record", "key": key, "body": {"value": carried(value)}}

    @property
    def prefix(self) -> str:
        """What the keys of its records begin with."""
        return f"{self.name}/"

    def item(self, entry: Entry) -> Item | None:
        """What was read; `None`: a record that was removed, or that the service has cleaned up."""
        body = entry["body"]
        if entry["kind"] == "record":
            if "value" not in body:
                return None
            return Item(entry["seq"], entry["at"], brought(body["value"]), None)
        envelope = (body.get("metadata") or {}).get(self.name)
        return Item(entry["seq"], entry["at"], brought(envelope), body)

    def items(
        self, client: AgentRuntimeClient, session_id: str, *, after: int | None = None
    ) -> Iterator[Item]:
        """The items that count, oldest first; of no session, none."""
        try:
            for entry in client.iter_log(
                session_id, after=after, kinds=KINDS, key_prefix=self.prefix, counting=True
            ):
                if (item := self.item(entry)) is not None:
                    yield item
        except NotFound:
            return

    def last_items(self, client: AgentRuntimeClient, session_id: str, last: int) -> Sequence[Item]:
        """The last of them, oldest first; of no session, none. One call for each 1,000."""
        found: list[Item] = []
        before: int | None = None
        while len(found) < last:
            wanted = min(last - len(found), PAGE)
            try:
                entries = client.last_of_log(
                    session_id,
                    wanted,
                    before=before,
                    kinds=KINDS,
                    key_prefix=self.prefix,
                    counting=True,
                )
            except NotFound:
                break
            items = [item for entry in entries if (item := self.item(entry)) is not None]
            found = items + found
            if len(entries) < wanted:
                break
            before = entries[0]["seq"]
        return found


PAGE = 1000
"""Entries that the service gives at most in one answer."""
