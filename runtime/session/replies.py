"""What a session answers: frozen values, true of one moment between two commands.

Each says with `durable_seq` how much of the session is on disk (I2), and with `tag` which state it
is of: `<seq>-<chain>`, the same before and after a restart.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from attrs import frozen

from runtime.session.entries.forms import shown_json
from runtime.session.entries.stretch import Stretch
from runtime.store.entries import Entry
from runtime.store.stored import Origin


@frozen(kw_only=True)
class Reply:
    """What every answer about a session says."""

    session_id: str
    version: int
    """The number of the session's last entry."""
    durable_seq: int
    """Entries 1 to this one are on disk."""
    tag: str


@frozen(kw_only=True)
class Appended(Reply):
    """The answer to an append of messages."""

    seqs: Sequence[int]
    """The number of each message, in the order of the call."""
    message_count: int
    """How many messages of the session count now."""
    repeated: bool
    """Whether every message was known already, so that nothing changed."""
    replaced: int = 0
    """Lone surrogates that became U+FFFD."""

    @property
    def first_seq(self) -> int:
        """The lowest number."""
        return min(self.seqs)

    @property
    def last_seq(self) -> int:
        """The highest number."""
        return max(self.seqs)


@frozen(kw_only=True)
class KnownRecord:
    """A record that was there before a call with `once`."""

    key: str
    seq: int
    value: bytes
    """JSON."""


@frozen(kw_only=True)
class Written(Reply):
    """The answer to a call that appends entries of any kind."""

    seqs: Sequence[int]
    """The number of each entry, in the order of the call."""
    applied: int
    """How many entries were appended: fewer than asked for, if some were known."""
    known: Sequence[KnownRecord] = ()
    """With `once`: the records that were known."""
    repeated: bool = False
    """Whether it is the answer to a call that was made before."""


@frozen(kw_only=True)
class AgentSwitch:
    """One change of a session's agent."""

    from_agent: str
    to_agent: str
    reason: str
    timestamp: str
    """UTC, `2025-12-31T08:44:00.000Z`."""


@frozen(kw_only=True)
class History(Reply):
    """A session's whole conversation at one moment."""

    entries: Stretch
    """The messages that count."""
    message_count: int
    last_activity: str
    current_agent: str
    agent_history: Sequence[AgentSwitch]
    """The newest switches, to a thousand."""

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages in the form of a history: `content` is text, and nothing is null."""
        found: list[dict[str, Any]] = msgspec.json.decode(shown_json(self.entries.shown()))
        return found


@frozen(kw_only=True)
class LogPage(Reply):
    """Consecutive entries of a session's log, or consecutive ones of those that were asked for."""

    entries: Sequence[Entry]
    created_at: str
    message_count: int
    next: int | None
    """Where the next page begins: its `after`, or its `before` if the pages go backwards. `None`
    at the end."""


@frozen
class Record:
    """The newest value of a key."""

    key: str
    value: bytes
    """JSON."""
    seq: int

    @property
    def decoded(self) -> Any:
        """The value."""
        return msgspec.json.decode(self.value)


@frozen(kw_only=True)
class RecordPage(Reply):
    """Records in the order of their keys."""

    records: Sequence[Record]
    next: str | None
    """The last key of this page, if there are more behind it."""


@frozen(kw_only=True)
class AgentContext(Reply):
    """Who works on the session, and who did before."""

    current_agent: str
    agent_history: Sequence[AgentSwitch]
    """The newest switches, to a thousand."""
    switch_count: int
    """How many there are."""
    last_switch_at: str | None
    metadata: Mapping[str, Any]


@frozen(kw_only=True)
class Stop:
    """That somebody wants a turn to end."""

    by: str | None = None
    reason: str | None = None
    at: str


@frozen(kw_only=True)
class HeldTurn(Reply):
    """The turn that holds a session."""

    number: int
    holder: str
    expires_at: str
    """UTC: when it is over, if nobody renews it."""
    stop: Stop | None
    """Whether its holder is asked to stop."""
    begun: bool = False
    """Whether this call began it."""


ApprovalState = Literal["pending", "approved", "denied", "expired"]
APPROVAL_STATES: tuple[ApprovalState, ...] = ("pending", "approved", "denied", "expired")


@frozen(kw_only=True)
class Approval(Reply):
    """What somebody is asked, and what was answered."""

    id: str
    title: str
    detail: bytes | None
    """JSON."""
    state: ApprovalState
    asked_at: str
    expires_at: str | None
    by: str | None = None
    note: str | None = None
    decided_at: str | None = None
    seq: int
    """The number of the entry that asks."""
    repeated: bool = False
    """Whether it is the answer to a call that was made before, so that nothing changed."""


@frozen(kw_only=True)
class ApprovalPage(Reply):
    """Some of a session's approvals, those first that were asked for first."""

    approvals: Sequence[Approval]
    next: int | None
    """The number behind which the next page begins; `None` at the end. A page of one state may be
    short, or empty, and go on: so many are looked at for one page, not all."""


Activity = Literal["idle", "running", "waiting"]
"""`running`: somebody holds a turn; else `waiting`: an approval is pending; else `idle`."""


@frozen(kw_only=True)
class Summary(Reply):
    """A session's header."""

    title: str | None
    archived: bool
    metadata_json: bytes
    """What `metadata` says, as it is kept: whoever passes it on need not decode it."""
    created_at: str
    last_activity: str
    message_count: int
    current_agent: str
    activity: Activity
    is_passing: bool
    """Whether time alone may make the activity another one, without an entry."""
    forked_from: Origin | None
    repeated: bool = False
    """Whether it is the answer to a call that was made before, so that nothing changed."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What its clients keep with the session."""
        found: Mapping[str, Any] = msgspec.json.decode(self.metadata_json)
        return found
