"""What goes over the wire, in and out: one class for each body that several endpoints know.

The OpenAPI document is made of these classes, and so are the answers: the two cannot differ.
They are msgspec Structs, not attrs classes: only a Struct can refuse unknown members.

`…In` is what a client sends, `…Out` what it gets. `UNSET` members are left out of an answer. Our
own objects refuse unknown members; a message's are the client's own, so its class names only what
every message has.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import (
    MAX_AGENT,
    MAX_KEY,
    MAX_SESSION_ID,
    MAX_SHOWN_SWITCHES,
    MAX_TITLE,
    AgentContext,
    AgentSwitch,
    Durability,
    Summary,
)

Timestamp = Annotated[
    str, Meta(description="UTC, with milliseconds", examples=["2025-12-31T08:45:00.000Z"])
]
NO_CONTROLS = r"[^\u0000-\u001f\u007f-\u009f]+"
"""A pattern for the document. The runtime checks the rule, and says more clearly what is wrong."""

AgentName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_AGENT,
        description="Any name without control characters",
        extra_json_schema={"pattern": f"^{NO_CONTROLS}$"},
    ),
]
SessionId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SESSION_ID,
        description=f"Any text, to {MAX_SESSION_ID} bytes of UTF-8; percent-encoded in a path",
    ),
]
NewSessionId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SESSION_ID,
        description=f"Any text without control characters, to {MAX_SESSION_ID} bytes of UTF-8",
        extra_json_schema={"pattern": rf"^(?!\.{{1,2}}$){NO_CONTROLS}$"},
    ),
]
CallId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY,
        description="The client's own id of the call: sent again with it, it has one effect",
    ),
]
MessageId = Annotated[
    str | int,
    Meta(description="The client's own id: a message sent again with it has one effect"),
]
Title = Annotated[str, Meta(max_length=MAX_TITLE)]
Cursor = Annotated[
    str, Meta(pattern="^[A-Za-z0-9_-]+$", description="Where the next page begins, if there is one")
]
LogCursor = Annotated[
    str,
    Meta(
        pattern="^[0-9]+(-[0-9a-f]{16})?$",
        description="The number of an entry; or `<number>-<chain>`, which fits this log only",
    ),
]
DurableSeq = Annotated[int, Meta(ge=0, description="Entries up to this one are on disk")]
Version = Annotated[int, Meta(ge=0, description="The number of the last entry")]
Seq = Annotated[int, Meta(ge=1, description="The number of an entry")]
Limit = Annotated[int, Meta(ge=1, le=1000, description="At most so many")]
Replaced = Annotated[
    int, Meta(ge=1, description="Lone surrogates that became U+FFFD; absent if there were none")
]

DEFAULT_LIMIT = 100
"""Of a page: what a screen shows, a few times."""


# -- what clients send -------------------------------------------------------------------------


class SessionIn(Struct, forbid_unknown_fields=True):
    """A session to be created; everything can be left out."""

    session_id: NewSessionId | None = None
    system_prompt: Annotated[str | None, Meta(description="Becomes the first message")] = None
    agent: AgentName | None = None
    title: Title | None = None
    metadata: dict[str, Any] | None = None


class SessionPatchIn(Struct, forbid_unknown_fields=True):
    """A merge patch (RFC 7396): what is null is removed, what is absent stays."""

    title: Title | UnsetType | None = UNSET
    archived: bool | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


class SwitchIn(Struct, forbid_unknown_fields=True):
    """The agent that is to take over."""

    agent: AgentName
    reason: str = ""
    id: CallId | None = None


class DeleteQuery(Struct):
    """How a session is deleted."""

    purge: Annotated[bool, Meta(description="true: for good, and not into the trash")] = False


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


AgentHistory = Annotated[
    list[AgentSwitchOut],
    Meta(max_length=MAX_SHOWN_SWITCHES, description="The newest switches, in order"),
]


class AgentOut(Struct):
    """Who works on the session, and who did before."""

    session_id: str
    current_agent: str
    agent_history: AgentHistory
    switch_count: Annotated[int, Meta(description="How many there are, also of those not shown")]

    @classmethod
    def of(cls, context: AgentContext) -> "AgentOut":
        return cls(
            session_id=context.session_id,
            current_agent=context.current_agent,
            agent_history=AgentSwitchOut.all_of(context.agent_history),
            switch_count=context.switch_count,
        )


class OriginOut(Struct):
    """Where a fork comes from."""

    session_id: str
    at: Seq


class SessionOut(Struct, omit_defaults=True):
    """A session's header: all of it but what was said."""

    session_id: str
    title: str | None
    archived: bool
    metadata: dict[str, Any]
    created_at: Timestamp
    last_activity: Timestamp
    message_count: int
    current_agent: str
    version: Version
    durable_seq: DurableSeq
    forked_from: OriginOut | UnsetType = UNSET

    @classmethod
    def of(cls, summary: Summary) -> "SessionOut":
        origin = summary.forked_from
        return cls(
            session_id=summary.session_id,
            title=summary.title,
            archived=summary.archived,
            metadata=dict(summary.metadata),
            created_at=summary.created_at,
            last_activity=summary.last_activity,
            message_count=summary.message_count,
            current_agent=summary.current_agent,
            version=summary.version,
            durable_seq=summary.durable_seq,
            forked_from=UNSET if origin is None else OriginOut(origin.session_id, origin.at),
        )


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
