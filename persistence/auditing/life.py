"""Looks at one life: whether its entries are what was written, and its row follows from them."""

import struct
from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec
from attrs import define, field

from persistence import intervals
from persistence.auditing.json import is_json, is_object
from persistence.auditing.report import Problem, Tally
from persistence.auditing.rows import LifeRow, Sink, StandingRow
from persistence.auditing.spending import Spending
from persistence.used import UsedRow, rows
from runtime import ALL, DROPPED, Interval, Row, digest, link

_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
_MOMENT_LENGTH = len("2025-12-31T08:45:00.000Z")


@define(eq=False)
class LifeAudit:
    """One life that is being read: `begin`, its entries in their order, `end`, `used`."""

    row: LifeRow
    _tally: Tally
    _sink: Sink | None
    _counting: tuple[Interval, ...] = field(default=(), init=False)
    _before: bytes | None = field(init=False)
    """The chain before the next entry; `None`: what is there does not say it."""
    _next: int = field(default=1, init=False)
    """The number that the next entry should have."""
    _found: int = field(default=0, init=False)
    _messages: int = field(default=0, init=False)
    _switches: int = field(default=0, init=False)
    _spending: Spending = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._before = self.row.root
        settings = self.row.settings
        self._spending = Spending((settings and settings.forked_at) or 0)

    @property
    def who(self) -> str:
        """How a sentence about it begins."""
        return f"Session {self.row.session_id!r}"

    def begin(self) -> Iterator[Problem]:
        """What is wrong with what is beside its log. To be called first."""
        row, who = self.row, self.who
        settings = row.settings
        try:
            self._counting = intervals.decode(settings and settings.intervals)
        except ValueError as error:
            yield "intervals", f"{who}: which of its entries count is not said: {error}"
        if settings is not None and not is_object(settings.metadata):
            yield "settings", f"{who}: the metadata is not a JSON object"
        if row.standing is not None and not _has_end(row.standing):
            yield "standing", f"{who}: nobody can say until when its turn holds"
        if not 0 <= row.floor <= row.version:
            yield "floor", f"{who} has no entries up to {row.floor}, which it should not go below"
        if self._sink is not None:
            self._sink.life(row)

    def entry(self, row: Row) -> Iterator[Problem]:
        """What is wrong with the next one."""
        seq, kind, _, _, body, chain, metadata, _, _ = row
        self._found += 1
        if seq < self._next:
            yield "twice", f"{self.who}: there are several entries {seq}"
        elif seq > self._next:
            yield "gap", f"{self.who}: entry {self._next} is missing"
        elif self._before is not None and _link(self._before, row) != chain:
            yield (
                "chain",
                f"{self.who}: entry {seq} is not what was written (its chain does not fit)",
            )
        self._before, self._next = chain, seq + 1
        if not is_object(body):
            yield "body", f"{self.who}: entry {seq} is not a JSON object"
        if metadata is not None and not is_json(metadata):
            yield "metadata", f"{self.who}: the metadata of entry {seq} is not JSON"
        if kind == "message":
            self._messages += counts(seq, self._counting)
        elif kind == "switch":
            self._switches += counts(seq, self._counting)
        self._spending.take(row)
        if self._sink is not None:
            self._sink.entry(self.row.no, row)

    @property
    def has_all(self) -> bool:
        """Whether as many entries came as its row says."""
        return self._found == self.row.version

    def missing(self, seq: int) -> Problem:
        """Where the next entry should be, there is none."""
        self._before, self._next = None, seq + 1
        return "gap", f"{self.who}: entry {seq} is missing"

    def misplaced(self) -> None:
        """Where the next entry should be, something else is. So nothing follows from it."""
        self._before = None

    def end(self) -> Iterator[Problem]:
        """What is wrong with its row, now that all entries were there."""
        row, who = self.row, self.who
        if self._next <= row.version:
            yield "gap", f"{who}: entry {self._next} is missing"
        if not self.has_all:
            yield "version", f"{who} says it has {row.version} entries; it has {self._found}"
        if self._messages != row.message_count:
            yield (
                "messages",
                f"{who} says it has {row.message_count} messages that count; "
                f"it has {self._messages}",
            )
        # It may have forgotten some, but not made any up.
        if self._switches > row.switch_count:
            yield (
                "switches",
                f"{who} says it has {row.switch_count} agent switches; it has {self._switches}",
            )
        tally = self._tally
        tally.entries += self._found
        if row.deleted_at is None:
            tally.living += 1
            tally.messages += self._messages
            tally.switches += self._switches
        else:
            tally.trashed += 1

    def used(self, stored: Iterable[UsedRow] | None) -> Iterator[Problem]:
        """What is wrong with its sums; `None`: there are none yet. To be called last."""
        if stored is None:
            stored = rows(self.row.no, self._spending.amounts)
        else:
            stored = list(stored)
            yield from self._spending.compare(self.who, stored)
        if self._sink is not None:
            for row in stored:
                self._sink.used(row)


def counts(seq: int, counting: tuple[Interval, ...]) -> bool:
    """Whether the entry of this number is within the intervals."""
    if counting is ALL:  # of nearly every session
        return True
    return any(first <= seq and (last is None or seq <= last) for first, last in counting)


def _has_end(standing: StandingRow) -> bool:
    """Whether one can say until when somebody holds it, if somebody does."""
    if standing.lease is None:
        return True
    ends_at = standing.lease_ends_at
    if ends_at is None or not standing.lease_ttl or standing.lease_ttl < 0:
        return False
    try:
        datetime.strptime(ends_at, _MOMENT)
    except ValueError:
        return False
    return len(ends_at) == _MOMENT_LENGTH


def _link(before: bytes, row: Row) -> bytes | None:
    """The chain behind an entry; `None` if nothing follows from what is there."""
    seq, kind, key, at, body, _, metadata, form, _ = row
    try:
        if form & DROPPED:
            content = bytes.fromhex(msgspec.json.decode(body)["dropped"])
        else:
            content = digest(body, metadata, form)
        return link(before, seq, kind, key, at, content)
    except (ValueError, TypeError, KeyError, struct.error):
        return None
