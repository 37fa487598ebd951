"""The kind `record`: values under keys, in which frameworks keep their state.

Its body is `{value}`, or `{removed: true}`; the newest one of a key that counts is the record. A
rewind takes records back with the messages, and forward again. What no version above the floor can
show any more is superseded, and the clean-up may drop its body.

Keys are in the order of their UTF-8 bytes, which is that of Python's strings: both are the order of
code points.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import define

from runtime.errors import ExpectationFailed, InvalidInput
from runtime.session.bodies.encoding import encode, parse
from runtime.session.bodies.normal import Apart, normal
from runtime.session.bodies.pieces import WHOLE
from runtime.session.entries.counting import closed
from runtime.session.kind import Kind, Latest, New
from runtime.session.life import Life
from runtime.session.log import PAGE_BYTES
from runtime.session.replies import KnownRecord, Record, RecordPage
from runtime.session.rules import check_record_key
from runtime.session.state import SessionState
from runtime.session.steps import AT_ONCE, Steps
from runtime.store.entries import DROPPED, REMOVAL, Entry

RECORD = "record"

REMOVED = b'{"removed":true}'
"""The body of an entry that takes its key's record away."""
_VALUE = len(b'{"value":')
_DROPPED = re.compile(rb'\{"dropped":"[0-9a-f]{32}"\}')
"""The body of a record that a clean-up has dropped: its digest."""


@define
class Records(Latest):
    """The newest value of each key that counts, as the number of its entry."""

    _sorted: list[str] | None = None
    """The keys in their order, once somebody has asked for it."""

    def add(self, entry: Entry) -> None:
        self.put(entry.key or "", None if entry.form & REMOVAL else entry.seq)

    def put(self, key: str, seq: int | None) -> None:
        if self._sorted is not None and (key in self.seqs) != (seq is not None):
            if seq is None:
                del self._sorted[bisect_left(self._sorted, key)]
            else:
                insort(self._sorted, key)
        Latest.put(self, key, seq)

    def keys(self) -> list[str]:
        """All keys, in their order."""
        if self._sorted is None:
            self._sorted = sorted(self.seqs)
        return self._sorted

    def with_prefix(self, prefix: str) -> list[str]:
        """The keys that begin with `prefix`, in their order."""
        keys = self.keys()
        low = bisect_left(keys, prefix)
        # Behind the last one: no text is the greatest that begins so.
        high = bisect_left(keys, True, low, key=lambda key: not key.startswith(prefix))
        return keys[low:high]

    def with_prefixes(self, prefixes: Iterable[str]) -> Iterator[str]:
        """Those that begin with one of the prefixes, each once, in their order."""
        last: str | None = None
        for prefix in sorted(set(prefixes)):
            # What a shorter one has found is not looked for again.
            if last is None or not prefix.startswith(last):
                yield from self.with_prefix(prefix)
                last = prefix


class RecordKind(Kind):
    """Values under keys."""

    name = RECORD
    is_unique = False
    redactable = (("value",),)
    fold = Records
    folds_bodies = False

    def read(self, key: str | None, text: bytes) -> tuple[New, Any, int]:
        if len(text) <= WHOLE:
            body, replaced = parse(text, "body")
            return self.make(key, body), None, replaced
        found: dict[str, bytes] = {}
        apart = Apart(text, "body")
        for name, value in apart.members():
            found[name] = value
            if len(found) > 1:
                break
        if found.keys() != {"value"}:
            removed = found.keys() == {"removed"} and found["removed"] == b"true"
            return self.make(key, {"removed": True} if removed else None), None, 0
        new, replaced = put_from_json(check_record_key(key), found["value"])
        return new, None, apart.replaced + replaced

    def arrived(self, key: str | None, text: bytes) -> New:
        if _DROPPED.fullmatch(text):
            return New(RECORD, check_record_key(key), text, form=DROPPED)
        return super().arrived(key, text)

    def make(self, key: str | None, body: Any) -> New:
        """`{value}` or `{removed: true}`."""
        if isinstance(body, dict) and body.keys() == {"value"}:
            return put(key, body["value"])
        if isinstance(body, dict) and body.keys() == {"removed"} and body["removed"] is True:
            return removal(check_record_key(key))
        raise InvalidInput("record: the body must be {value} or {removed: true}")


def put(key: Any, value: Any) -> New:
    """The entry that gives a key a value, of plain JSON values. Raises `InvalidInput`."""
    checked = check_record_key(key)
    return New(RECORD, checked, encode({"value": value}, f"record {checked!r}"))


def removal(key: str) -> New:
    """The entry that takes a key's record away."""
    return New(RECORD, key, REMOVED, form=REMOVAL)


def put_from_json(key: str, value: bytes) -> tuple[New, int]:
    """The entry that gives a key a value that is JSON, and how many lone surrogates were replaced.

    Raises `InvalidInput`.
    """
    checked = check_record_key(key)
    found, replaced = normal(value, f"record {checked!r}", around=1)
    return New(RECORD, checked, b'{"value":' + found + b"}"), replaced


def records_of(life: Life) -> Records:
    """The fold of this kind."""
    fold = life.folds[RECORD]
    assert isinstance(fold, Records)
    return fold


def value_at(life: Life, seq: int) -> bytes:
    """The value that this entry gave, as JSON; null if its body was dropped. Raises `Needs`."""
    body, form = life.log.body(seq)
    return b"null" if form & DROPPED else body[_VALUE:-1]


def check_expectations(life: Life | None, expect: Mapping[str, int], tag: str | None) -> None:
    """Each key's record is the entry of this number; 0: there is none.

    Raises `ExpectationFailed`, which names the first key that is not so.
    """
    seqs = records_of(life).seqs if life else {}
    for key, expected in expect.items():
        if seqs.get(key, 0) != expected:
            raise ExpectationFailed(key, expected, seqs.get(key, 0), tag)


def changes_of(
    fold: Records,
    puts: Sequence[New],
    remove: Sequence[str],
    remove_prefix: Sequence[str],
) -> Steps[list[New]]:
    """What a call that puts and removes appends: it removes only what is in `fold`. In steps."""
    gone = {check_record_key(key): None for key in remove}
    prefixes = [check_record_key(prefix, "remove_prefix") for prefix in remove_prefix]
    gone.update(dict.fromkeys(fold.with_prefixes(prefixes)))
    removals: list[New] = []
    for count, key in enumerate(gone, 1):
        if key in fold.seqs:
            removals.append(removal(key))
        if count % AT_ONCE == 0:
            yield
    return [*removals, *puts]


def is_so_already(life: Life | None, changes: Sequence[New]) -> bool:
    """Whether the records are as these changes would make them."""
    wanted = {change.key or "": change for change in changes}
    seqs = records_of(life).seqs if life else {}
    if life is not None:
        life.log.need(sorted(seqs[key] for key in wanted.keys() & seqs.keys()))
    for key, change in wanted.items():
        seq = seqs.get(key)
        if change.form & REMOVAL:
            if seq is not None:
                return False
        elif seq is None or life is None or life.entry(seq).body != change.body:
            return False
    return True


def known(life: Life, key: str) -> KnownRecord | None:
    """The record of this key, if there is one."""
    seq = records_of(life).seqs.get(key)
    return None if seq is None else KnownRecord(key=key, seq=seq, value=value_at(life, seq))


def read(
    state: SessionState,
    *,
    keys: Collection[str] = (),
    prefixes: Collection[str] = (),
    start: str | None = None,
    end: str | None = None,
    reverse: bool = False,
    limit: int = 100,
    after: str | None = None,
) -> RecordPage:
    """At most `limit` records, in the order of their keys.

    Of these keys, or with one of these prefixes, if either is given; from `start` up to, but not
    including, `end`; behind the key `after`. Raises `SessionNotFound`, `Needs`.
    """
    life = state.present()
    fold = records_of(life)
    if keys or prefixes:
        chosen = {key for key in keys if key in fold.seqs}
        chosen.update(fold.with_prefixes(prefixes))
        ordered = sorted(chosen)
    else:
        ordered = fold.keys()
    low = bisect_left(ordered, start) if start is not None else 0
    high = bisect_left(ordered, end) if end is not None else len(ordered)
    if after is not None and reverse:
        high = min(high, bisect_left(ordered, after))
    elif after is not None:
        low = max(low, bisect_right(ordered, after))
    found = ordered[low:high]
    if reverse:
        found = found[::-1]
    page, is_short = _with_values(life, fold, found[:limit])
    return RecordPage(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        records=[_record(life, key, fold.seqs[key]) for key in page],
        next=page[-1] if is_short or len(found) > limit else None,
    )


def _with_values(life: Life, fold: Records, keys: Sequence[str]) -> tuple[Sequence[str], bool]:
    """So many of the keys whose values fit into a page, and whether that leaves any out. `Needs`.

    Values that are in memory all fit; those that have to be read do up to `PAGE_BYTES`.
    """
    life.log.need([fold.seqs[key] for key in keys], room=PAGE_BYTES)
    for place, key in enumerate(keys):
        if not life.log.is_here(fold.seqs[key]):
            return keys[:place], True
    return keys, False


def _record(life: Life, key: str, seq: int) -> Record:
    return Record(key, value_at(life, seq), seq)


def drop_superseded(state: SessionState, *, before: str) -> int:
    """Drops the bodies of records that were superseded before a moment; returns how many.

    The floor becomes the last version of before that moment. A record of below it stays if a
    version from there on shows it: the floor itself, or one that a later rewind went back to.
    Raises `SessionNotFound`, `Needs`.
    """
    life = state.present()
    floor = _last_before(life, before)
    live: set[int] = set()
    for version in {floor, *life.goals_beyond(floor)}:
        live.update(records_at(life, version).seqs.values())
    dead = [
        seq
        for seq in life.log.of_kind(RECORD, 1, floor)
        if seq not in live and _has_value(life.log.mark(seq))
    ]
    if dead:
        life.drop(dead, floor)
        state.written(life, 0)
    return len(dead)


def _has_value(entry: Entry) -> bool:
    return not entry.form & (DROPPED | REMOVAL)


def _last_before(life: Life, moment: str) -> int:
    """The last version, of what the store has, that all is of before the moment, messages aside.

    It ends with an entry that is no message: behind it, messages change no record.
    """
    # Times may go backwards with the clock, so the first entry that is not of before decides.
    last = 0
    for seq in life.log.others(1, life.log.settled):
        if life.log.mark(seq).at >= moment:
            break
        last = seq
    return last


def records_at(life: Life, version: int) -> Records:
    """The records as they were when the log ended at this version."""
    fold = Records()
    for low, high in closed(life.counting_at(version), version):
        for seq in life.log.of_kind(RECORD, low, high):
            fold.add(life.log.mark(seq))
    return fold
