"""What a commit does with one life of a session: a step for each way in which lives change."""

from collections.abc import Sequence
from typing import Literal

from attrs import frozen

from runtime.store.entries import Entry
from runtime.store.stored import DraftChunk, Header, Settings, Standing


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
