"""One life of a session, from its first entry to its deletion: a log, and what follows from it.

The rules:

- Entries are numbered from 1 without gaps, linked by their chain, and never change.
- What *counts* of the kinds that a rewind takes along: all of them, until there is a rewind. Behind
  a rewind, what counted when the log ended at its `to`, and everything later. So undo and redo are
  the same call, and a branch that was left behind can be gone back to.
- A key has one effect while its entry counts; the key of an entry that does not count is free.
  Two entries with one key never count at the same time: the later one could only be appended while
  the earlier one did not count, and whatever counts together was appended in one line.
- Every fold follows from the entries that count, and from nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from attrs import define, field, frozen

from runtime.errors import BelowFloor, InvalidInput
from runtime.session.chain import dropped_body, link, new_root, tag
from runtime.session.counting import closed, counting_at, goal_of, within
from runtime.session.keys import Keys
from runtime.session.kind import Fold, Kind, New
from runtime.session.log import MESSAGE, Log, Needs, Stretch
from runtime.store import (
    ALL,
    CALL_SIZE,
    Change,
    Entry,
    Header,
    Interval,
    Row,
    Settings,
    StoredSession,
    Wanted,
)

REWIND = "rewind"
"""The kind that says what counts; the only one whose meaning is here and not in its fold."""

Kinds = Mapping[str, Kind]

NOTHING: Mapping[int, Entry] = MappingProxyType({})
UNSOUGHT = Wanted()
"""Shared by all lives: an empty container for each would be a tenth of a small session's memory."""

_seq = itemgetter(0)


@frozen
class Point:
    """What a life was before a call that may be refused half-way."""

    version: int
    last_activity: str
    settings_changed: bool
    intervals: tuple[Interval, ...]
    message_count: int
    is_stale: bool
    folds: dict[str, Fold] | None
    """Copies; `None`: all entries are resident, so that the folds can be made anew, which seldom
    happens and costs the other calls nothing."""


@define(eq=False, kw_only=True)
class Life:
    """The present state of one life. Pure: no I/O, no clock."""

    kinds: Kinds
    log: Log
    created_at: str
    last_activity: str
    no: int | None = None
    """The life in the store; `None`: the store does not have it yet."""
    floor: int = 0
    intervals: tuple[Interval, ...] = ALL
    """What counts, of the kinds that a rewind takes along."""
    end: tuple[str, str] | None = None
    """How and when it ended: ("trash" or "purge", the moment)."""
    settings_changed: bool = False
    """Whether the store has other settings."""
    dropped: frozenset[int] = frozenset()
    """Numbers of entries whose bodies the store is to drop."""
    _message_count: int = 0
    _folds: dict[str, Fold] = field(init=False)
    _described: dict[str, Any] | None = None
    """What the folds say of a header; `None` while nobody has asked since one of them changed."""
    _is_stale: bool = False
    """Whether folds and counts are to be made anew before they are looked at. A rewind only says
    so: of many in one call, one pass is enough. Never where entries are not resident: what would
    be lacking then is asked for by the command that rewinds."""
    _rewinds: list[tuple[int, int]] = field(factory=list)
    """Number and `to` of each rewind, in their order."""
    _keys: Keys = field(init=False)
    """Of the resident entries; not of kinds whose keys repeat."""
    _calls: dict[str, tuple[int, ...]] = field(factory=dict)
    """By the id of a call: the first numbers of it. Several, if a rewind freed the id between."""
    _brought: Mapping[int, Entry] = NOTHING
    """Entries that are not resident, but were read for the present command."""
    _sought: Wanted = UNSOUGHT
    """What was read for the present command, whether there was such an entry or not."""

    def __attrs_post_init__(self) -> None:
        self._folds = {name: kind.fold() for name, kind in self.kinds.items()}
        self._keys = Keys(self._keyed)

    @classmethod
    def begin(cls, kinds: Kinds, at: str) -> "Life":
        """A life without entries yet."""
        return cls(kinds=kinds, log=Log(new_root()), created_at=at, last_activity=at)

    @classmethod
    def restored(cls, kinds: Kinds, stored: StoredSession) -> "Life":
        """A life as the store has it. Raises `ValueError` for rows that are not this program's."""
        header = stored.header
        life = cls(
            kinds=kinds,
            log=Log.of_rows(stored.root, stored.entries),
            created_at=header.created_at,
            last_activity=header.last_activity,
            no=stored.no,
            floor=header.floor,
            intervals=stored.settings.intervals,
        )
        life._message_count = header.message_count
        if life.version != header.version:
            raise ValueError(f"the log ends at {life.version}, and the header says otherwise")
        life._index()
        life._fold()
        return life

    # -- what it says ------------------------------------------------------------------------

    @property
    def folds(self) -> Mapping[str, Fold]:
        """What follows from the entries that count, by kind."""
        self._refresh()
        return self._folds

    @property
    def message_count(self) -> int:
        """Of the messages that count."""
        self._refresh()
        return self._message_count

    @property
    def version(self) -> int:
        """The number of the last entry."""
        return self.log.last

    @property
    def tag(self) -> str:
        """What names this state: `<seq>-<chain>`."""
        return tag(self.version, self.log.chain(self.version))

    @property
    def is_durable(self) -> bool:
        """Whether the store has all of it."""
        return (
            self.log.settled == self.log.last
            and not self.settings_changed
            and not self.dropped
            and self.end is None
        )

    def header(self) -> Header:
        """What the store keeps of it beside the entries."""
        self._refresh()
        if self._described is None:
            self._described = {}
            for fold in self._folds.values():
                fold.describe(self._described)
        return Header(
            created_at=self.created_at,
            last_activity=self.last_activity,
            version=self.log.last,
            message_count=self._message_count,
            floor=self.floor,
            **self._described,
        )

    def settings(self) -> Settings:
        """What the store keeps of it and seldom changes."""
        found: dict[str, Any] = {}
        for fold in self.folds.values():
            fold.describe_settings(found)
        return Settings(intervals=self.intervals, **found)

    def messages(self) -> Stretch:
        """The messages that count."""
        return Stretch(self.log, closed(self.intervals, self.version))

    def counts(self, seq: int, kind: str) -> bool:
        """Whether the entry, which is of this kind, counts."""
        return not self.kinds[kind].is_rewound or within(self.intervals, seq)

    def counting_at(self, version: int) -> tuple[Interval, ...]:
        """What counted when the log ended at this version; the last interval is open."""
        return counting_at(self._known_rewinds(), version)

    def seq_of(
        self,
        kind: str,
        key: str,
        *,
        last: int | None = None,
        intervals: tuple[Interval, ...] | None = None,
    ) -> int | None:
        """The number of the entry with this key that counts. Raises `Needs`.

        With `last` and `intervals`: the one that did when the log ended there, and they counted.
        """
        last = self.version if last is None else last
        intervals = self.intervals if intervals is None else intervals
        resident = ((s, self.log.entry(s)) for s in self._keys.candidates(kind, key))
        seqs = [
            s
            for s, entry in (*resident, *self._brought.items())
            if (entry.kind, entry.key) == (kind, key)
        ]
        is_rewound = self.kinds[kind].is_rewound
        found = max(
            (s for s in seqs if s <= last and (not is_rewound or within(intervals, s))),
            default=None,
        )
        if found is None and self.log.first > 1 and (kind, key) not in self._sought.keys:
            raise Needs(Wanted(keys=((kind, key),)))
        return found

    def calls_of(self, call: str) -> list[int]:
        """The first number that each call of this id was given, the last call first. `Needs`."""
        if self.log.first > 1 and call not in self._sought.calls:
            raise Needs(Wanted(calls=(call,)))
        brought = (seq for seq, entry in self._brought.items() if entry.call == call)
        return sorted({*self._calls.get(call, ()), *brought}, reverse=True)

    def entry(self, seq: int) -> Entry:
        """The entry of this number. Raises `Needs`."""
        return self._brought.get(seq) or self.log.entry(seq)

    def chain(self, seq: int) -> bytes:
        """The chain behind the entry of this number, from 0 to `version`. Raises `Needs`."""
        brought = self._brought.get(seq)
        return self.log.chain(seq) if brought is None else brought.chain

    def kind(self, seq: int) -> str:
        """The kind of the entry of this number. Raises `Needs`."""
        return self.log.kind(seq) if seq >= self.log.first else self.entry(seq).kind

    # -- what changes it ---------------------------------------------------------------------

    def append(self, new: New, at: str, call: str | None = None, size: int = 0) -> int:
        """Appends one entry; returns its number. Never yields; fails only with `Needs`.

        `call` is the id of the call that it begins, and `size` of how many entries that is.
        """
        if new.kind == REWIND:
            self._known_rewinds()  # before anything changes: what a rewind lacks is asked for here
        log, kind = self.log, self.kinds[new.kind]
        seq = log.last + 1
        chain = link(log.chain(seq - 1), seq, new.kind, new.key, at, new.digest)
        form = new.form | size << CALL_SIZE
        entry = Entry(seq, new.kind, new.key, at, new.body, chain, new.metadata, form, call)
        log.append(entry)
        if new.key is not None and kind.is_unique:
            self._keys.add(seq, new.kind, new.key)
        if call is not None:
            self._calls[call] = (*self._calls.get(call, ()), seq)
        if new.kind == REWIND:
            self._go_back(entry)
        elif not self._is_stale:
            self._message_count += new.kind == MESSAGE
            if kind.fold is not Fold:
                self._folds[new.kind].add(entry)
                self._described = None
        if kind.is_rare:
            self.settings_changed = True
        if kind.is_activity and at > self.last_activity:
            self.last_activity = at
        return seq

    def point(self) -> Point:
        """What `take_back` needs to come back here."""
        all_here = self.log.first == 1
        return Point(
            self.version,
            self.last_activity,
            self.settings_changed,
            self.intervals,
            self._message_count,
            self._is_stale,
            None if all_here else deepcopy(self._folds),
        )

    def take_back(self, point: Point) -> None:
        """Undoes the appends of a call that is refused half-way; nobody has seen them."""
        version = point.version
        folded = False
        for entry in reversed(self.log.fresh):
            if entry.seq <= version:
                break
            folded |= entry.kind == REWIND or self.kinds[entry.kind].fold is not Fold
            if entry.key is not None and self.kinds[entry.kind].is_unique:
                self._keys.remove(entry.seq, entry.kind, entry.key)
            if entry.call is not None:
                self._calls[entry.call] = self._calls[entry.call][:-1]
            if entry.kind == REWIND:
                self._rewinds.pop()
        self.log.take_back(version)
        self.last_activity = point.last_activity
        self.settings_changed = point.settings_changed
        self.intervals = point.intervals
        self._message_count = point.message_count
        if point.folds is not None:
            self._folds, self._described = point.folds, None
        else:
            self._is_stale = point.is_stale or folded

    def check_goal(self, to: int) -> None:
        """Raises `InvalidInput` and `BelowFloor` for what neither a rewind nor a fork can reach."""
        if not 0 <= to <= self.version:
            raise InvalidInput(f"to: must be from 0 to the session's version, {self.version}")
        if to < self.floor:
            raise BelowFloor(to, self.floor)

    def drop(self, seqs: Iterable[int], floor: int) -> None:
        """The bodies of these settled entries go; nothing goes back below `floor` any more."""
        gone = frozenset(seqs)
        for seq in gone:
            self.log.drop(seq, dropped_body(self.log.entry(seq)))
        self.dropped |= gone
        self.floor = max(self.floor, floor)

    def as_of(self, version: int) -> "Life":
        """The life as it was when its log ended there, for a fork. Raises `Needs`."""
        past = Life(
            kinds=self.kinds,
            log=self.log,
            created_at=self.created_at,
            last_activity=self.last_activity,
            floor=min(self.floor, version),
            intervals=self.counting_at(version),
            brought=self._brought,
            sought=self._sought,
        )
        past._fold(version)
        past._message_count = past._count_messages(version)
        return past

    def bring(self, wanted: Wanted, rows: Iterable[Row]) -> None:
        """Gives what the present command needs; `release` takes it away again."""
        self._brought = {**self._brought, **{row[0]: Entry(*row) for row in rows}}
        before = self._sought
        self._sought = Wanted(
            keys={*before.keys, *wanted.keys},
            calls={*before.calls, *wanted.calls},
            seqs={*before.seqs, *wanted.seqs},
        )

    def release(self) -> None:
        """The command is done: what was brought for it can go."""
        if self._brought or self._sought is not UNSOUGHT:
            self._brought, self._sought = NOTHING, UNSOUGHT

    # -- what the persister asks -------------------------------------------------------------

    def change(self) -> Change:
        """All that the store does not have yet. Changes nothing."""
        end, ended_at = self.end or (None, "")
        settings = self.settings() if self.settings_changed else None
        if self.no is None and settings == Settings():
            settings = None  # a life that begins has them
        return Change(
            no=self.no,
            root=self.log.root,
            header=self.header(),
            after=self.log.settled,
            settings=settings,
            entries=tuple(self.log.fresh),
            dropped=tuple(sorted(self.dropped)) if self.dropped else (),
            end=end,  # type: ignore[arg-type] # one of the two, or none
            ended_at=ended_at,
        )

    def mark_durable(self, change: Change, no: int | None) -> None:
        """Takes note that `change`, one of this life's, is in the store."""
        if self.no is None:
            self.no = no
        self.log.settle(change.header.version)
        # A life begins with the default settings, without being told.
        stored = change.settings or (Settings() if change.no is None else None)
        if self.settings_changed and stored == self.settings():
            self.settings_changed = False
        if change.dropped:
            self.dropped -= frozenset(change.dropped)

    # -- inside ------------------------------------------------------------------------------

    def _refresh(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self._message_count = self._count_messages()
            self._fold()

    def _index(self) -> None:
        for seq, call in self.log.calls():
            self._calls[call] = (*self._calls.get(call, ()), seq)
        for seq in self.log.of_kind(REWIND, 1, self.version):
            self._rewinds.append((seq, goal_of(self.log.entry(seq))))

    def _fold(self, version: int | None = None) -> None:
        """Folds everything anew, up to a version."""
        version = self.version if version is None else version
        self._folds = {name: kind.fold() for name, kind in self.kinds.items()}
        self._described = None
        for name, kind in self.kinds.items():
            if kind.fold is Fold:
                continue
            fold = self._folds[name]
            for seq in self._seqs(kind, version):
                fold.add(self.entry(seq))

    def _seqs(self, kind: Kind, version: int) -> Iterator[int]:
        """The numbers of the entries of a kind from which its fold follows."""
        intervals = closed(self.intervals, version) if kind.is_rewound else ((1, version),)
        for low, high in intervals:
            yield from self._brought_of(kind.name, low, high)
            yield from self.log.of_kind(kind.name, low, high)

    def _brought_of(self, kind: str, low: int, high: int) -> Iterator[int]:
        """The numbers of the entries of a kind that are not resident, but were read."""
        for seq, entry in sorted(self._brought.items(), key=_seq):
            if low <= seq <= high and seq < self.log.first and entry.kind == kind:
                yield seq

    def _count_messages(self, version: int | None = None) -> int:
        intervals = closed(self.intervals, self.version if version is None else version)
        if intervals and intervals[0][0] < self.log.first:
            self._known_rewinds()  # asks for all that is not resident
        return sum(
            sum(1 for _ in self._brought_of(MESSAGE, low, high))
            + self.log.count(MESSAGE, low, high)
            for low, high in intervals
        )

    def _known_rewinds(self) -> Sequence[tuple[int, int]]:
        if self.log.first > 1 and len(self._sought.seqs) < self.log.first - 1:
            raise Needs(Wanted(seqs=range(1, self.log.first)))
        earlier = [
            (seq, goal_of(entry))
            for seq, entry in sorted(self._brought.items())
            if entry.kind == REWIND and seq < self.log.first
        ]
        return [*earlier, *self._rewinds]

    def _go_back(self, entry: Entry) -> None:
        self._rewinds.append((entry.seq, goal_of(entry)))
        self.intervals = self.counting_at(entry.seq)
        self.settings_changed = True
        self._is_stale = True
        if self.log.first > 1:
            self._refresh()

    def _keyed(self) -> Iterator[tuple[int, str, str]]:
        return (keyed for keyed in self.log.keyed() if self.kinds[keyed[1]].is_unique)
