"""What goes over the wire, in and out: one class for each body.

The OpenAPI document is made of these classes, and so are the answers: the two cannot differ.
They are msgspec Structs, not attrs classes: only a Struct can refuse unknown members.

`…In` is what a client sends, `…Out` what it gets. `UNSET` members are left out of an answer.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runtime import (
    AgentContext,
    AgentSwitch,
    Appended,
    Durability,
    FunctionCall,
    History,
    Message,
    MessagePage,
    SessionPage,
    Summary,
    ToolCall,
)
from runtime.session.message import Entry, Role

Timestamp = Annotated[
    str, Meta(description="UTC, with milliseconds", examples=["2025-12-31T08:45:00.000Z"])
]
AgentName = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._:@~-]{0,127}$", description="Any name"),
]
SessionId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@~-]{0,127}$")]
MessageId = Annotated[
    str,
    Meta(
        pattern="^[ -~]{1,256}$",
        description="The client's own id: a message sent again with it has one effect",
    ),
]
Cursor = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]+$", description="Where the next page begins, if there is one")
]
DurableSeq = Annotated[int, Meta(ge=0, description="Messages up to this one are on disk")]


# -- what clients send -------------------------------------------------------------------------


class FunctionCallIn(Struct, forbid_unknown_fields=True):
    """The function that a tool call names."""

    name: str
    arguments: Annotated[str, Meta(description="The model's own JSON, as a string")]


class ToolCallIn(Struct, forbid_unknown_fields=True):
    """One call that an assistant message asks for."""

    id: str
    function: FunctionCallIn
    type: str = "function"


class MessageIn(Struct, forbid_unknown_fields=True):
    """A message of a conversation."""

    role: Role
    content: Annotated[str | None, Meta(description='The text; null is stored as ""')]
    name: str | None = None
    tool_calls: list[ToolCallIn] | None = None
    tool_call_id: str | None = None
    metadata: dict[str, Any] | None = None
    id: MessageId | None = None

    def message(self) -> Message:
        """The same as the runtime's value."""
        calls = None
        if self.tool_calls is not None:
            calls = tuple(
                ToolCall(c.id, FunctionCall(c.function.name, c.function.arguments), c.type)
                for c in self.tool_calls
            )
        return Message(
            role=self.role,
            content=self.content,
            name=self.name,
            tool_calls=calls,
            tool_call_id=self.tool_call_id,
            metadata=self.metadata,
            id=self.id,
        )


class MessagesIn(Struct, forbid_unknown_fields=True):
    """Several messages, appended together or not at all."""

    messages: Annotated[list[MessageIn], Meta(min_length=1, max_length=1000)]


class SessionIn(Struct, forbid_unknown_fields=True):
    """A session to be created; everything can be left out."""

    session_id: SessionId | None = None
    system_prompt: Annotated[str | None, Meta(description="Becomes the first message")] = None
    agent: AgentName | None = None
    metadata: dict[str, Any] | None = None


MetadataIn = dict[str, Any]
"""A merge patch (RFC 7396)."""


class SwitchIn(Struct, forbid_unknown_fields=True):
    """The agent that is to take over."""

    agent: AgentName
    reason: str = ""


class CleanupIn(Struct, forbid_unknown_fields=True):
    """Which sessions are to go."""

    max_age_hours: Annotated[
        float, Meta(gt=0, le=10_000_000, description="Hours since the last activity")
    ] = 24


class ListQuery(Struct):
    """Which part of the list."""

    limit: (
        Annotated[int, Meta(ge=1, le=1000, description="Sessions at most; all, if absent")] | None
    ) = None
    cursor: Cursor | None = None


class MessagesQuery(Struct):
    """Which part of the conversation."""

    after: Annotated[int, Meta(ge=0, description="Messages with higher numbers")] = 0
    limit: Annotated[int, Meta(ge=1, le=1000, description="Messages at most")] = 1000


class AppendQuery(Struct):
    """Whether the first message may create the session."""

    create: Annotated[bool, Meta(description="false: 404 instead of a new session")] = True


# -- what clients get --------------------------------------------------------------------------


class AgentSwitchOut(Struct, rename={"from_agent": "from", "to_agent": "to"}):
    """One change of a session's agent."""

    from_agent: str
    to_agent: str
    reason: str
    timestamp: Timestamp

    @classmethod
    def all_of(cls, switches: Iterable[AgentSwitch]) -> "list[AgentSwitchOut]":
        return [cls(s.from_agent, s.to_agent, s.reason, s.timestamp) for s in switches]


class HistoryMessageOut(Struct, omit_defaults=True):
    """A message as history shows it; never a null."""

    role: Role
    content: str
    name: str | UnsetType = UNSET
    tool_calls: list[ToolCallIn] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET


class MessageOut(Struct, omit_defaults=True):
    """A message with its number."""

    seq: Annotated[int, Meta(ge=1)]
    timestamp: Timestamp
    role: Role
    content: str
    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    tool_calls: list[ToolCallIn] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET


def _numbered_messages(page: MessagePage) -> list[MessageOut]:
    # The members that the body lacks are spliced in around it; nothing is decoded.
    return cast(
        "list[MessageOut]",
        [_number(seq, entry) for seq, entry in enumerate(page.entries, start=page.first_seq)],
    )


def _number(seq: int, entry: Entry) -> Raw:
    front: dict[str, Any] = {"seq": seq, "timestamp": entry.timestamp}
    if entry.id is not None:
        front["id"] = entry.id
    back = b"" if entry.metadata is None else b',"metadata":' + entry.metadata
    return Raw(msgspec.json.encode(front)[:-1] + b"," + entry.body[1:-1] + back + b"}")


class HistoryOut(Struct):
    """A session's whole conversation."""

    session_id: str
    messages: list[HistoryMessageOut]
    message_count: int
    last_activity: Timestamp
    current_agent: str
    agent_history: list[AgentSwitchOut]

    @classmethod
    def of(cls, history: History) -> "HistoryOut":
        return cls(
            session_id=history.session_id,
            # That is such messages, encoded already: the encoder only copies the bytes.
            messages=cast("list[HistoryMessageOut]", Raw(history.entries.json())),
            message_count=len(history.entries),
            last_activity=history.last_activity,
            current_agent=history.current_agent,
            agent_history=AgentSwitchOut.all_of(history.agent_history),
        )


class MessagePageOut(Struct):
    """Consecutive messages. The next page is `after` the last one's `seq`."""

    session_id: str
    messages: list[MessageOut]
    message_count: Annotated[int, Meta(description="Of the whole session")]
    durable_seq: DurableSeq

    @classmethod
    def of(cls, page: MessagePage) -> "MessagePageOut":
        return cls(page.session_id, _numbered_messages(page), page.message_count, page.durable_seq)


class SessionInfoOut(Struct):
    """A session in the list."""

    session_id: str
    message_count: int
    last_activity: Timestamp
    current_agent: str


class SessionListOut(Struct, omit_defaults=True):
    """Sessions, the most recent first."""

    sessions: list[SessionInfoOut]
    total: Annotated[int, Meta(description="The number of all sessions")]
    next_cursor: Cursor | UnsetType = UNSET

    @classmethod
    def of(cls, page: SessionPage, next_cursor: str | None) -> "SessionListOut":
        return cls(
            sessions=[
                SessionInfoOut(s.session_id, s.message_count, s.last_activity, s.current_agent)
                for s in page.sessions
            ],
            total=page.total,
            next_cursor=UNSET if next_cursor is None else next_cursor,
        )


class AgentOut(Struct):
    """Who works on the session, and who did before."""

    session_id: str
    current_agent: str
    agent_history: list[AgentSwitchOut]
    switch_count: int

    @classmethod
    def of(cls, context: AgentContext) -> "AgentOut":
        return cls(
            session_id=context.session_id,
            current_agent=context.current_agent,
            agent_history=AgentSwitchOut.all_of(context.agent_history),
            switch_count=context.switch_count,
        )


class SessionOut(Struct):
    """A session without its messages."""

    session_id: str
    message_count: int
    last_activity: Timestamp
    current_agent: str
    created_at: Timestamp
    metadata: dict[str, Any]
    durable_seq: DurableSeq

    @classmethod
    def of(cls, summary: Summary) -> "SessionOut":
        return cls(
            session_id=summary.session_id,
            message_count=summary.message_count,
            last_activity=summary.last_activity,
            current_agent=summary.current_agent,
            created_at=summary.created_at,
            metadata=dict(summary.metadata),
            durable_seq=summary.durable_seq,
        )


class AppendedOut(Struct):
    """Where the messages went."""

    session_id: str
    first_seq: int
    last_seq: int
    message_count: int
    durable_seq: DurableSeq

    @classmethod
    def of(cls, appended: Appended) -> "AppendedOut":
        return cls(
            session_id=appended.session_id,
            first_seq=appended.first_seq,
            last_seq=appended.last_seq,
            message_count=appended.message_count,
            durable_seq=appended.durable_seq,
        )


class CleanupOut(Struct):
    """How many sessions were deleted."""

    deleted: int


class HealthOut(Struct, omit_defaults=True):
    """How the service is."""

    status: Literal["healthy", "degraded"]
    durability: Durability
    active_sessions: int
    dirty_sessions: int
    failing_since: Timestamp | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class ProblemOut(Struct):
    """What was wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    error: Annotated[str, Meta(description="The same as detail, for the guide's clients")]
