"""How a runtime behaves. Every default says why it has that value."""

from typing import Any, Literal, get_args

from attrs import field, frozen, validators

Durability = Literal["snapshot", "commit"]
"""When a write is answered: `snapshot` at once, from memory; `commit` once it is on disk."""

SECONDS = 1.0
MINUTES = 60 * SECONDS
DAYS = 24 * 60 * MINUTES
AGES = 36_500 * DAYS
"""A hundred years: the calendar still has what lies so far back."""
KiB = 1024
MiB = 1024 * KiB

_positive: Any = validators.gt(0)


@frozen(kw_only=True)
class RuntimeConfig:
    """Settings of one runtime. Times are in seconds, sizes in bytes.

    Raises `ValueError` for a value that no runtime can work with.
    """

    durability: Durability = field(
        default="snapshot", validator=validators.in_(get_args(Durability))
    )
    """In-process, waiting for the disk is the difference between microseconds and milliseconds,
    so the embedded default does not wait. A call can say otherwise with `durable=`."""

    snapshot_interval: float = field(default=1 * SECONDS, validator=validators.ge(0))
    """The most that a crash can take in `snapshot` durability, plus one commit. A second of typing
    is what a user can be asked to repeat; shorter buys little, as batches are already small."""

    batch_sessions: int = field(default=1_000, validator=_positive)
    """Sessions in one transaction, at most; reaching it also starts a commit early. Keeps one
    transaction, and so the wait of the next one's callers, at tens of milliseconds."""

    batch_bytes: int = field(default=8 * MiB, validator=_positive)
    """Message bytes in one transaction, roughly at most: an eighth of the WAL's size limit."""

    commit_timeout: float = field(default=10 * SECONDS, validator=_positive)
    """How long a caller waits for the disk: to load a session, or to confirm a write before it is
    told that the outcome is unknown. A commit that takes longer counts as a failing store. Twice
    SQLite's own busy timeout, so that a short foreign lock passes unseen."""

    backoff_initial: float = field(default=0.05 * SECONDS, validator=_positive)
    """First pause after a failed commit: shorter than a user notices."""

    backoff_max: float = field(default=5 * SECONDS, validator=_positive)
    """Longest pause between attempts: how late the runtime may notice that the disk is back."""

    undurable_limit: int = field(default=64 * MiB, validator=_positive)
    """Beyond this many accepted bytes that are not on disk new writes wait, and are refused while
    the disk fails: what it may cost in memory. What the store rejects may be as much once more."""

    mailbox_size: int = field(default=64, validator=_positive)
    """Commands one session may have waiting. An IDE sends one at a time; 64 covers a burst of
    parallel tool results, and a full mailbox is answered within milliseconds."""

    resident_bytes: int = field(default=1 * MiB, validator=validators.ge(0))
    """How much of a session's log is in memory, about; what is older is read when it is used. The
    last megabyte is what an agent works with: hundreds of turns."""

    max_active: int = field(default=10_000, validator=_positive)
    """Sessions kept in memory. At a typical 50 KB of messages each, half a gigabyte."""

    idle_timeout: float = field(default=5 * MINUTES, validator=_positive)
    """A session unused for this long leaves memory. Longer than a pause in a conversation."""

    flush_timeout: float = field(default=30 * SECONDS, validator=_positive)
    """How long the end of the runtime may wait for the last commit."""

    trash_retention: float = field(
        default=30 * DAYS, validator=[validators.ge(0), validators.le(AGES)]
    )
    """How long a deleted session can be brought back. A month is what mail programs have taught
    people to expect; 0 deletes for good at once."""

    record_retention: float | None = field(
        default=None, validator=validators.optional([_positive, validators.le(AGES)])
    )
    """How long superseded values of records are kept, so that a rewind can bring them back; `None`:
    for ever. A framework that rewrites its state at every step may want a limit."""

    search: bool = True
    """Whether the words of messages and titles are indexed, so that sessions can be searched. It
    costs some disk, and a thread some of its time behind the commits."""
