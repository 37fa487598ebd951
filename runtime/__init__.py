"""The session runtime: every chat session is a task that alone owns its state.

What other packages may use of it is what is imported here. A map, in the order in which one file
or folder may import another (a test enforces it):

- `errors`      the error tree, split by whose fault it is
- `clock`       moments as UTC text
- `config`      `RuntimeConfig`
- `statistics`  the inside, made visible
- `store`       what the runtime needs of a store, and the values that cross between them
- `session`     one session, pure: its log, and what follows from it
- `feeds`       what becomes of sessions, for those who follow them
- `actors`      sessions as tasks, each with a mailbox
- `saving`      from changed state to the store: the persister
- `listing`     the list of all sessions, in chunks
- `history`     a history of any length, in pieces
- `errands`     what is done to sessions that need not be in memory: the trash, forks, clean-ups
- `handle`      `Session`
- `lifetime`    the nurseries, and the order of start and stop
- `runtime`     `open_runtime`, `Runtime`
"""

from runtime.config import DAYS, MINUTES, SECONDS, Durability, KiB, MiB, RuntimeConfig
from runtime.errands import trash_id_of
from runtime.errors import (
    DAMAGE_REMEDY,
    AgentRuntimeError,
    BelowFloor,
    CallerError,
    CannotOpenStore,
    DeltaRejected,
    ExpectationFailed,
    InvalidInput,
    KeyConflict,
    MailboxFull,
    NotInTrash,
    NotNow,
    PreconditionFailed,
    RuntimeClosed,
    SessionCrashed,
    SessionExists,
    SessionNotFound,
    StoreBehind,
    StoreBroken,
    StoreError,
    StoreInUse,
    StoreUnavailable,
    damaged,
)
from runtime.feeds.changes import ChangesFollower
from runtime.feeds.events import Events
from runtime.feeds.follower import Follower
from runtime.feeds.news import Deleted, Durable, News, Reset, SessionChange, Told
from runtime.handle import Session
from runtime.history import HistoryStream
from runtime.listing import SessionList
from runtime.runtime import Runtime, open_runtime
from runtime.session.calls import MAX_ENTRIES, Item, items_from_json
from runtime.session.chain import digest, dropped_body, link, new_root
from runtime.session.encoding import (
    REPLACEMENT,
    check_depth,
    encode,
    read_as,
    replace_surrogates,
)
from runtime.session.forms import sent, shown_json
from runtime.session.kind import New
from runtime.session.kinds import KINDS
from runtime.session.life import Life
from runtime.session.message import Message, from_json, from_text
from runtime.session.normal import Apart, normal
from runtime.session.pieces import WHOLE, give_way
from runtime.session.reading import Cursor
from runtime.session.record import put_from_json
from runtime.session.replies import (
    AgentContext,
    AgentSwitch,
    Appended,
    History,
    KnownRecord,
    LogPage,
    Record,
    RecordPage,
    Reply,
    Summary,
    Written,
)
from runtime.session.rules import (
    MAX_AGENT,
    MAX_KEY,
    MAX_RECORD_KEY,
    MAX_ROLE,
    MAX_SESSION_ID,
    MAX_TITLE,
    check_small_body,
)
from runtime.session.settings import SETTINGS, merged
from runtime.session.switch import MAX_SHOWN_SWITCHES, SWITCH
from runtime.statistics import Attempt, Histogram, OnCommit
from runtime.store import (
    ALL,
    DEFAULT_AGENT,
    DROPPED,
    INCLUDABLE,
    MAX_FILTERS,
    MESSAGE,
    NUMBER_ID,
    PLAIN,
    REMOVAL,
    STREAMABLE,
    TEXT_ID,
    Change,
    Committed,
    Delta,
    Entry,
    Expire,
    Fork,
    Header,
    Interval,
    ListChunk,
    Listing,
    ListPosition,
    Mark,
    Origin,
    Purge,
    Row,
    SessionInfo,
    SessionPage,
    Settings,
    Step,
    Store,
    StoredSession,
    Superseded,
    TrashedSession,
    TrashPage,
    TrashPosition,
    Undelete,
    Wanted,
    text_size,
)

__all__ = [
    "ALL",
    "DAMAGE_REMEDY",
    "DAYS",
    "DEFAULT_AGENT",
    "DROPPED",
    "INCLUDABLE",
    "KINDS",
    "MAX_AGENT",
    "MAX_ENTRIES",
    "MAX_FILTERS",
    "MAX_KEY",
    "MAX_RECORD_KEY",
    "MAX_ROLE",
    "MAX_SESSION_ID",
    "MAX_SHOWN_SWITCHES",
    "MAX_TITLE",
    "MESSAGE",
    "MINUTES",
    "NUMBER_ID",
    "PLAIN",
    "REMOVAL",
    "REPLACEMENT",
    "SECONDS",
    "SETTINGS",
    "STREAMABLE",
    "SWITCH",
    "TEXT_ID",
    "WHOLE",
    "AgentContext",
    "AgentRuntimeError",
    "AgentSwitch",
    "Apart",
    "Appended",
    "Attempt",
    "BelowFloor",
    "CallerError",
    "CannotOpenStore",
    "Change",
    "ChangesFollower",
    "Committed",
    "Cursor",
    "Deleted",
    "Delta",
    "DeltaRejected",
    "Durability",
    "Durable",
    "Entry",
    "Events",
    "ExpectationFailed",
    "Expire",
    "Follower",
    "Fork",
    "Header",
    "Histogram",
    "History",
    "HistoryStream",
    "Interval",
    "InvalidInput",
    "Item",
    "KeyConflict",
    "KiB",
    "KnownRecord",
    "Life",
    "ListChunk",
    "ListPosition",
    "Listing",
    "LogPage",
    "MailboxFull",
    "Mark",
    "Message",
    "MiB",
    "New",
    "News",
    "NotInTrash",
    "NotNow",
    "OnCommit",
    "Origin",
    "PreconditionFailed",
    "Purge",
    "Record",
    "RecordPage",
    "Reply",
    "Reset",
    "Row",
    "Runtime",
    "RuntimeClosed",
    "RuntimeConfig",
    "Session",
    "SessionChange",
    "SessionCrashed",
    "SessionExists",
    "SessionInfo",
    "SessionList",
    "SessionNotFound",
    "SessionPage",
    "Settings",
    "Step",
    "Store",
    "StoreBehind",
    "StoreBroken",
    "StoreError",
    "StoreInUse",
    "StoreUnavailable",
    "StoredSession",
    "Summary",
    "Superseded",
    "Told",
    "TrashPage",
    "TrashPosition",
    "TrashedSession",
    "Undelete",
    "Wanted",
    "Written",
    "check_depth",
    "check_small_body",
    "damaged",
    "digest",
    "dropped_body",
    "encode",
    "from_json",
    "from_text",
    "give_way",
    "items_from_json",
    "link",
    "merged",
    "new_root",
    "normal",
    "open_runtime",
    "put_from_json",
    "read_as",
    "replace_surrogates",
    "sent",
    "shown_json",
    "text_size",
    "trash_id_of",
]
