"""What the runtime needs of a store, and the values that cross between them.

A map, in the order in which one file may import another:

- `entries`    a log's entries, and which of them are wanted
- `stored`     a living session as the store has it
- `used`       what sessions used, by day, agent and model
- `steps`      what a commit does with one life of a session
- `deltas`     what a commit is given, and what became of it
- `listing`    the list of living sessions
- `by_number`  living sessions found by what is in them, in the order of their numbers
- `trash`      the trash
- `store`      `Store`: what a store does
"""

from runtime.store.by_number import Superseded, WaitingPage
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import (
    CALL_SIZE,
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

__all__ = [
    "ALL",
    "CALL_SIZE",
    "DEFAULT_AGENT",
    "DROPPED",
    "INCLUDABLE",
    "MAX_FILTERS",
    "MESSAGE",
    "NEVER",
    "NUMBER_ID",
    "PLAIN",
    "REMOVAL",
    "STILL",
    "STREAMABLE",
    "TEXT_ID",
    "Amount",
    "AmountPlace",
    "Amounts",
    "Change",
    "Committed",
    "Delta",
    "DraftChunk",
    "Entry",
    "Expire",
    "Fork",
    "Header",
    "Interval",
    "Lease",
    "ListChunk",
    "ListPosition",
    "Listing",
    "Mark",
    "Numbers",
    "Origin",
    "Purge",
    "Redact",
    "Row",
    "Scrub",
    "SessionInfo",
    "SessionPage",
    "Settings",
    "Standing",
    "Step",
    "Store",
    "StoredSession",
    "Superseded",
    "TrashPage",
    "TrashPosition",
    "TrashedSession",
    "Undelete",
    "Used",
    "UsedPage",
    "UsedPlace",
    "WaitingPage",
    "Wanted",
    "text_size",
]
