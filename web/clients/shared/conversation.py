"""Conversation: a framework's items in a session's log."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from uuid import uuid4

from attrs import frozen

from web.clients.calls.shapes import Entry, Message, NewEntry, Written
from web.clients.calls.terms import USUAL, Terms
from web.clients.client import AgentRuntimeClient
from web.clients.errors import Conflict, NotFound, PreconditionFailed
from web.clients.shared.carrying import brought, carried, cleaned
from web.clients.shared.pieces import cut, is_cut, joined
from web.clients.shared.plain import REDACTED, is_redacted

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

    def record(self, value: Any, *, name: str | None = None) -> NewEntry:
        """Anything else. Each has a key of its own, so none takes another's place.

        `name`: it ends the key, for an item that may be sent again in another call.
        """
        key = f"{self.prefix}{name or uuid4().hex}"
        return {"kind": "record", "key": key, "body": {"value": carried(value)}}

    @property
    def prefix(self) -> str:
        """What the keys of its records begin with."""
        return f"{self.name}/"

    def item(self, entry: Entry) -> Item | None:
        """What was read; `None`: a record that was removed, redacted or cleaned up."""
        body = entry["body"]
        if entry["kind"] == "record":
            value = body.get("value", REDACTED)
            return (
                None if value == REDACTED else Item(entry["seq"], entry["at"], brought(value), None)
            )
        envelope = _metadata(body).get(self.name)
        if envelope == REDACTED:
            envelope = None
        return Item(entry["seq"], entry["at"], brought(envelope), body)

    def append(
        self,
        client: AgentRuntimeClient,
        session_id: str,
        entries: Sequence[NewEntry],
        *,
        terms: Terms = USUAL,
        **more: Any,
    ) -> Written:
        """Appends entries in one step, as `AgentRuntimeClient.append_entries` does.

        What is too large for one call goes before it, in 1 more call for each 4 MiB.
        """
        pieces, fitting = cut(self.name, entries)
        # An exact tag would not be that of the session any more, once a piece is there.
        before = terms if terms.if_match == "*" else USUAL
        for piece in pieces:
            client.append_entries(session_id, [piece], once=True, terms=before)
        return client.append_entries(session_id, fitting, terms=terms, **more)

    def items(
        self, client: AgentRuntimeClient, session_id: str, *, after: int | None = None
    ) -> Iterator[Item]:
        """The items that count, oldest first; of no session, none."""
        try:
            for entry in client.iter_log(
                session_id, after=after, kinds=KINDS, key_prefix=self.prefix, counting=True
            ):
                if (item := self.whole(client, session_id, entry)) is not None:
                    yield item
        except NotFound:
            return

    def newest_items(
        self, client: AgentRuntimeClient, session_id: str, *, limit: int | None = None
    ) -> Iterator[Item]:
        """The items that count, newest first; of no session, none.

        `limit`: how many will be taken, so that no more are sent than that.
        """
        page = PAGE if limit is None else max(1, min(limit, PAGE))
        try:
            for entry in client.iter_log_back(
                session_id, kinds=KINDS, key_prefix=self.prefix, counting=True, limit=page
            ):
                if (item := self.whole(client, session_id, entry)) is not None:
                    yield item
        except NotFound:
            return

    def last_items(self, client: AgentRuntimeClient, session_id: str, last: int) -> Sequence[Item]:
        """The last of them, oldest first; of no session, none. One call for each 1,000."""
        newest = self.newest_items(client, session_id, limit=last)
        return list(islice(newest, last))[::-1]

    def whole(self, client: AgentRuntimeClient, session_id: str, entry: Entry) -> Item | None:
        """What was read, with what was cut off it. `None`: as `item` has it, or a piece is gone."""
        body = entry["body"]
        if entry["kind"] == "record":
            value = body.get("value")
            if not is_cut(value):
                return self.item(entry)
            there = joined(client, session_id, self.name, value)
            return None if there is None else self.item({**entry, "body": there})
        # Whoever cut it: to others, too, it is what was said, and not how that begins.
        metadata = _metadata(body)
        for name, value in metadata.items():
            if is_cut(value):
                there = None
                if not is_redacted(body):
                    there = joined(client, session_id, name, value)
                # Where a piece is no longer there, what is shown is all there is.
                shown = {**body, "metadata": {**metadata, name: None}}
                return self.item({**entry, "body": there or shown})
        return self.item(entry)

    def pop(self, client: AgentRuntimeClient, session_id: str) -> Item | None:
        """Takes the last item back; `None`: there is none. Two calls, unless others write."""
        while True:
            try:
                entries, tag = client.tagged_last_of_log(
                    session_id, 1, kinds=KINDS, key_prefix=self.prefix, counting=True
                )
            except NotFound:
                return None
            if not entries:
                return None
            [entry] = entries
            try:
                client.rewind(session_id, entry["seq"] - 1, terms=Terms(if_match=tag))
            except PreconditionFailed:  # what came meanwhile would be taken back with it
                continue
            if (item := self.whole(client, session_id, entry)) is not None:
                return item

    def clear(self, client: AgentRuntimeClient, session_id: str) -> None:
        """Takes back all that counts. Of no session, nothing."""
        with suppress(NotFound):
            client.rewind(session_id, 0)

    def make(self, client: AgentRuntimeClient, session_id: str, names: Mapping[str, str]) -> None:
        """Makes a session whose id does not tell the framework's own names, if it is not there."""
        told = {name: cleaned(value) for name, value in names.items()}
        with suppress(Conflict):
            client.create_session(session_id, metadata={self.name: told})


def _metadata(message: Message) -> Mapping[str, Any]:
    # Whoever wrote the message may have put anything there, and a redaction a text.
    metadata = message.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


PAGE = 1000
"""Entries that the service gives at most in one answer."""
