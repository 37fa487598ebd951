"""What the runtime needs of a store, and the values that cross between them.

Rules:

- A session is a log of entries, numbered from 1 without gaps. An entry never changes; only its body
  may be dropped, and then its digest stays. Where a value has to be gone, another life takes the
  place of the one that has it (`Redact`).
- A session that was deleted lies in the trash, as it was, until it is purged. Its id is free: a new
  session of the same id is another *life*. `no` tells lives apart; the store gives it, and never
  gives it again.
- A store knows entries, not kinds. What follows from the entries (the header, the settings) comes
  with them.
- A store's methods are synchronous: the runtime calls them in worker threads. `commit` is called by
  one task at a time; the reading methods may run beside it and beside each other, in any thread,
  and see committed transactions only.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from attrs import field, frozen

from runtime.errors import DeltaRejected, InvalidInput
from runtime.ownership import Ownership

if TYPE_CHECKING:
    from runtime.index import Index

DEFAULT_AGENT = "orchestrator"
"""The agent of a session that nobody has switched yet, as in the published guide."""

MESSAGE = "message"
"""The one kind that a store knows of. From entries of other kinds follows what a session is, so
those are outlined when it is loaded, however long it is; messages are only counted."""

PLAIN = 1
"""In `Entry.form`: a message whose body is what a history shows of it."""
TEXT_ID = 2
"""In `Entry.form`: the message has a member `id`, the text that is the entry's key."""
NUMBER_ID = 4
"""In `Entry.form`: the same, but `id` is an integer."""
DROPPED = 8
"""In `Entry.form`: the body is gone; `{"dropped": D}` stands in its place, D its digest in hex."""
REMOVAL = 16
"""In `Entry.form`: a record that takes its key's value away."""
CALL_SIZE = 8
"""In `Entry.form`, from this bit on: of how many entries the call is whose id the entry carries."""


@frozen
class Entry:
    """An item of a session's log."""

    seq: int
    """1, 2, 3 … in its session."""
    kind: str
    key: str | None
    at: str
    """UTC, `2025-12-31T08:45:00.000Z`."""
    body: bytes
    """JSON. A message's is without `metadata`, without an `id` that is the key, and begins with
    `role` and `content`."""
    chain: bytes
    """8 bytes that name the log up to here; see `runtime.session.entries.chain`."""
    metadata: bytes | None = None
    """A message's member `metadata`, as JSON."""
    form: int = 0
    """`PLAIN`, `TEXT_ID` or `NUMBER_ID`, `DROPPED`, `REMOVAL`, and the size of a call, added up."""
    call: str | None = None
    """The id of the call that appended it, on the first entry of that call."""

    @property
    def size(self) -> int:
        """Bytes of text that the entry holds in memory."""
        return len(self.body) + len(self.metadata or b"") + len(self.key or "")


Row = tuple[int, str, str | None, str, bytes, bytes, bytes | None, int, str | None]
"""An `Entry` as a tuple of its fields: loading a thousand makes no objects."""


def text_size(row: Row) -> int:
    """Bytes of text in the entry."""
    return len(row[4]) + len(row[6] or b"") + len(row[2] or "")


Mark = tuple[int, str, str | None, str, int]
"""An entry that is no message, in outline: its number, kind, key, time and form."""

Interval = tuple[int, int | None]
"""Numbers of entries, the first and the last; `None`: and all that come."""

ALL: tuple[Interval, ...] = ((1, None),)
"""The intervals of a session that nobody has rewound."""


@frozen(kw_only=True)
class Header:
    """What follows from a session's log and changes with nearly every entry."""

    created_at: str
    last_activity: str
    version: int
    """The number of the last entry."""
    message_count: int = 0
    """Of the messages that count."""
    current_agent: str = DEFAULT_AGENT
    switch_count: int = 0
    """At least the number of switches that count: a taken-over session may have forgotten some."""
    last_switch_at: str | None = None
    floor: int = 0
    """Neither a rewind nor a fork goes below this version: bodies of before were dropped."""


@frozen
class Origin:
    """Where a fork comes from."""

    session_id: str
    at: int


@frozen(kw_only=True)
class Settings:
    """What follows from a session's log and seldom changes."""

    title: str | None = None
    archived: bool = False
    metadata: bytes = b"{}"
    """A JSON object."""
    forked_from: Origin | None = None
    intervals: tuple[Interval, ...] = ALL
    """Which entries count, of the kinds that a rewind takes along. Ascending, apart, the last one
    open."""


@frozen
class Lease:
    """Who holds something, until when. Renewing it writes no entry."""

    number: int
    ends_at: str
    """UTC. Only an activation looks at it: a process counts on in its own, steady time."""
    ttl: float
    """Seconds that it was given for, the last time: no more are left of it, whatever the clock."""


NEVER = 2**53 - 1
"""In `Standing.waits_until`: somebody is waited for without an end. JSON can say it exactly."""


@frozen(kw_only=True)
class Standing:
    """What of a session the log alone does not say, as it moves with time."""

    lease: Lease | None = None
    """The turn that holds, if one does."""
    waits_until: int = 0
    """Milliseconds since the epoch up to which somebody is waited for; 0: nobody is. A store knows
    only that it is a number, by which it finds sessions."""


STILL = Standing()
"""Nothing of it moves: of most sessions."""


@frozen(kw_only=True)
class DraftChunk:
    """A piece of a message that is still being written."""

    key: str
    """The id that the message is to have."""
    offset: int
    """Characters of the draft before this piece, in all its parts together."""
    role: str
    at: str
    """When it was written down."""
    body: bytes
    """JSON: `[[part, text], …]`, what was added to the parts."""


@frozen(kw_only=True)
class StoredSession:
    """A living session as the store has it; whoever loads it owns it."""

    no: int
    root: bytes
    """The chain before the first entry: 8 random bytes."""
    header: Header
    settings: Settings
    entries: Sequence[Row]
    """The newest, up to the last; all of them, or as many as are wanted in memory."""
    before: bytes
    """The chain before the first of `entries`, or behind the last entry if there are none."""
    outline: Sequence[Mark] = ()
    """The entries before the first of `entries` that are no messages, in order."""
    standing: Standing = STILL
    drafts: Sequence[DraftChunk] = ()
    """In the order in which they were written."""


# -- what was used -------------------------------------------------------------------------------

Numbers = Mapping[str, int | float]
"""By their names."""

UsedPlace = tuple[str, str, str]
"""Day (UTC, `2025-12-31`), agent, and model, which is empty where none was named."""


@frozen
class Used:
    """What one agent used of one model on one day."""

    day: str
    agent: str
    model: str | None
    numbers: Numbers

    @property
    def place(self) -> UsedPlace:
        """Where it stands in the order of all."""
        return self.day, self.agent, self.model or ""


@frozen
class Amount:
    """What was used of one thing: integers are summed exactly, other numbers as doubles.

    They are kept apart, so that a sum does not depend on what came first.
    """

    whole: int = 0
    part: float | None = None
    """`None`: all numbers were integers."""

    def __add__(self, other: "Amount") -> "Amount":
        part = self.part
        if other.part is not None:
            part = other.part if part is None else part + other.part
        return Amount(self.whole + other.whole, part)

    @property
    def number(self) -> int | float:
        """The sum."""
        return self.whole if self.part is None else self.whole + self.part


AmountPlace = tuple[str, str, str, str]
"""A `UsedPlace`, and the number's name."""

Amounts = dict[AmountPlace, Amount]


@frozen
class UsedPage:
    """What was used in many sessions, by day, agent and model."""

    totals: Numbers
    """Each number's sum, whoever used it: of all, not of this page alone."""
    used: Sequence[Used]
    next: UsedPlace | None
    """Behind which the next page begins; `None` at the end."""


# -- what a commit does ------------------------------------------------------------------------


@frozen(kw_only=True)
class Change:
    """What of one life of a session the store does not have yet.

    Applied in this order: begin or find the life, write the settings, the standing and the header,
    append the entries, drop bodies, remove drafts, add to drafts, end the life.
    """

    no: int | None
    """The life in the store; `None`: this one begins it."""
    root: bytes = b""
    """The chain before the first entry; of a life that begins."""
    header: Header
    after: int
    """The version that the store has of this life; 0 if this begins it. The first entry's number is
    one more."""
    settings: Settings | None = None
    """`None`: unchanged, or, of a life that begins, the default ones."""
    entries: Sequence[Entry] = ()
    reports: Sequence[tuple[int, str]] = ()
    """Numbers of those of the entries that say what was used, each with the agent that worked when
    it was written. `runtime.used_in` says what that is, for a store to add to what it has of the
    life, in the same transaction. Of most changes: none."""
    dropped: Sequence[int] = ()
    """Numbers of stored entries whose bodies are to go. They are records."""
    standing: Standing | None = None
    """`None`: unchanged, or, of a life that begins, the default one."""
    drafts_gone: Sequence[str] = ()
    """Keys of drafts of which nothing is to stay."""
    drafts: Sequence[DraftChunk] = ()
    """What is added to drafts. A life takes them along into the trash; a fork does not."""
    end: Literal["trash", "purge"] | None = None
    """Whether the life ends with this: into the trash, or for good."""
    ended_at: str = ""
    """With `end`: the moment."""

    @property
    def size(self) -> int:
        """Bytes of text that it brings to the store."""
        settings = len(self.settings.metadata) if self.settings else 0
        drafts = sum(len(chunk.body) for chunk in self.drafts)
        return sum(entry.size for entry in self.entries) + settings + drafts


@frozen
class Expire:
    """The living session of this id goes into the trash, if its last activity is before `before`.

    None living: nothing happens.
    """

    before: str
    ended_at: str
    purge: bool = False
    """Not into the trash: it goes for good."""
    size: int = 0


@frozen
class Purge:
    """A life in the trash goes for good. If there is none of this number, nothing happens."""

    no: int
    size: int = 0


@frozen
class Undelete:
    """A life in the trash is the living session of this id from now on.

    Rejected if there is none of this number, or the id lives. No entry is written; the last
    activity stays.
    """

    no: int
    size: int = 0


@frozen(kw_only=True)
class Fork:
    """A new life begins with a copy of another one's entries, up to `at`.

    The store copies, with the same numbers and chains; then it appends `entry`, number `at + 1`.
    Rejected if the id lives, or `source` is gone. What of `source` is in the store reaches to `at`.

    Bodies of `source` may have been dropped since the fork was planned, and are missing in the copy
    too: its floor is the header's, or as much of the source's floor as was copied if that is
    higher.
    """

    source: int
    """The `no` of a life, living or in the trash."""
    at: int
    root: bytes
    header: Header
    settings: Settings
    entry: Entry
    size: int = 0


@frozen(kw_only=True)
class Redact:
    """A life is replaced by a copy of itself in which one entry says something else.

    With the commit that finishes the copy it is the living session of the id, under a number of its
    own, with the standing, the drafts and the sums of the other one, which is purged. Entries
    before the changed one keep their chains; from that one on the store makes new ones. Rejected if
    the living session of the id is not life `no`, at the header's version.
    """

    no: int
    root: bytes
    header: Header
    settings: Settings
    entry: Entry
    """The one that changes, as it is to be, but for its chain."""
    draft_gone: str | None = None
    """The key of the draft that does not come along."""
    size: int = 0


@frozen
class Scrub:
    """What was purged is to leave no trace. Unfinished for as long as there is anything to purge.

    It concerns no session: the id of its delta is nobody's.
    """

    size: int = 0


Step = Change | Expire | Purge | Undelete | Fork | Redact | Scrub


@frozen(kw_only=True)
class Delta:
    """What of one session id the store does not have yet."""

    session_id: str
    mark: int
    """The record's number of changes that this brings the store to; for the runtime alone."""
    steps: Sequence[Step]
    """One life after the other: all but the last one end."""

    @property
    def size(self) -> int:
        """Bytes of text that the delta brings to the store."""
        return sum(step.size for step in self.steps)


@frozen
class Committed:
    """What became of a batch of deltas: all durable but the rejected and the unfinished ones."""

    rejected: Mapping[str, DeltaRejected] = field(factory=dict)
    """Session id to the reason; such a session is in the store as it was before the batch."""
    begun: Mapping[str, int] = field(factory=dict)
    """Session id to the `no` of the last life that its delta began."""
    expired: Collection[str] = ()
    """Ids of the sessions that an `Expire` ended."""
    leftover: bool = False
    """Whether a purge has more to do: each commit removes some, also one without any delta."""
    unfinished: Collection[str] = ()
    """Ids of the sessions of which only part of the delta is written, and not to be seen: a store
    may take what is large in several commits. It goes on when what the session then has comes."""
    traces: Sequence[str] = ()
    """With a finished `Scrub`: names of files, as far as the store knows, that may still have what
    was purged."""
    is_held_up: bool = False
    """With a finished `Scrub`: whether a reader keeps it from coming to its end. Later it may."""


# -- what is read ------------------------------------------------------------------------------


@frozen(kw_only=True)
class Wanted:
    """Entries of one life that are not in memory."""

    keys: Collection[tuple[str, str]] = ()
    """(kind, key): all entries of this kind with this key."""
    calls: Collection[str] = ()
    """The entries that carry these ids of calls."""
    seqs: Collection[int] = ()
    """The entries of these numbers."""
    room: int | None = None
    """Bytes of text after which the store brings no more of `seqs`, in whose order it goes; `None`:
    it brings all. So the first one comes, however long it is."""


MAX_FILTERS = 16
"""Members of the metadata that one list can be filtered by: each is a search in the metadata of up
to 10,000 sessions for one page, and a store's query language has an end (SQLite's at 1,000)."""


def _few_enough(_listing: object, _attribute: object, metadata: Collection[object]) -> None:
    if len(metadata) > MAX_FILTERS:
        raise InvalidInput(
            f"metadata: {len(metadata)} filters; a list can have at most {MAX_FILTERS}"
        )


@frozen(kw_only=True)
class Listing:
    """Which sessions a list is of, and in which order. Raises `InvalidInput`."""

    order: Literal["activity", "created"] = "activity"
    """`activity`: the last used first, ties by id, descending: a session that is used moves.
    `created`: the first created first, which holds still."""
    prefix: str = ""
    """Of the session's id."""
    archived: bool | None = None
    """`None`: both."""
    metadata: tuple[tuple[str, str], ...] = field(default=(), validator=_few_enough)
    """At most `MAX_FILTERS` members of the metadata and their text; a number's and a boolean's is
    its JSON. An empty text stands for a member that is absent, too."""

    @property
    def is_filtered(self) -> bool:
        """Whether it leaves sessions out."""
        return bool(self.prefix or self.metadata or self.archived is not None)


@frozen(kw_only=True)
class SessionInfo:
    """What a list says of a session."""

    session_id: str
    message_count: int
    last_activity: str
    current_agent: str
    created_at: str
    version: int
    title: str | None
    archived: bool
    metadata: bytes
    """A JSON object."""


INCLUDABLE = ("title", "archived", "metadata", "created_at", "version")
"""Members of a `SessionInfo` that the guide's list does not have."""

STREAMABLE = tuple(name for name in INCLUDABLE if name != "metadata")
"""Those that the list of all can have. The metadata of ten thousand sessions may be 640 MiB, in
memory for each reader who is slow; without it a session is some 130 bytes, and its title."""


@frozen
class ListPosition:
    """A place in a list, right behind the session with these values."""

    moment: str
    """Its last activity, or when it was created, as the list is ordered."""
    session_id: str


@frozen
class SessionPage:
    """Part of a list of sessions."""

    sessions: Sequence[SessionInfo]
    total: int
    """The number of all sessions, not only of this page's, nor of those that the list is of."""
    next: ListPosition | None
    """Where the next page starts; `None` at the end. A filtered page may be short, or empty, and
    go on: a store looks at 10,000 sessions for one page, not at all. Any page may be short, but not
    empty, where the metadata is large: it ends with the session that makes that 4 MiB."""


@frozen
class ListChunk:
    """Some consecutive sessions of a list, encoded."""

    json: bytes
    """JSON objects with commas between them: the guide's four members (`session_id`,
    `message_count`, `last_activity`, `current_agent`), then the included ones; none is null. Empty
    if there is no session."""
    count: int


@frozen
class Superseded:
    """Some of the living sessions in which a clean-up may find work."""

    sessions: Sequence[tuple[int, str]]
    """(no, session id), in the order of `no`."""
    next: int | None
    """The `no` that was looked at last: the next call goes on behind it. `None`: all were looked
    at. There may be few sessions here, or none, and more to look at: one call looks at so many
    entries as a store can while somebody waits, not at all."""


@frozen
class WaitingPage:
    """Some of the living sessions that wait for somebody."""

    sessions: Sequence[tuple[int, str]]
    """(no, session id), in the order of `no`."""
    next: int | None
    """The `no` behind which the next page begins; `None` at the end."""


@frozen(kw_only=True)
class TrashedSession:
    """A session in the trash."""

    no: int
    info: SessionInfo
    deleted_at: str


@frozen
class TrashPosition:
    """A place in the trash, right behind the session with these values."""

    deleted_at: str
    no: int


@frozen
class TrashPage:
    """Part of the trash, what was deleted last first; ties by `no`, descending."""

    sessions: Sequence[TrashedSession]
    next: TrashPosition | None
    """Where the next page starts; `None` at the end."""


class Store(Protocol):
    """Keeps sessions. Every method raises `StoreError` when the store cannot do its work."""

    @property
    def ownership(self) -> Ownership:
        """Which of its sessions this process may change."""

    @property
    def index(self) -> "Index":
        """Finds entries by their words."""

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        """The living session of this id as committed, or `None`.

        With the newest entries that together have at most `resident_bytes` of text; `None`: all.
        """

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        """The entries of a life that are wanted, in the order of their numbers, each once."""

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        """Applies the deltas, at most one per session, in one transaction.

        A delta that the store cannot take is left out alone and reported, and one that is large may
        be `unfinished`; the others commit.
        Raises `StoreUnavailable` if nothing was written and trying again can help, `StoreBroken`
        if what was written is unknown.
        """

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage:
        """A page of at most `limit` living sessions behind `after`."""

    def stream_sessions(
        self, listing: Listing, include: Collection[str] = ()
    ) -> Generator[ListChunk, None, None]:
        """All sessions of a list, as they are at one moment: at the first chunk.

        At least one chunk. `include` are of `STREAMABLE`. Each chunk is read when it is asked for,
        in any thread; what the iterator holds is released at its end, or when it is closed.
        """

    def expired(self, before: str, limit: int) -> Sequence[str]:
        """Ids of at most `limit` sessions last active before this moment, oldest first."""

    def trash(
        self,
        limit: int,
        after: TrashPosition | None = None,
        session_id: str | None = None,
    ) -> TrashPage:
        """A page of the trash, of one id or of all."""

    def trashed(self, no: int) -> TrashedSession | None:
        """The life of this number, if it lies in the trash."""

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        """(no, session id) of at most `limit` lives that were deleted before this moment."""

    def superseded(self, before: str, limit: int, after: int = 0) -> Superseded:
        """At most `limit` of the living sessions that a clean-up may find work in, beyond `after`.

        Those with the body of a record that was written before this moment, and behind it another
        record of its key, written before this moment too.
        """

    def waiting(self, moment: int, limit: int, after: int = 0) -> WaitingPage:
        """At most `limit` of the living sessions whose `waits_until` is beyond `moment`.

        Of those whose `no` is beyond `after`.
        """

    def used(self, since: str, until: str, limit: int, after: UsedPlace | None = None) -> UsedPage:
        """What was used in all sessions on the days from `since` to `until`, both included.

        The first `limit` places behind `after`. Sessions in the trash count, and those that were
        purged: what they used was used. What a fork has copied is its source's.
        """

    def count(self) -> int:
        """The number of living sessions."""

    def close(self) -> None:
        """Releases everything. Harmless when called again; no other call may follow."""
