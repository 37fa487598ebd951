"""Entries on the wire: what all kinds have in common, and those kinds that have no file here."""

from functools import reduce
from operator import or_
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import MAX_KEY, Entry, sent
from web.api import modules
from web.api.messages import AnyMessage
from web.api.sessions import SessionPatchIn
from web.call.types import AgentName, Seq, Timestamp

Key = Annotated[str, Meta(min_length=1, max_length=MAX_KEY)]

MESSAGE = "message"
"""The kind whose body is kept in parts; see `runtime.sent`."""


class EntryOut(Struct, tag_field="kind", omit_defaults=True):
    """What every entry shows: a class of a kind adds its `body`."""

    seq: Seq
    at: Timestamp
    key: Key | UnsetType = UNSET


class EntryIn(Struct, tag_field="kind", forbid_unknown_fields=True):
    """What every entry can be sent with: a class of a kind adds its `body`."""

    key: Key | UnsetType | None = UNSET


class MessageEntry(EntryOut, tag=MESSAGE, kw_only=True):
    """A message, as it was sent."""

    body: AnyMessage


class MessageEntryIn(EntryIn, tag=MESSAGE, kw_only=True):
    """A message. Its key is the entry's; an `id` is a member like others."""

    body: AnyMessage


class SwitchBody(Struct, rename={"from_agent": "from"}):
    """A change of the agent."""

    from_agent: AgentName
    to: AgentName
    reason: str


class SwitchBodyIn(Struct, rename={"from_agent": "from"}, forbid_unknown_fields=True):
    """A change of the agent; `from` is filled in."""

    to: AgentName
    reason: str = ""
    from_agent: Annotated[Any, Meta(description="Whatever it is, it is filled in")] = UNSET


class SwitchEntry(EntryOut, tag="switch", kw_only=True):
    """Another agent works on the session from here on."""

    body: SwitchBody


class SwitchEntryIn(EntryIn, tag="switch", kw_only=True):
    """Another agent is to work on the session from here on."""

    body: SwitchBodyIn


class SettingsEntry(EntryOut, tag="settings", kw_only=True):
    """What a session is called: a merge patch; a session's first one has more members."""

    body: dict[str, Any]


class SettingsEntryIn(EntryIn, tag="settings", kw_only=True):
    """A merge patch of title, archived and metadata. Such an entry has no key."""

    body: SessionPatchIn


ENTRIES = (MessageEntry, SwitchEntry, SettingsEntry)
ENTRIES_IN = (MessageEntryIn, SwitchEntryIn, SettingsEntryIn)


def union_of(attribute: str) -> Any:
    """The union, discriminated by `kind`, of all classes that the files here have under a name."""
    found = [kind for module in modules() for kind in getattr(module, attribute, ())]
    return reduce(or_, found)


def shown_entry(entry: Entry) -> bytes:
    """An entry as JSON, made without decoding anything."""
    front: dict[str, Any] = {"seq": entry.seq, "kind": entry.kind}
    if entry.key is not None:
        front["key"] = entry.key
    front["at"] = entry.at
    body = sent(entry) if entry.kind == MESSAGE else entry.body
    return b'%b,"body":%b}' % (msgspec.json.encode(front)[:-1], body)
