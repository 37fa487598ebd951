"""The session runtime: every chat session is a task that alone owns its state.

A map, in the order in which one file may import another (a test enforces it):

- `errors`      the error tree, split by whose fault it is
- `clock`       moments as UTC text
- `config`      `RuntimeConfig`
- `message`     `Message`; encoded to JSON once, at the edge, and carried as bytes from there on
- `transcript`  a session's messages, packed
- `store`       what the runtime needs of a store, and the values that cross between them
- `replies`     what a session answers
- `session`     the state of one session, pure
- `commands`    what can be asked of a session
- `actor`       one task, one mailbox, one session
- `statistics`  the inside, made visible
- `directory`   session id to activation
- `erasure`     the removal of an expired session
- `dirty`       the dirty set: what the store does not have yet, and who waits for it
- `threads`     a blocking call in a worker thread
- `persister`   the only task that writes to the store
- `handle`      `Session`
- `listing`     the list of all sessions, in chunks
- `runtime`     `open_runtime`, `Runtime`
"""

from runtime.config import Durability, RuntimeConfig
from runtime.errors import (
    AgentRuntimeError,
    CallerError,
    CannotOpenStore,
    DeltaRejected,
    InvalidInput,
    MailboxFull,
    MessageConflict,
    NotNow,
    RuntimeClosed,
    SessionCrashed,
    SessionExists,
    SessionNotFound,
    StoreBehind,
    StoreBroken,
    StoreError,
    StoreInUse,
    StoreUnavailable,
)
from runtime.handle import Session
from runtime.listing import SessionList
from runtime.message import FunctionCall, Message, ToolCall
from runtime.replies import AgentContext, Appended, History, MessagePage, Summary
from runtime.runtime import Runtime, open_runtime
from runtime.store import (
    AgentSwitch,
    ListChunk,
    ListPosition,
    SessionInfo,
    SessionPage,
    Store,
)

__all__ = [
    "AgentContext",
    "AgentRuntimeError",
    "AgentSwitch",
    "Appended",
    "CallerError",
    "CannotOpenStore",
    "DeltaRejected",
    "Durability",
    "FunctionCall",
    "History",
    "InvalidInput",
    "ListChunk",
    "ListPosition",
    "MailboxFull",
    "Message",
    "MessageConflict",
    "MessagePage",
    "NotNow",
    "Runtime",
    "RuntimeClosed",
    "RuntimeConfig",
    "Session",
    "SessionCrashed",
    "SessionExists",
    "SessionInfo",
    "SessionList",
    "SessionNotFound",
    "SessionPage",
    "Store",
    "StoreBehind",
    "StoreBroken",
    "StoreError",
    "StoreInUse",
    "StoreUnavailable",
    "Summary",
    "ToolCall",
    "open_runtime",
]
