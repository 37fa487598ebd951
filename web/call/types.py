"""What the bodies of several endpoints have in common.

The classes of bodies are in the files of their endpoints. The OpenAPI document is made of these
classes, and so are the answers: the two cannot differ. They are msgspec Structs, not attrs classes:
only a Struct can refuse unknown members.

`…In` is what a client sends, `…Out` what it gets. `UNSET` members are left out of an answer. Our
own objects refuse unknown members; a message's are the client's own, so its class names only what
every message has.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runtime import MAX_AGENT, MAX_KEY, MAX_NAME, MAX_REASON, MAX_SESSION_ID, MAX_TITLE

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
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_NAME,
        description="Of a program or a person, without control characters",
        extra_json_schema={"pattern": f"^{NO_CONTROLS}$"},
    ),
]
Reason = Annotated[str, Meta(description=f"Any text, to {MAX_REASON} bytes of UTF-8")]
MessageId = Annotated[
    str | int,
    Meta(description="The client's own id: a message sent again with it has one effect"),
]
TrashId = Annotated[str, Meta(description="Names what was deleted: an id can be used anew")]
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


class ProblemOut(Struct):
    """What was wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    error: Annotated[str, Meta(description="The same as detail, for the guide's clients")]
    offset: (
        Annotated[int, Meta(ge=0, description="Where the draft ends, if a delta began elsewhere")]
        | UnsetType
    ) = UNSET
