"""One life of a session, from its first entry to its deletion: a log, and what follows from it.

The rules:

- Entries are numbered from 1 without gaps, linked by their chain, and never change.
- What *counts* of the kinds that a rewind takes along: all of them, until there is a rewind. Behind
  a rewind, what counted when the log ended at its `to`, and everything later. So undo and redo are
  the same call, and a branch that was left behind can be gone back to.
- A key has one effect while its entry counts; the key of an entry that does not count is free.
  Two entries with one key never count at the same time: the later one could only be appended while
  the earlier one did not count, and whatever counts together was appended in one line.
- A fork has the entries of its source from before it, and takes over what follows from them; but of
  the kinds that are not inherited, those of before the fork do not count in it.
- Every fold follows from the entries that count, and from nothing else.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from math import inf
from typing import Any

from attrs import define, field, frozen

from runtime.clock import seconds_between
from runtime.errors import BelowFloor, InvalidInput
from runtime.session.drafts.draft import Draft, Drafts
from runtime.session.entries.chain import link, tag
from runtime.session.entries.counting import closed, counting_at, goal_of, within
from runtime.session.entries.stretch import Stretch
from runtime.session.kind import Fold, Kind, Kinds, New
from runtime.session.log import Brought, Log
from runtime.session.work.ledger import Ledger
from runtime.store.entries import CALL_SIZE, MESSAGE, Entry
from runtime.store.steps import Change
from runtime.store.stored import (
    ALL,
    DEFAULT_AGENT,
    STILL,
    Header,
    Interval,
    Lease,
    Settings,
    Standing,
    StoredSession,
)

REWIND = "rewind"
"""The kind that says what counts; the only one whose meaning is here and not in its fold."""


@frozen
class Point:
    """What a life was before a call that may be refused half-way."""

    version: int
    copied: int
    last_activity: str
    settings_changed: bool
    intervals: tuple[Interval, ...]
    message_count: int
    is_stale: bool
    drafts: Mapping[str, Draft] | None
    folds: Mapping[str, Callable[[], Fold]] | None
    """`None`: all entries are in memory, so that the folds can be made anew, which seldom happens
    and costs the other calls nothing."""


@frozen
class Moment:
    """Now, by both clocks."""

    now: float
    """Seconds, in a time that runs steadily, but in this process only."""
    at: str
    """UTC, by the machine's clock, which may be set."""


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
    copied: int = 0
    """Entries up to this number are those of the session that this one is a fork of."""
    end: tuple[str, str] | None = None
    """How and when it ended: ("trash" or "purge", the moment)."""
    settings_changed: bool = False
    """Whether the store has other settings."""
    standing: Standing = STILL
    holds_until: float = -inf
    """Until when its lease holds, in the steady time that commands come with."""
    standing_changed: bool = False
    """Whether the store has another standing."""
    dropped: frozenset[int] = frozenset()
    """Numbers of entries whose bodies the store is to drop."""
    drafts: Drafts = field(factory=Drafts)
    reports: list[tuple[int, str]] = field(factory=list)
    """Numbers of the entries that say what was used, and that the store does not have yet, each
    with the agent that worked when it was written."""
    ledger: Ledger | None = None
    """Who worked when, and at what cost, up to some entry: made when somebody first asks, and taken
    on when somebody asks again. What it costs to read a long log is so paid once."""
    _message_count: int = 0
    _folds: dict[str, Fold] = field(init=False)
    _described: dict[str, Any] | None = None
    """`None` while nobody has asked since one of the folds changed."""
    _is_stale: bool = False
    """Whether folds and counts are to be made anew before they are looked at. A rewind only says
    so: of many in one call, one pass is enough. Never where entries are not in memory: what would
    be lacking then is asked for by the command that rewinds."""
    _rewinds: list[tuple[int, int]] = field(factory=list)
    """Number and `to` of each rewind, in their order."""

    def __attrs_post_init__(self) -> None:
        self._folds = {name: kind.fold() for name, kind in self.kinds.items()}

    @classmethod
    def begin(cls, kinds: Kinds, at: str, root: bytes | None = None) -> "Life":
        """A life without entries yet. `root` is the chain before the first one; `None`: any."""
        return cls(kinds=kinds, log=Log.begin(kinds, root), created_at=at, last_activity=at)

    @classmethod
    def restored(
        cls, kinds: Kinds, stored: StoredSession, moment: Moment, brought: Brought = ()
    ) -> "Life":
        """A life as the store has it.

        Raises `ValueError` for rows that are not this program's, and `Needs` for what has to be
        `brought` beside them.
        """
        header = stored.header
        life = cls(
            kinds=kinds,
            log=Log.restored(kinds, stored),
            created_at=header.created_at,
            last_activity=header.last_activity,
            no=stored.no,
            floor=header.floor,
            intervals=stored.settings.intervals,
            copied=0 if stored.settings.forked_from is None else stored.settings.forked_from.at,
        )
        for wanted, rows in brought:
            life.log.bring(wanted, rows)
        life._message_count = header.message_count
        life._check_outline()
        life.standing = stored.standing
        life.drafts = Drafts.restored(stored.drafts)
        life.holds_until = _end_of(stored.standing.lease, moment)
        life._resume(stored.settings)
        life.log.release()
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
    def current_agent(self) -> str:
        """Who works on the session."""
        agent: str = self._description().get("current_agent", DEFAULT_AGENT)
        return agent

    @property
    def version(self) -> int:
        """The number of the last entry."""
        return self.log.tail.last

    @property
    def tag(self) -> str:
        """What names this state: `<seq>-<chain>`."""
        tail = self.log.tail
        return tag(tail.last, tail.chain(tail.last))

    @property
    def is_durable(self) -> bool:
        """Whether the store has all of it."""
        return (
            self.log.settled == self.log.last
            and not self.settings_changed
            and not self.standing_changed
            and not self.dropped
            and not self.drafts.is_dirty
            and self.end is None
        )

    def header(self) -> Header:
        """What the store keeps of it beside the entries."""
        return Header(
            created_at=self.created_at,
            last_activity=self.last_activity,
            version=self.log.last,
            message_count=self.message_count,
            floor=self.floor,
            **self._description(),
        )

    def settings(self) -> Settings:
        """What the store keeps of it and seldom changes."""
        found: dict[str, Any] = {}
        for fold in self.folds.values():
            fold.describe_settings(found)
        return Settings(intervals=self.intervals, **found)

    def messages(self) -> Stretch:
        """The messages that count."""
        return Stretch(self.log.tail, closed(self.intervals, self.version), self.no)

    def counting_between(self, kind: str, low: int, high: int) -> list[tuple[int, int]]:
        """Between these numbers, where the entries of a kind count."""
        return [
            (max(low, first), min(high, last))
            for first, last in self._where(self.kinds[kind], self.intervals, self.version)
            if first <= high and last >= low
        ]

    def counts(self, seq: int, kind: str) -> bool:
        """Whether the entry, which is of this kind, counts."""
        return self._is_counting(self.kinds[kind], seq, self.intervals)

    def counting_at(self, version: int) -> tuple[Interval, ...]:
        """What counted when the log ended at this version; the last interval is open."""
        return counting_at(self._rewinds, version)

    def goals_beyond(self, version: int) -> list[int]:
        """The goals of the rewinds behind this version."""
        return [goal for seq, goal in self._rewinds if seq > version]

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
        found = max(
            (
                seq
                for seq in self.log.seqs_of_key(kind, key)
                if seq <= last and self._is_counting(self.kinds[kind], seq, intervals)
            ),
            default=None,
        )
        if found is None:
            self.log.need_keys(((kind, key),))
        return found

    def need_keys(self, keys: Iterable[tuple[str, str]]) -> None:
        """Raises one `Needs` for all of these kinds and keys of which nothing is known yet."""
        if self.log.tail.first > 1:
            self.log.need_keys(key for key in keys if not self.log.seqs_of_key(*key))

    def entry(self, seq: int) -> Entry:
        """The entry of this number. Raises `Needs`."""
        return self.log.entry(seq)

    def chain(self, seq: int) -> bytes:
        """The chain behind the entry of this number, from 0 to `version`. Raises `Needs`."""
        return self.log.chain(seq)

    def kind(self, seq: int) -> str:
        """The kind of the entry of this number."""
        return self.log.kind(seq)

    # -- what changes it ---------------------------------------------------------------------

    def append(self, new: New, at: str, call: str | None = None, size: int = 0) -> int:
        """Appends one entry; returns its number. Never yields; fails only with `Needs`.

        `call` is the id of the call that it begins, and `size` of how many entries that is.
        """
        tail, kind = self.log.tail, self.kinds[new.kind]
        seq = tail.last + 1
        chain = link(tail.chain(seq - 1), seq, new.kind, new.key, at, new.digest)
        form = new.form | size << CALL_SIZE
        entry = Entry(seq, new.kind, new.key, at, new.body, chain, new.metadata, form, call)
        if kind.is_report or (new.may_report and new.kind == MESSAGE):
            self.reports.append((seq, self.current_agent))
        if new.kind == REWIND:
            self._go_back(entry)  # before anything changes: it may lack something
        elif not self._is_stale:
            self._message_count += new.kind == MESSAGE
            if kind.fold is not Fold:
                self._folds[new.kind].add(entry)
                self._described = None
        self.log.append(entry)
        if new.kind == MESSAGE and new.key is not None and new.key in self.drafts:
            self.drafts.end(new.key)  # the message takes its place
        if kind.is_rare:
            self.settings_changed = True
        if kind.is_activity and at > self.last_activity:
            self.last_activity = at
        return seq

    def forked(self) -> None:
        """All entries so far are those of another session, of which this one is a fork."""
        self.copied, self.ledger, self._described = self.version, None, None
        for name, kind in self.kinds.items():
            if not kind.is_inherited:
                self._folds[name] = kind.fold()

    def point(self) -> Point:
        """What `take_back` needs to come back here."""
        return Point(
            self.version,
            self.copied,
            self.last_activity,
            self.settings_changed,
            self.intervals,
            self._message_count,
            self._is_stale,
            self.drafts.point(),
            None if self._is_whole else self._points(),
        )

    def take_back(self, point: Point) -> None:
        """Undoes the appends of a call that is refused half-way; nobody has seen them."""
        is_folded = False
        for entry in self.log.take_back(point.version):
            is_folded |= entry.kind == REWIND or self.kinds[entry.kind].fold is not Fold
            if entry.kind == REWIND:
                self._rewinds.pop()
        self.copied, self.last_activity = point.copied, point.last_activity
        self.settings_changed = point.settings_changed
        self.intervals = point.intervals
        self.reports = [report for report in self.reports if report[0] <= point.version]
        self.drafts.take_back(point.drafts)
        self._message_count = point.message_count
        if point.folds is not None:
            before = {name: again() for name, again in point.folds.items()}
            self._folds, self._described = {**self._folds, **before}, None
        else:
            self._is_stale = point.is_stale or is_folded

    def check_goal(self, to: int) -> None:
        """Raises `InvalidInput` and `BelowFloor` for what neither a rewind nor a fork can reach."""
        if not 0 <= to <= self.version:
            raise InvalidInput(f"to: must be from 0 to the session's version, {self.version}")
        if to < self.floor:
            raise BelowFloor(to, self.floor)

    def stand(self, standing: Standing, holds_until: float | None = None) -> None:
        """How it stands from now on; `holds_until` is when its lease ends."""
        self.standing, self.standing_changed = standing, True
        if holds_until is not None:
            self.holds_until = holds_until

    def holder(self, now: float) -> int | None:
        """The number of the lease that holds at this moment."""
        lease = self.standing.lease
        return None if lease is None or now >= self.holds_until else lease.number

    def drop(self, seqs: Iterable[int], floor: int) -> None:
        """The bodies of these settled entries go; nothing goes back below `floor` any more."""
        gone = frozenset(seqs)
        for seq in gone:
            self.log.drop(seq)
        self.dropped |= gone
        self.floor = max(self.floor, floor)

    def as_of(self, version: int) -> "Life":
        """The life as it was when its log ended there, for a fork. Raises `Needs`."""
        intervals = self.counting_at(version)
        past = Life(
            kinds=self.kinds,
            log=self.log,
            created_at=self.created_at,
            last_activity=self.last_activity,
            floor=min(self.floor, version),
            intervals=intervals,
        )
        left = {name: kind.fold() for name, kind in self.kinds.items() if not kind.is_inherited}
        folds = self._folded(intervals, version, [*self._kept(version), *left])
        past._folds = {**self._copies(folds), **left}
        past._message_count = self._count_messages(intervals, version)
        return past

    # -- what the persister asks -------------------------------------------------------------

    def change(self) -> Change:
        """All that the store does not have yet. Changes nothing."""
        end, ended_at = self.end or (None, "")
        settings = self.settings() if self.settings_changed else None
        if self.no is None and settings == Settings():
            settings = None  # a life that begins has them
        drafts_gone, drafts = self.drafts.change()
        return Change(
            no=self.no,
            root=self.log.root,
            header=self.header(),
            after=self.log.settled,
            settings=settings,
            entries=tuple(self.log.fresh),
            reports=tuple(self.reports),
            dropped=tuple(sorted(self.dropped)) if self.dropped else (),
            standing=self.standing if self.standing_changed else None,
            drafts_gone=drafts_gone,
            drafts=drafts,
            end=end,  # type: ignore[arg-type] # one of the two, or none
            ended_at=ended_at,
        )

    def mark_durable(self, change: Change, no: int | None, resident_bytes: int | None) -> bool:
        """Takes note that `change`, one of this life's, is in the store.

        What is beyond so many bytes, and in the store, leaves memory; `None`: nothing does. Returns
        whether the log has more to settle.
        """
        if self.no is None:
            self.no = no
        self._refresh()  # while all that it takes is in memory
        more = self.log.settle(change.header.version, resident_bytes)
        if change.reports:
            self.reports = [one for one in self.reports if one[0] > change.header.version]
        # A life begins with the default settings, without being told.
        stored = change.settings or (Settings() if change.no is None else None)
        if self.settings_changed and stored == self.settings():
            self.settings_changed = False
        if change.standing == self.standing:
            self.standing_changed = False
        self.drafts.settle()
        if change.dropped:
            self.dropped -= frozenset(change.dropped)
        return more

    # -- inside ------------------------------------------------------------------------------

    @property
    def _is_whole(self) -> bool:
        """Whether all entries are in memory."""
        return self.log.tail.first == 1

    def _copies(self, folds: Mapping[str, Fold]) -> dict[str, Fold]:
        return {
            name: fold if self.kinds[name].fold is Fold else fold.copy()
            for name, fold in folds.items()
        }

    def _points(self) -> dict[str, Callable[[], Fold]]:
        return {
            name: fold.point()
            for name, fold in self._folds.items()
            if self.kinds[name].fold is not Fold
        }

    def _refresh(self) -> None:
        if self._is_stale:
            self._is_stale = False
            self._message_count = self._count_messages(self.intervals, self.version)
            self._folds = self._folded(self.intervals, self.version, ())
            self._described = None

    def _description(self) -> Mapping[str, Any]:
        """What the folds say of a header."""
        self._refresh()
        if self._described is None:
            self._described = {}
            for fold in self._folds.values():
                fold.describe(self._described)
        return self._described

    def _check_outline(self) -> None:
        """Raises `ValueError` if an entry that is no message is missing where it counts."""
        # In the outline it would be taken for a message, and what follows from it would be lost.
        if not self._is_whole:
            found = self._count_messages(self.intervals, self.version)
            if found != self._message_count:
                raise ValueError(
                    f"{found} of its entries seem to be messages that count, and its header says "
                    f"{self._message_count}"
                )

    def _resume(self, settings: Settings) -> None:
        """Makes the folds of a life that comes from the store. Raises `Needs`."""
        rewinds = list(self.log.of_kind(REWIND, 1, self.version))
        resumed: set[str] = set()
        if not self._is_whole:
            for name in self._unmoved():
                first = [1] if self.log.kind(1) == name else []
                self.log.need(first)
                if self._folds[name].resume(settings, [self.log.entry(seq) for seq in first]):
                    resumed.add(name)
            self.log.need(rewinds)
        self._rewinds = [(seq, goal_of(self.log.mark(seq))) for seq in rewinds]
        self._folds = self._folded(self.intervals, self.version, resumed)

    def _unmoved(self) -> list[str]:
        """The kinds whose folds no rewind changes."""
        return [
            name
            for name, kind in self.kinds.items()
            if not kind.is_rewound and kind.fold is not Fold
        ]

    def _folded(
        self, intervals: Sequence[Interval], version: int, kept: Collection[str]
    ) -> dict[str, Fold]:
        """What follows from the log up to a version, if these intervals count. Raises `Needs`.

        Of the kinds `kept`, the present folds are those of the version, too.
        """
        seqs = {
            name: [
                seq
                for low, high in self._where(kind, intervals, version)
                for seq in self.log.of_kind(name, low, high)
            ]
            for name, kind in self.kinds.items()
            if kind.fold is not Fold and name not in kept
        }
        self.log.need(seq for name in seqs if self.kinds[name].folds_bodies for seq in seqs[name])
        folds = dict(self._folds)
        for name, of_kind in seqs.items():
            fold = folds[name] = self.kinds[name].fold()
            for seq in of_kind:
                fold.add(self.log.mark(seq))
        self.log.need(seq for name in seqs for seq in folds[name].lacks())
        return folds

    def _where(
        self, kind: Kind, intervals: Sequence[Interval], version: int
    ) -> Sequence[tuple[int, int]]:
        """Where the entries of a kind count in the log up to a version, if these intervals do."""
        where = closed(intervals, version) if kind.is_rewound else ((1, version),)
        if kind.is_inherited or not self.copied:
            return where
        return [(max(low, self.copied + 1), high) for low, high in where if high > self.copied]

    def _is_counting(self, kind: Kind, seq: int, intervals: Sequence[Interval]) -> bool:
        return (not kind.is_rewound or within(intervals, seq)) and (
            kind.is_inherited or seq > self.copied
        )

    def _kept(self, version: int) -> list[str]:
        """The kinds whose present folds are those of an earlier version, too."""
        # Where all is in memory all are made anew: a call that is taken back has added to them.
        if self._is_whole:
            return []
        return [
            name
            for name in self._unmoved()
            if not any(self.log.of_kind(name, version + 1, self.version))
        ]

    def _count_messages(self, intervals: Sequence[Interval], version: int) -> int:
        return sum(self.log.count_messages(low, high) for low, high in closed(intervals, version))

    def _go_back(self, rewind: Entry) -> None:
        """Lets count what counted at the goal of this entry, which comes next. Raises `Needs`."""
        rewinds = [*self._rewinds, (rewind.seq, goal_of(rewind))]
        intervals = counting_at(rewinds, rewind.seq)
        if not self._is_whole:
            self._folds = self._folded(intervals, self.version, self._unmoved())
            self._described = None
            self._message_count = self._count_messages(intervals, self.version)
        self._rewinds, self.intervals = rewinds, intervals
        self.settings_changed = True
        self._is_stale = self._is_whole


def _end_of(lease: Lease | None, moment: Moment) -> float:
    """When a lease ends that was kept: what is left of it by the clock, at most all of it.

    So it does not outlive its time because nobody was there; nor longer than it was given for, if
    the clock was set back.
    """
    if lease is None:
        return -inf
    return moment.now + min(seconds_between(moment.at, lease.ends_at), lease.ttl)
