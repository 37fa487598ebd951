"""Drafts: messages that are still being written, and what the store has of them.

Rules:

- A draft is no entry: it has no number, no ETag names it, no rewind touches it. Its key is the id
  that the message is to have.
- Its parts only grow. `offset` counts the characters of all of them together, so one number tells a
  producer how much of what it sent has come.
- The store gets it in chunks, each of what came since the last one. Taking a chunk changes nothing:
  only when it is known to be stored, the next one begins behind it. So a commit that fails loses
  nothing, and what comes while one is under way goes into the next.
- What ends (its message is there, or somebody drops it) leaves the store with the next change,
  before the chunks of whatever has begun under the same key since.
- It is *interrupted* when nothing has been heard of its producer for a while, and as long as it
  comes from the store: then an earlier process had it. Any delta ends that.
"""

from collections.abc import ItemsView, Iterable, Mapping, Sequence
from math import inf

import msgspec
from attrs import define, field, frozen

from runtime.config import SECONDS, KiB, MiB
from runtime.session.drafts.text import Text
from runtime.store.stored import DraftChunk

MAX_DRAFT = 4 * MiB
"""Characters of one draft, in all its parts: many times the longest answer of any model, and a
quarter of the body that its message may have."""

MAX_DRAFTS = 16
"""Drafts of one session: more answers than anybody lets be written at once. Each is in memory."""

MAX_PARTS = 256
"""Parts of one draft: a text, its reasoning, and more calls of tools than one answer has. Who is
told of a draft looks at each of them, and each has a name of its own in memory."""

MAX_DELTA = 256 * KiB
"""Characters that one call may add: it is taken in one go, in some hundred microseconds. Deltas are
words; who has more at once sends it in parts."""

MAX_PART = 256
"""Characters of a part's name: room for the id of a tool's call with a prefix."""

SILENCE = 60 * SECONDS
"""A draft that has had no delta for so long is interrupted. Models think for half a minute before
their next word; who works for longer says so with an empty delta."""


@frozen
class Place:
    """How far a draft had come."""

    offset: int
    parts: Mapping[str, int]
    """Characters of each part."""
    size: int
    """Bytes of text."""


START = Place(0, {}, 0)

added_of = msgspec.json.Decoder(list[tuple[str, str]]).decode
"""What a chunk's body says: each part's name, and what was added to it. Raises `ValueError`."""


@frozen(kw_only=True)
class DraftView:
    """A draft at one moment."""

    message_id: str
    role: str
    offset: int
    """Characters, in all parts together."""
    interrupted: bool
    """Whether nobody seems to be writing it any more."""
    pieces: Mapping[str, Sequence[str]]
    """What each part is joined of: taking it copies nothing, however long the draft is."""

    @property
    def parts(self) -> dict[str, str]:
        """The text of each part, by its name."""
        return {name: "".join(pieces) for name, pieces in self.pieces.items()}


@define(eq=False, kw_only=True)
class Draft:
    """A message that is still being written."""

    role: str
    heard: float
    """When the last delta came, in the steady time of commands; `-inf`: in an earlier process."""
    at: str = ""
    """The same, by the clock."""
    offset: int = 0
    parts: dict[str, Text] = field(factory=dict)
    size: int = 0
    """Bytes of text."""
    is_stored: bool = False
    """Whether the store may have rows of it."""
    _written: Place | None = None
    """What the store has; `None`: nothing."""
    _taken: Place = START
    """What it has when the last chunk is stored."""

    def add(self, part: str, text: str, size: int) -> None:
        """A part grows, by so many bytes."""
        grown = self.parts.get(part)
        if grown is None:
            grown = self.parts[part] = Text()
        grown.add(text)
        self.offset += len(text)
        self.size += size

    def is_full_for(self, part: str) -> bool:
        """Whether this would be one part too many."""
        return len(self.parts) >= MAX_PARTS and part not in self.parts

    def is_interrupted(self, now: float) -> bool:
        """Whether nothing has been heard of its producer for long enough."""
        return now - self.heard >= SILENCE

    def view(self, key: str, now: float) -> DraftView:
        """What it is now."""
        return DraftView(
            message_id=key,
            role=self.role,
            offset=self.offset,
            interrupted=self.is_interrupted(now),
            pieces={name: text.pieces() for name, text in self.parts.items()},
        )

    # -- towards the store -------------------------------------------------------------------

    @property
    def is_dirty(self) -> bool:
        """Whether there is something that the store does not have."""
        return self._written is None or self._written.offset < self.offset

    @property
    def fresh_size(self) -> int:
        """Bytes of text that the store does not have."""
        return self.size - (self._written or START).size

    def chunk(self, key: str) -> DraftChunk:
        """What the store does not have. `settle` takes note that it does."""
        written = self._written or START
        added: list[tuple[str, str]] = []
        for name, text in self.parts.items():
            position = written.parts.get(name, 0)
            if position < text.length:
                added.append((name, text.since(position)))
        lengths = {name: text.length for name, text in self.parts.items()}
        self._taken = Place(self.offset, lengths, self.size)
        self.is_stored = True
        return DraftChunk(
            key=key,
            offset=written.offset,
            role=self.role,
            at=self.at,
            body=msgspec.json.encode(added),
        )

    def settle(self) -> None:
        """Takes note that the last chunk is stored."""
        self._written = self._taken

    def restore(self, added: Iterable[tuple[str, str]], at: str) -> None:
        """Takes in the next chunk of those that are stored."""
        for part, text in added:
            self.add(part, text, len(text.encode()))
        lengths = {name: text.length for name, text in self.parts.items()}
        self.at, self.is_stored = at, True
        self._written = Place(self.offset, lengths, self.size)


NOTHING: tuple[Sequence[Draft], int] = ((), 0)


@define(eq=False)
class Drafts:
    """Those of one life."""

    _by_key: dict[str, Draft] = field(factory=dict)
    """Replaced as a whole when a call is taken back; else it changes in place."""
    _gone: list[str] = field(factory=list)
    """Keys whose rows are to leave the store."""
    _taken: tuple[Sequence[Draft], int] = NOTHING
    """Whose chunks the last change took, and how many of `_gone`, from the first on."""

    @classmethod
    def restored(cls, chunks: Iterable[DraftChunk]) -> "Drafts":
        """As the store has them.

        What does not follow on what is there is left out, as nobody could say where it belongs:
        half an answer is no reason to lose the session. `verify` names it.
        """
        drafts = cls()
        for chunk in chunks:
            try:
                added = added_of(chunk.body)
            except ValueError:
                continue
            draft = drafts._by_key.get(chunk.key)
            if draft is None:
                draft = Draft(role=chunk.role, heard=-inf)
            if chunk.offset == draft.offset:
                drafts._by_key[chunk.key] = draft
                draft.restore(added, chunk.at)
        return drafts

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: str) -> bool:
        return key in self._by_key

    def get(self, key: str) -> Draft | None:
        """The draft of this key."""
        return self._by_key.get(key)

    def items(self) -> ItemsView[str, Draft]:
        """All of them by their keys, the oldest first; good until the next command."""
        return self._by_key.items()

    def views(self, now: float) -> list[DraftView]:
        """What they are now, the oldest first."""
        return [draft.view(key, now) for key, draft in self._by_key.items()]

    def is_held(self, now: float) -> bool:
        """Whether one of them is being written: then the session is to stay in memory."""
        return any(not draft.is_interrupted(now) for draft in self._by_key.values())

    # -- what changes them -------------------------------------------------------------------

    def begin(self, key: str, role: str) -> Draft:
        """A new one, of which nothing has been heard yet."""
        draft = self._by_key[key] = Draft(role=role, heard=-inf)
        return draft

    def end(self, key: str) -> None:
        """The one of this key, if there is one, is no more."""
        draft = self._by_key.pop(key, None)
        if draft is not None and draft.is_stored:
            self._gone.append(key)

    def point(self) -> Mapping[str, Draft] | None:
        """What `take_back` needs to come back here; `None`: there are no drafts."""
        return self._by_key.copy() if self._by_key else None

    def take_back(self, before: Mapping[str, Draft] | None) -> None:
        """Brings back those that a call has ended which is refused half-way."""
        # Nothing is taken for the store in the middle of a call, so whether rows of theirs may be
        # there has not changed since they ended, and their keys are the last ones of all.
        for key, draft in (before or {}).items():
            if key not in self._by_key and draft.is_stored:
                self._gone.pop()
        if before is not None:
            self._by_key = dict(before)

    # -- towards the store -------------------------------------------------------------------

    @property
    def is_dirty(self) -> bool:
        """Whether there is something that the store does not know."""
        return bool(self._gone) or any(draft.is_dirty for draft in self._by_key.values())

    @property
    def fresh_size(self) -> int:
        """Bytes of text that the store does not have."""
        return sum(draft.fresh_size for draft in self._by_key.values())

    def change(self) -> tuple[Sequence[str], Sequence[DraftChunk]]:
        """The keys that are to go, and the chunks that come. `settle` takes note of both."""
        if not self._by_key and not self._gone:  # of nearly every change, so it costs it nothing
            self._taken = NOTHING
            return (), ()
        dirty = [(key, draft) for key, draft in self._by_key.items() if draft.is_dirty]
        self._taken = [draft for _, draft in dirty], len(self._gone)
        return list(dict.fromkeys(self._gone)), [draft.chunk(key) for key, draft in dirty]

    def settle(self) -> None:
        """Takes note that the last change is stored."""
        drafts, gone = self._taken
        for draft in drafts:
            draft.settle()
        del self._gone[:gone]
        self._taken = NOTHING
