"""The state of one session and what each command does to it. Pure: no trio, no I/O, no clock.

The rules:

- A session *exists* or is *absent*. The first message, or `create`, makes an absent one exist;
  `delete` makes it absent again. Every other command on an absent session is refused.
- Messages are numbered from 1 without gaps; they are appended and never change (I3).
- A message whose client id is known has no effect and gets the first answer; with different
  content it refuses the whole call (I3).
- Every change makes the version one higher. A refused command changes nothing.
- `durable_version` says how far the store has come. What lies beyond it is the *delta*; taking the
  delta changes nothing, so a failed commit loses nothing (I4).
- `last_activity` never goes backwards, whatever the clock does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from attrs import define, field

from runtime.errors import InvalidInput, MessageConflict, SessionExists, SessionNotFound
from runtime.session.message import Entry, encode_object
from runtime.session.replies import AgentContext, Appended, History, MessagePage, Summary
from runtime.session.transcript import Transcript
from runtime.store import DEFAULT_AGENT, AgentSwitch, Delta, Header, StoredSession

SESSION_OVERHEAD = 4096
"""Bytes that an undurable session is counted with beside its text: task, mailbox and state keep it
in memory until it is durable."""

ENTRY_OVERHEAD = 256
"""Bytes that an undurable message is counted with beside its text."""


@define(eq=False, kw_only=True)
class SessionState:
    """One session's state, owned by one actor. Timestamps come in with the commands."""

    session_id: str
    incarnation: str = ""
    """Names this activation. Versions alone would name two states alike: one that a crash took,
    and the one that came in its place."""
    exists: bool = False
    created_at: str = ""
    last_activity: str = ""
    current_agent: str = DEFAULT_AGENT
    switch_count: int = 0
    last_switch_at: str | None = None
    metadata: bytes = b"{}"
    entries: Transcript = field(factory=Transcript)
    """Invariant: the settled ones are in the store, with the same numbers."""
    switches: list[AgentSwitch] = field(factory=list)

    version: int = 0
    durable_version: int = 0
    """Invariant: `durable_version <= version`; equal exactly when the store has everything."""
    undurable_bytes: int = 0
    """What the changes beyond `durable_version` hold in memory, about; 0 when there are none."""
    _durable_switches: int = 0
    _erased_version: int = 0
    """The version that the last `delete` made. Beyond `durable_version`: the store must erase."""

    @classmethod
    def restored(
        cls, session_id: str, stored: StoredSession | None, *, incarnation: str = ""
    ) -> "SessionState":
        """The state as the store has it; absent if the store has none."""
        if stored is None:
            return cls(session_id=session_id, incarnation=incarnation)
        header = stored.header
        return cls(
            session_id=session_id,
            incarnation=incarnation,
            exists=True,
            created_at=header.created_at,
            last_activity=header.last_activity,
            current_agent=header.current_agent,
            switch_count=header.switch_count,
            last_switch_at=header.last_switch_at,
            metadata=header.metadata,
            entries=stored.entries,
            switches=list(stored.switches),
            version=header.version,
            durable_version=header.version,
            durable_switches=len(stored.switches),
        )

    @property
    def durable_seq(self) -> int:
        """Messages up to this number are in the store."""
        return self.entries.settled

    # -- what the commands ask ---------------------------------------------------------------

    def append(self, entries: Sequence[Entry], *, create: bool, at: str) -> Appended:
        """Appends the messages that are not known yet.

        Raises `SessionNotFound` if the session is absent and `create` is false, `InvalidInput`
        for no message at all, `MessageConflict`.
        """
        if not entries:
            raise InvalidInput("messages: at least one is needed")
        if not create:
            self._require()
        seqs, fresh = self._number(entries)
        if fresh:
            if not self.exists:
                self._begin(at)
            self.entries.extend(fresh)
            self._changed(at, sum(entry.size + ENTRY_OVERHEAD for entry in fresh))
        last_seq = max(seqs)
        return Appended(
            session_id=self.session_id,
            first_seq=min(seqs),
            last_seq=last_seq,
            message_count=len(self.entries) if fresh else last_seq,
            durable_seq=self.durable_seq,
            repeated=not fresh,
        )

    def create(self, entries: Sequence[Entry], *, agent: str, metadata: bytes, at: str) -> Summary:
        """Makes the session exist. Raises `SessionExists`, `MessageConflict`."""
        if self.exists:
            raise SessionExists(self.session_id)
        _, fresh = self._number(entries)
        self._begin(at)
        self.current_agent = agent
        self.metadata = metadata
        self.entries.extend(fresh)
        self._changed(at, len(metadata) + sum(entry.size + ENTRY_OVERHEAD for entry in fresh))
        return self.summary()

    def delete(self, *, before: str | None = None) -> bool:
        """Makes the session absent. Raises `SessionNotFound`.

        With `before`, only if its last activity is before that moment; says whether it was.
        """
        self._require()
        if before is not None and self.last_activity >= before:
            return False
        self._forget()
        self.version += 1
        self._erased_version = self.version
        self.undurable_bytes = SESSION_OVERHEAD
        return True

    def switch_agent(self, agent: str, *, reason: str, at: str) -> AgentContext:
        """Makes `agent` the current one, unless it is. Raises `SessionNotFound`."""
        self._require()
        if agent != self.current_agent:
            self.switches.append(AgentSwitch(self.current_agent, agent, reason, at))
            self.current_agent = agent
            self.switch_count += 1
            self.last_switch_at = at
            self._changed(at, len(reason) + ENTRY_OVERHEAD)
        return self.agent_context()

    def patch_metadata(self, patch: Mapping[str, Any], *, at: str) -> Summary:
        """Merges `patch` into the metadata (RFC 7396): null removes a member, objects merge.

        Raises `SessionNotFound`, and `InvalidInput` if the result is not acceptable as JSON.
        """
        self._require()
        merged = encode_object(_merge(msgspec.json.decode(self.metadata), patch), "metadata")
        if merged != self.metadata:
            self.metadata = merged
            self._changed(at, len(merged))
        return self.summary()

    def history(self) -> History:
        """The whole conversation. Raises `SessionNotFound`."""
        self._require()
        return History(
            session_id=self.session_id,
            entries=self.entries[:],
            last_activity=self.last_activity,
            current_agent=self.current_agent,
            agent_history=tuple(self.switches),
            durable_seq=self.durable_seq,
            tag=f"{self.incarnation}.{self.version}",
        )

    def messages(self, *, after: int, limit: int) -> MessagePage:
        """At most `limit` messages with numbers above `after`. Raises `SessionNotFound`."""
        self._require()
        return MessagePage(
            session_id=self.session_id,
            first_seq=after + 1,
            entries=self.entries[after : after + limit],
            message_count=len(self.entries),
            durable_seq=self.durable_seq,
        )

    def agent_context(self) -> AgentContext:
        """The current agent and its predecessors. Raises `SessionNotFound`."""
        self._require()
        return AgentContext(
            session_id=self.session_id,
            current_agent=self.current_agent,
            agent_history=tuple(self.switches),
            switch_count=self.switch_count,
            last_switch_at=self.last_switch_at,
            metadata=msgspec.json.decode(self.metadata),
            durable_seq=self.durable_seq,
        )

    def summary(self) -> Summary:
        """The session without its messages. Raises `SessionNotFound`."""
        self._require()
        return Summary(
            session_id=self.session_id,
            message_count=len(self.entries),
            last_activity=self.last_activity,
            current_agent=self.current_agent,
            created_at=self.created_at,
            metadata=msgspec.json.decode(self.metadata),
            durable_seq=self.durable_seq,
        )

    # -- what the persister asks -------------------------------------------------------------

    def delta(self) -> Delta:
        """All that lies beyond `durable_version`. Changes nothing."""
        header = None
        if self.exists:
            header = Header(
                created_at=self.created_at,
                last_activity=self.last_activity,
                version=self.version,
                message_count=len(self.entries),
                current_agent=self.current_agent,
                switch_count=self.switch_count,
                last_switch_at=self.last_switch_at,
                metadata=self.metadata,
            )
        return Delta(
            session_id=self.session_id,
            version=self.version,
            erase=self._erased_version > self.durable_version,
            header=header,
            first_seq=self.durable_seq + 1,
            entries=tuple(self.entries.fresh),
            first_switch=self._durable_switches + 1,
            switches=tuple(self.switches[self._durable_switches :]),
        )

    def mark_durable(self, delta: Delta) -> None:
        """Takes note that `delta`, one of this session's, is in the store."""
        self.durable_version = delta.version
        if self._erased_version <= delta.version:
            self.entries.settle(len(delta.entries))
            self._durable_switches = delta.first_switch - 1 + len(delta.switches)
        # Otherwise the session was deleted after the delta was taken: of what it is now, nothing
        # is in the store, and both counts are 0 already.
        if self.durable_version == self.version:
            self.undurable_bytes = 0
        else:
            self.undurable_bytes = (
                SESSION_OVERHEAD
                + len(self.metadata)
                + sum(entry.size + ENTRY_OVERHEAD for entry in self.entries.fresh)
            )

    # -- inside ------------------------------------------------------------------------------

    def _require(self) -> None:
        if not self.exists:
            raise SessionNotFound(self.session_id)

    def _begin(self, at: str) -> None:
        self.exists = True
        self.created_at = at
        self.last_activity = at

    def _forget(self) -> None:
        self.exists = False
        self.created_at = self.last_activity = ""
        self.current_agent = DEFAULT_AGENT
        self.switch_count = 0
        self.last_switch_at = None
        self.metadata = b"{}"
        self.entries = Transcript()
        self.switches = []
        self._durable_switches = 0

    def _changed(self, at: str, added: int) -> None:
        self.last_activity = max(self.last_activity, at)
        if self.version == self.durable_version:
            added += SESSION_OVERHEAD
        self.version += 1
        self.undurable_bytes += added

    def _number(self, entries: Sequence[Entry]) -> tuple[Sequence[int], list[Entry]]:
        """Each entry's number, and the entries that are new. Changes nothing."""
        length = len(self.entries)
        seqs: list[int] = []
        fresh: list[Entry] = []
        fresh_ids: dict[str, int] = {}
        for entry in entries:
            seq = None
            if entry.id is not None:
                seq = self.entries.number_of(entry.id) or fresh_ids.get(entry.id)
                if seq is not None:
                    known = self.entries[seq - 1] if seq <= length else fresh[seq - length - 1]
                    if not known.same_message(entry):
                        raise MessageConflict(entry.id, seq if seq <= length else None)
            if seq is None:
                fresh.append(entry)
                seq = length + len(fresh)
                if entry.id is not None:
                    fresh_ids[entry.id] = seq
            seqs.append(seq)
        return seqs, fresh


def _merge(target: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            inner = merged.get(name)
            merged[name] = _merge(inner if isinstance(inner, dict) else {}, value)
        else:
            merged[name] = value
    return merged
