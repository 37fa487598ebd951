"""The log that a session of schema version 1 becomes.

Rules:

- Messages and agent switches become one log as `old_order` says. A switch that is added is the
  last entry.
- What a session has beside them is said by a first entry, of the kind `settings`: the agent that it
  began with, its metadata, the switches that are known by their number only. Where there is nothing
  of it to say there is none, unless the session would be without any entry.
- A message's body, metadata, id and time stay as they are, byte for byte.
"""

import sqlite3
from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
from attrs import define, field

from persistence.sqlite.guide.old_order import forgotten, in_order
from persistence.sqlite.opening import version1
from persistence.sqlite.opening.version1 import OldMessage, OldSession, OldSwitch
from runtime import (
    DEFAULT_AGENT,
    PLAIN,
    TEXT_ID,
    Change,
    Entry,
    Header,
    Settings,
    digest,
    link,
    new_root,
)

UNRECORDED = "Added by the upgrade: how this agent came to be the current one is not recorded"
"""The reason of a switch for a session whose recorded ones do not lead to its current agent, as the
guide's own system could leave it."""

_encode = msgspec.json.Encoder().encode


def changes(
    session: OldSession, connection: sqlite3.Connection, most_entries: int, most_bytes: int
) -> Iterator[tuple[Change, bool]]:
    """What the session becomes, in changes of bounded size, and whether each is the last one.

    At least one. All but the first lack the life's number. Raises `ValueError` and `sqlite3.Error`.
    """
    log = _Log(session)
    after, chunk, size = 0, list[Entry](), 0
    full: Change | None = None
    for entry in log.entries(connection):
        if full is not None:
            yield full, False
            full = None
        chunk.append(entry)
        size += entry.size
        if len(chunk) >= most_entries or size >= most_bytes:
            # Made now, as the log is at this entry, and given when it is known whether more comes.
            full = log.change(after, chunk)
            after, chunk, size = entry.seq, [], 0
    yield full or log.change(after, chunk), True


def settings_of(session: OldSession) -> Settings:
    """What is kept of a session beside its entries."""
    return Settings(metadata=_encode(session.metadata))


@define
class _Log:
    """The log as far as it has been made."""

    session: OldSession
    root: bytes = field(factory=new_root)
    chain: bytes = field(init=False)
    seq: int = 0
    messages: int = 0
    agent: str = DEFAULT_AGENT
    switches: int = 0
    last_switch_at: str | None = None

    def __attrs_post_init__(self) -> None:
        self.chain = self.root

    def entries(self, connection: sqlite3.Connection) -> Iterator[Entry]:
        """One after the other. The header is as of the last one that was given."""
        session = self.session
        messages = version1.messages(connection, session)
        switches = version1.switches(connection, session)
        switch = next(switches, None)
        first = self._first(switch)
        if first is not None:
            yield first
        if switch is not None:
            switches = chain([switch], switches)
        for item in in_order(messages, switches, lambda item: item.timestamp):
            yield self._switch(item) if isinstance(item, OldSwitch) else self._message(item)
        if session.is_contradictory:
            moment = max(session.last_switch_at or "", self.last_switch_at or "")
            yield self._switch(OldSwitch(0, self.agent, session.current_agent, UNRECORDED, moment))

    def change(self, after: int, entries: list[Entry]) -> Change:
        """These entries, which are the last ones so far, as a change."""
        settings = settings_of(self.session)
        return Change(
            no=None,
            root=self.root,
            header=Header(
                created_at=self.session.created_at,
                last_activity=self.session.last_activity,
                version=self.seq,
                message_count=self.messages,
                current_agent=self.agent,
                switch_count=self.switches,
                last_switch_at=self.last_switch_at,
            ),
            after=after,
            settings=settings if after == 0 and settings != Settings() else None,
            entries=entries,
        )

    def _first(self, switch: OldSwitch | None) -> Entry | None:
        session = self.session
        body: dict[str, Any] = {}
        # A switch of that other system may not say from which agent.
        agent = session.current_agent if switch is None else switch.from_agent
        self.agent = agent or DEFAULT_AGENT
        if self.agent != DEFAULT_AGENT or not (session.message_count or switch):
            body["agent"] = self.agent
        if session.metadata:
            body["metadata"] = session.metadata
        recorded = session.recorded_switches + session.is_contradictory
        known = forgotten(session.switch_count, recorded, session.last_switch_at)
        self.switches = known.get("forgotten_switches", 0)
        self.last_switch_at = known.get("last_switch_at")
        body |= known
        if not body:
            return None
        return self._append("settings", None, session.created_at, _encode(body))

    def _message(self, message: OldMessage) -> Entry:
        self.messages += 1
        form = PLAIN if message.client_id is None else PLAIN | TEXT_ID
        return self._append(
            "message", message.client_id, message.timestamp, message.body, message.metadata, form
        )

    def _switch(self, switch: OldSwitch) -> Entry:
        self.switches += 1
        self.agent = switch.to_agent
        self.last_switch_at = switch.timestamp
        body = {"from": switch.from_agent, "to": switch.to_agent, "reason": switch.reason}
        return self._append("switch", None, switch.timestamp, _encode(body))

    def _append(
        self,
        kind: str,
        key: str | None,
        at: str,
        body: bytes,
        metadata: bytes | None = None,
        form: int = 0,
    ) -> Entry:
        self.seq += 1
        content = digest(body, metadata, form)
        self.chain = link(self.chain, self.seq, kind, key, at, content)
        return Entry(self.seq, kind, key, at, body, self.chain, metadata, form)
