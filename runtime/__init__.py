"""The session runtime: every chat session is a task that alone owns its state.

What other packages may use of it is what is imported here. A map, in the order in which one file
or folder may import another (a test enforces it):

- `errors`      the error tree, split by whose fault it is
- `clock`       moments as UTC text
- `config`      `RuntimeConfig`
- `ownership`   which sessions are this process's, where many share a store
- `statistics`  the inside, made visible
- `store`       what the runtime needs of a store, and the values that cross between them
- `index`       what the runtime needs of a store's index of words
- `session`     one session, pure: its log, and what follows from it
- `feeds`       what becomes of sessions, for those who follow them
- `actors`      sessions as tasks, each with a mailbox
- `saving`      from changed state to the store: the persister
- `loading`     a session out of the store, to be owned or to be looked at
- `listing`     the list of all sessions, in chunks
- `history`     a history of any length, in pieces
- `exporting`   a log of any length, as lines
- `indexing`    fills the index of words, behind the commits
- `searching`   searching in all sessions
- `errands`     what is done to sessions that need not be in memory: the trash, and forks
- `vacating`    sessions leave memory: others are to have them, or they are changed in the store
- `copies`      what else has an entry from which a value was taken
- `redacting`   a value of an entry is replaced by a marker, wherever it is
- `cleaning`    clean-ups, of this process's sessions
- `context`     what a model is told, of a log of any length
- `working`     who worked when, at what cost, of a log of any length
- `causes`      errors that leave our own nurseries as themselves
- `asking`      how the calls of one subject ask a session
- `turns`       who may write for a while: a block that keeps a turn, and single calls
- `approvals`   what somebody is asked, in one session or in all
- `handle`      `Session`
- `tenure`      keeps what is owned of a shared store, and gives it up
- `lifetime`    the nurseries, and the order of start and stop
- `runtime`     `open_runtime`, `Runtime`
"""

from runtime.approvals import Approvals, PendingPage, PendingPosition
from runtime.config import DAYS, MINUTES, SECONDS, Durability, KiB, MiB, RuntimeConfig
from runtime.context import Context
from runtime.copies import Copy
from runtime.errands import trash_id_of
from runtime.errors import (
    DAMAGE_REMEDY,
    AgentRuntimeError,
    ApprovalNotFound,
    ApprovalSettled,
    BelowFloor,
    CallerError,
    CannotOpenStore,
    DeltaRejected,
    DoesNotFit,
    DraftConflict,
    ExpectationFailed,
    InvalidInput,
    KeyConflict,
    LogConflict,
    LostOwnership,
    MailboxFull,
    NotHere,
    NotInTrash,
    NotNow,
    NoTurn,
    PreconditionFailed,
    RuntimeClosed,
    SessionCrashed,
    SessionDamaged,
    SessionExists,
    SessionNotFound,
    StoreBehind,
    StoreBroken,
    StoreError,
    StoreInUse,
    StoreUnavailable,
    TurnHeld,
    TurnLost,
    WrongOffset,
    damaged,
)
from runtime.exporting import LogStream
from runtime.feeds.changes import ChangesFollower
from runtime.feeds.events import Events
from runtime.feeds.follower import Follower
from runtime.feeds.news import Deleted, Durable, News, Reset, SessionChange, Told
from runtime.handle import Session
from runtime.history import HistoryStream
from runtime.index import (
    Behind,
    Hit,
    HitPage,
    HitPosition,
    Index,
    Sought,
    Taken,
    Term,
    Text,
    TextOf,
)
from runtime.listing import SessionList
from runtime.ownership import SHARDS, Alone, Node, Ownership, OwnershipStatistics, shard_of
from runtime.redacting import Redacted
from runtime.runtime import Runtime, open_runtime
from runtime.searching import Found, SearchPage, found_in, sought
from runtime.session.asked.calls import MAX_ENTRIES
from runtime.session.asked.drafting import Drafted
from runtime.session.asked.items import Item, items_from_json
from runtime.session.asked.reading import Cursor
from runtime.session.asked.resuming import Resumed
from runtime.session.asked.searched import text_of
from runtime.session.asked.working import Timeline, UsagePage, Work
from runtime.session.bodies.encoding import (
    REPLACEMENT,
    check_depth,
    encode,
    read_as,
    replace_surrogates,
)
from runtime.session.bodies.normal import Apart, normal
from runtime.session.bodies.pieces import WHOLE, give_way
from runtime.session.bodies.words import MAX_QUERY, terms
from runtime.session.context.steps import LARGEST as MAX_CONTEXT
from runtime.session.drafts.draft import (
    MAX_DELTA,
    MAX_DRAFT,
    MAX_DRAFTS,
    MAX_PART,
    DraftView,
    added_of,
)
from runtime.session.drafts.seen import DraftNews
from runtime.session.entries.chain import digest, digest_of, dropped_body, link, new_root, tag
from runtime.session.entries.forms import sent, shown, shown_texts
from runtime.session.files.arriving import MAX_ARRIVING, ArrivingLog, read_log
from runtime.session.files.exported import ExportedLog, heading_of
from runtime.session.files.importing import Imported
from runtime.session.files.lines import FORMAT, FORMAT_VERSION, is_heading, line_of
from runtime.session.kind import New
from runtime.session.kinds.approval import MAX_EXPIRES_IN, MIN_EXPIRES_IN, Decision
from runtime.session.kinds.message import Message, from_json, from_text
from runtime.session.kinds.record import put_from_json
from runtime.session.kinds.settings import SETTINGS, merged
from runtime.session.kinds.switch import MAX_SHOWN_SWITCHES, SWITCH
from runtime.session.kinds.table import KINDS
from runtime.session.kinds.turn import MAX_TTL, MIN_TTL
from runtime.session.kinds.usage import MAX_NUMBER_NAME, MAX_NUMBERS, TAKEN
from runtime.session.life import Life
from runtime.session.replies import (
    Activity,
    AgentContext,
    AgentSwitch,
    Appended,
    Approval,
    ApprovalPage,
    ApprovalState,
    HeldTurn,
    History,
    KnownRecord,
    LogPage,
    Record,
    RecordPage,
    Reply,
    Stop,
    Summary,
    Written,
)
from runtime.session.rules import (
    MAX_AGENT,
    MAX_KEY,
    MAX_NAME,
    MAX_REASON,
    MAX_RECORD_KEY,
    MAX_ROLE,
    MAX_SESSION_ID,
    MAX_TITLE,
    check_small_body,
)
from runtime.session.work.ledger import Ledger, has_meaning
from runtime.session.work.reported import MAX_NUMBER
from runtime.session.work.spent import add_all, add_spent, used_in
from runtime.statistics import Attempt, Histogram, IndexStatistics, OnCommit
from runtime.store.by_number import Superseded, WaitingPage
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import (
    DROPPED,
    MESSAGE,
    NUMBER_ID,
    PLAIN,
    REMOVAL,
    TEXT_ID,
    Entry,
    Mark,
    Row,
    Wanted,
    text_size,
)
from runtime.store.listing import (
    INCLUDABLE,
    MAX_FILTERS,
    STREAMABLE,
    ListChunk,
    Listing,
    ListPosition,
    SessionInfo,
    SessionPage,
)
from runtime.store.steps import Change, Expire, Fork, Purge, Redact, Scrub, Step, Undelete
from runtime.store.store import Store
from runtime.store.stored import (
    ALL,
    DEFAULT_AGENT,
    NEVER,
    STILL,
    DraftChunk,
    Header,
    Interval,
    Lease,
    Origin,
    Settings,
    Standing,
    StoredSession,
)
from runtime.store.trash import TrashedSession, TrashPage, TrashPosition
from runtime.store.used import Amount, AmountPlace, Amounts, Numbers, Used, UsedPage, UsedPlace
from runtime.turns import Turn, Turns

__all__ = [
    "ALL",
    "DAMAGE_REMEDY",
    "DAYS",
    "DEFAULT_AGENT",
    "DROPPED",
    "FORMAT",
    "FORMAT_VERSION",
    "INCLUDABLE",
    "KINDS",
    "MAX_AGENT",
    "MAX_ARRIVING",
    "MAX_CONTEXT",
    "MAX_DELTA",
    "MAX_DRAFT",
    "MAX_DRAFTS",
    "MAX_ENTRIES",
    "MAX_EXPIRES_IN",
    "MAX_FILTERS",
    "MAX_KEY",
    "MAX_NAME",
    "MAX_NUMBER",
    "MAX_NUMBERS",
    "MAX_NUMBER_NAME",
    "MAX_PART",
    "MAX_QUERY",
    "MAX_REASON",
    "MAX_RECORD_KEY",
    "MAX_ROLE",
    "MAX_SESSION_ID",
    "MAX_SHOWN_SWITCHES",
    "MAX_TITLE",
    "MAX_TTL",
    "MESSAGE",
    "MINUTES",
    "MIN_EXPIRES_IN",
    "MIN_TTL",
    "NEVER",
    "NUMBER_ID",
    "PLAIN",
    "REMOVAL",
    "REPLACEMENT",
    "SECONDS",
    "SETTINGS",
    "SHARDS",
    "STILL",
    "STREAMABLE",
    "SWITCH",
    "TAKEN",
    "TEXT_ID",
    "WHOLE",
    "Activity",
    "AgentContext",
    "AgentRuntimeError",
    "AgentSwitch",
    "Alone",
    "Amount",
    "AmountPlace",
    "Amounts",
    "Apart",
    "Appended",
    "Approval",
    "ApprovalNotFound",
    "ApprovalPage",
    "ApprovalSettled",
    "ApprovalState",
    "Approvals",
    "ArrivingLog",
    "Attempt",
    "Behind",
    "BelowFloor",
    "CallerError",
    "CannotOpenStore",
    "Change",
    "ChangesFollower",
    "Committed",
    "Context",
    "Copy",
    "Cursor",
    "Decision",
    "Deleted",
    "Delta",
    "DeltaRejected",
    "DoesNotFit",
    "DraftChunk",
    "DraftConflict",
    "DraftNews",
    "DraftView",
    "Drafted",
    "Durability",
    "Durable",
    "Entry",
    "Events",
    "ExpectationFailed",
    "Expire",
    "ExportedLog",
    "Follower",
    "Fork",
    "Found",
    "Header",
    "HeldTurn",
    "Histogram",
    "History",
    "HistoryStream",
    "Hit",
    "HitPage",
    "HitPosition",
    "Imported",
    "Index",
    "IndexStatistics",
    "Interval",
    "InvalidInput",
    "Item",
    "KeyConflict",
    "KiB",
    "KnownRecord",
    "Lease",
    "Ledger",
    "Life",
    "ListChunk",
    "ListPosition",
    "Listing",
    "LogConflict",
    "LogPage",
    "LogStream",
    "LostOwnership",
    "MailboxFull",
    "Mark",
    "Message",
    "MiB",
    "New",
    "News",
    "NoTurn",
    "Node",
    "NotHere",
    "NotInTrash",
    "NotNow",
    "Numbers",
    "OnCommit",
    "Origin",
    "Ownership",
    "OwnershipStatistics",
    "PendingPage",
    "PendingPosition",
    "PreconditionFailed",
    "Purge",
    "Record",
    "RecordPage",
    "Redact",
    "Redacted",
    "Reply",
    "Reset",
    "Resumed",
    "Row",
    "Runtime",
    "RuntimeClosed",
    "RuntimeConfig",
    "Scrub",
    "SearchPage",
    "Session",
    "SessionChange",
    "SessionCrashed",
    "SessionDamaged",
    "SessionExists",
    "SessionInfo",
    "SessionList",
    "SessionNotFound",
    "SessionPage",
    "Settings",
    "Sought",
    "Standing",
    "Step",
    "Stop",
    "Store",
    "StoreBehind",
    "StoreBroken",
    "StoreError",
    "StoreInUse",
    "StoreUnavailable",
    "StoredSession",
    "Summary",
    "Superseded",
    "Taken",
    "Term",
    "Text",
    "TextOf",
    "Timeline",
    "Told",
    "TrashPage",
    "TrashPosition",
    "TrashedSession",
    "Turn",
    "TurnHeld",
    "TurnLost",
    "Turns",
    "Undelete",
    "UsagePage",
    "Used",
    "UsedPage",
    "UsedPlace",
    "WaitingPage",
    "Wanted",
    "Work",
    "Written",
    "WrongOffset",
    "add_all",
    "add_spent",
    "added_of",
    "check_depth",
    "check_small_body",
    "damaged",
    "digest",
    "digest_of",
    "dropped_body",
    "encode",
    "found_in",
    "from_json",
    "from_text",
    "give_way",
    "has_meaning",
    "heading_of",
    "is_heading",
    "items_from_json",
    "line_of",
    "link",
    "merged",
    "new_root",
    "normal",
    "open_runtime",
    "put_from_json",
    "read_as",
    "read_log",
    "replace_surrogates",
    "sent",
    "shard_of",
    "shown",
    "shown_texts",
    "sought",
    "tag",
    "terms",
    "text_of",
    "text_size",
    "trash_id_of",
    "used_in",
]
