"""The entries of a session's log, in the forms in which they cross, and which of them are wanted.

Rules:

- A session is a log of entries, numbered from 1 without gaps. An entry never changes; only its body
  may be dropped, and then its digest stays. Where a value has to be gone, another life takes the
  place of the one that has it (`Redact`).
- A store knows entries, not kinds.
"""

from collections.abc import Collection

from attrs import frozen

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
