"""What a session is: the specification that recorded histories are held against.

Written from the documents and not from the runtime, and without anything that makes the runtime
quick. A life is a line of entries; each knows the one before it, so that "what counted when the log
ended there" is what is written at that entry. Lives are interned: the same entries are the same
object, and states compare by identity.
"""

from collections.abc import Iterator
from typing import NamedTuple

from attrs import evolve, field, frozen

MESSAGE, SWITCH, RECORD, SETTINGS, REWIND = "message", "switch", "record", "settings", "rewind"

AGENT = "orchestrator"
"""Of a session that nobody has switched."""


class Entry(NamedTuple):
    """An item of a log, as far as the clients here write any."""

    kind: str
    key: str | None
    value: str
    """A message's content, a switch's new agent, a record's value, a title, or a rewind's goal."""


Counted = tuple[tuple[int, Entry], ...]
"""Entries with their numbers."""


class Life:
    """A log, and what follows from it."""

    def __init__(self, before: "Life | None" = None, entry: Entry | None = None) -> None:
        self.before = before
        self.entry = entry
        self.version: int = before.version + 1 if before else 0
        self.counted: Counted = before.counted if before else ()
        """Of the kinds that a rewind takes along."""
        self.title: str | None = before.title if before else None
        self._behind: dict[Entry, Life] = {}
        if entry is None:
            return
        if entry.kind == REWIND:
            self.counted = self.at(int(entry.value)).counted
        elif entry.kind == SETTINGS:
            self.title = entry.value or None
        else:
            self.counted = (*self.counted, (self.version, entry))

    def then(self, entry: Entry) -> "Life":
        """The life with this entry appended."""
        known = self._behind.get(entry)
        if known is None:
            known = self._behind[entry] = Life(self, entry)
        return known

    def at(self, version: int) -> "Life":
        """The life as it was when its log ended there."""
        life = self
        while life.version > version:
            assert life.before is not None
            life = life.before
        return life

    def log(self) -> Counted:
        """All entries, oldest first."""
        return tuple(reversed(list(self._backwards())))

    def messages(self) -> Counted:
        """The messages that count."""
        return tuple(pair for pair in self.counted if pair[1].kind == MESSAGE)

    def message(self, key: str) -> tuple[int, Entry] | None:
        """The message with this id that counts."""
        return next((pair for pair in self.messages() if pair[1].key == key), None)

    @property
    def agent(self) -> str:
        """The agent of the last switch that counts."""
        switches = [entry.value for _, entry in self.counted if entry.kind == SWITCH]
        return switches[-1] if switches else AGENT

    def records(self) -> dict[str, tuple[int, str]]:
        """Number and value of the newest record of each key that counts."""
        return {e.key or "": (seq, e.value) for seq, e in self.counted if e.kind == RECORD}

    def _backwards(self) -> Iterator[tuple[int, Entry]]:
        life: Life | None = self
        while life is not None and life.entry is not None:
            yield life.version, life.entry
            life = life.before

    def __repr__(self) -> str:
        shown = ", ".join(f"{seq} {e.kind} {e.key or e.value}" for seq, e in self.log()[-4:])
        return f"version {self.version} (… {shown})"


Tags = frozenset[tuple[int, str]]
"""Which chains were seen at which versions of a life."""

NO_TAGS: Tags = frozenset()


@frozen(cache_hash=True)
class State:
    """A session id at one moment."""

    root: Life = field(repr=False)
    """Without entries; where every life begins."""
    life: Life | None = None
    """`None`: absent."""
    tags: Tags = field(default=NO_TAGS, repr=False)
    trash: tuple[tuple[Life, Tags], ...] = ()
    """What was deleted, the newest last."""

    def __str__(self) -> str:
        alive = "absent" if self.life is None else f"at {self.life}"
        return f"{alive}, with {[life for life, _ in self.trash]} in the trash"

    def appended(self, *entries: Entry) -> "State":
        """With these entries, the first of which makes an absent session live."""
        life = self.life or self.root
        for entry in entries:
            life = life.then(entry)
        return evolve(self, life=life, tags=self.tags if self.life else NO_TAGS)

    def deleted(self, *, purge: bool) -> "State":
        """Without the life."""
        assert self.life is not None
        trash = self.trash if purge else (*self.trash, (self.life, self.tags))
        return evolve(self, life=None, tags=NO_TAGS, trash=trash)

    def undeleted(self) -> "State":
        """With what was deleted last."""
        life, tags = self.trash[-1]
        return evolve(self, life=life, tags=tags, trash=self.trash[:-1])

    def bears(self, tag: str) -> bool:
        """Whether this is the state that a tag names, as far as anybody has seen it."""
        if self.life is None:
            return False
        return tag == "*" or _parts(tag) in {pair for pair in self.tags if pair[0] == self.version}

    @property
    def version(self) -> int:
        return self.life.version if self.life else 0

    def seen_as(self, tag: str) -> "State | None":
        """The state, now that its tag is known; `None` if the tag cannot be its name.

        A tag names one version of one life, and a version has one tag.
        """
        seq, chain = _parts(tag)
        if self.life is None or self.life.version != seq:
            return None
        if (seq, chain) in self.tags:
            return self
        elsewhere = [self.tags, *(tags for _, tags in self.trash)]
        if any(known == chain for tags in elsewhere for _, known in tags):
            return None
        if any(version == seq for version, _ in self.tags):
            return None
        return evolve(self, tags=self.tags | {(seq, chain)})


def _parts(tag: str) -> tuple[int, str]:
    seq, _, chain = tag.partition("-")
    return int(seq), chain
