"""What a session answers: frozen values, true of one moment between two commands.

Each says with `durable_seq` how much of the session is on disk (I2).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from runtime.session.message import Message, decode_message
from runtime.session.transcript import Excerpt
from runtime.store import AgentSwitch


@frozen(kw_only=True)
class Appended:
    """The answer to an append."""

    session_id: str
    first_seq: int
    last_seq: int
    message_count: int
    """The session's length right after the messages were first appended."""
    durable_seq: int
    """Messages 1 to this one are on disk."""
    repeated: bool
    """Whether every message was known already, so that nothing changed."""


@frozen(kw_only=True)
class History:
    """A session's whole conversation at one moment."""

    session_id: str
    entries: Excerpt
    last_activity: str
    current_agent: str
    agent_history: Sequence[AgentSwitch]
    durable_seq: int
    tag: str
    """Names this state of the session: another state has another tag, also after a restart, which
    may bring the same state under a new one."""

    @property
    def messages(self) -> list[Message]:
        """The messages, decoded."""
        return [decode_message(entry) for entry in self.entries]


@frozen(kw_only=True)
class MessagePage:
    """Consecutive messages of a session; `entries[0]` is number `first_seq`."""

    session_id: str
    first_seq: int
    entries: Excerpt
    message_count: int
    durable_seq: int

    @property
    def messages(self) -> list[Message]:
        """The messages, decoded."""
        return [decode_message(entry) for entry in self.entries]


@frozen(kw_only=True)
class AgentContext:
    """Who works on the session, and who did before."""

    session_id: str
    current_agent: str
    agent_history: Sequence[AgentSwitch]
    switch_count: int
    last_switch_at: str | None
    metadata: Mapping[str, Any]
    durable_seq: int


@frozen(kw_only=True)
class Summary:
    """A session without its messages."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str
    created_at: str
    metadata: Mapping[str, Any]
    durable_seq: int
