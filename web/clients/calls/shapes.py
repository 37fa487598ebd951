"""What is sent and answered, as JSON has it: the service's own document says more of each member.

They are dictionaries, so what a later service adds to them is there as well.
"""

from typing import Any, NotRequired, TypedDict

Json = Any
"""Whatever JSON can say."""

Message = dict[str, Any]
"""Any object with a text `role`."""

Numbers = dict[str, float]
"""Sums under the names of the numbers; integers are exact, and are `int`."""


class NewEntry(TypedDict):
    """An entry to be appended."""

    kind: str
    """`message`, `record`, `switch`, `settings` or `rewind`."""
    key: NotRequired[str]
    body: dict[str, Any]


class Entry(TypedDict):
    """An entry of a session's log."""

    seq: int
    kind: str
    key: NotRequired[str]
    at: str
    """UTC, with milliseconds."""
    body: dict[str, Any]


class Record(TypedDict):
    """A key's present value."""

    key: str
    value: Json
    seq: int


class NewRecord(TypedDict):
    """A value for a key."""

    key: str
    value: Json


class Written(TypedDict):
    """Where entries went."""

    session_id: str
    seqs: list[int]
    version: int
    durable_seq: int
    applied: int
    """How many entries were appended: 0 for a repeat."""
    known: NotRequired[list[Record]]
    """With `once`: the records that were there already."""
    replaced: NotRequired[int]
    """How many lone surrogates became U+FFFD."""


class Origin(TypedDict):
    """Where a fork comes from."""

    session_id: str
    at: int


class Header(TypedDict):
    """A session, without what was said."""

    session_id: str
    title: str | None
    archived: bool
    metadata: dict[str, Any]
    created_at: str
    last_activity: str
    message_count: int
    current_agent: str
    state: str
    """`idle`, `running` or `waiting`."""
    version: int
    durable_seq: int
    forked_from: NotRequired[Origin]


class Listed(TypedDict):
    """A session in a list, with the members of the header that were asked for."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str
    title: NotRequired[str]
    archived: NotRequired[bool]
    metadata: NotRequired[dict[str, Any]]
    created_at: NotRequired[str]
    version: NotRequired[int]


AgentSwitch = TypedDict("AgentSwitch", {"from": str, "to": str, "reason": str, "timestamp": str})
"""One change of a session's agent."""


class SentMessage(TypedDict):
    """A message with its number, as it was sent."""

    seq: int
    timestamp: str
    message: Message
    id: NotRequired[str | int]
