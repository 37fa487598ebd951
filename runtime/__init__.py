"""The session runtime: every chat session is a task that alone owns its state.

A map, in the order in which one file may import another (a test enforces it):

- `errors`      the error tree, split by whose fault it is
- `clock`       moments as UTC text
- `config`      `RuntimeConfig`
- `session.message`     `Message`; encoded to JSON once, at the edge, carried as bytes from there
- `session.transcript`  a session's messages, packed
- `store`       what the runtime needs of a store, and the values that cross between them
- `session.replies`     what a session answers
- `session.state`       the state of one session, pure
- `actors.commands`     what can be asked of a session
- `actors.actor`        one task, one mailbox, one session
- `statistics`  the inside, made visible
- `actors.directory`    session id to activation
- `saving.erasure`      the removal of an expired session
- `saving.dirty`        the dirty set: what the store does not have yet, and who waits for it
- `saving.threads`      a blocking call in a worker thread
- `saving.persister`    the only task that writes to the store
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
from runtime.runtime import Runtime, open_runtime
from runtime.session.message import FunctionCall, Message, ToolCall
from runtime.session.replies import AgentContext, Appended, History, MessagePage, Summary
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
