"""Calls that were made before, and are answered the same again.

Rules:

- A call with an id has one effect, and is answered the same again. Its id lies on the first entry
  that it appended; the others follow on that one, but for those whose keys were known.
- Repeats come first: a call all of whose entries are known by their keys, or whose own id is, is
  answered before any condition is looked at (I3).
"""

from collections.abc import Callable, Mapping, Sequence

from runtime.errors import KeyConflict
from runtime.session.asked.answered import written
from runtime.session.asked.items import Item
from runtime.session.entries.chain import digest_of
from runtime.session.kind import Kind
from runtime.session.kinds.record import RECORD, REMOVED, records_at, value_at
from runtime.session.life import REWIND, Life
from runtime.session.replies import KnownRecord, Written
from runtime.session.state import SessionState
from runtime.session.steps import AT_ONCE, Steps
from runtime.store.entries import CALL_SIZE, Entry


def repeat(
    state: SessionState, items_at: Callable[[int], Sequence[Item]], call: str, *, once: bool
) -> Steps[Written | None]:
    """The answer to a call whose id is known. Raises `KeyConflict` if it was another one.

    `items_at` gives what the call asks for on top of a version. A call counts while its first entry
    does, or its last: it may have rewound its own first one.
    """
    life = state.life
    for first in life.log.seqs_of_call(call) if life else ():
        assert life is not None, "only a life has calls"
        items = items_at(first - 1)
        size = life.entry(first).form >> CALL_SIZE
        replayed = None
        if size == len(items):
            replayed = yield from _replay(life, items, first, once=once)
        counts = life.counts(first, life.kind(first))
        if replayed is None:
            if counts:
                raise KeyConflict("call", call, first)
            continue
        seqs, skipped, last = replayed
        if counts or life.counts(last, life.kind(last)):
            return written(state, seqs, 0, skipped, repeated=True)
    return None


def _replay(
    life: Life, items: Sequence[Item], first: int, *, once: bool
) -> Steps[tuple[list[int], list[KnownRecord], int] | None]:
    """The numbers that a call was given, the records that it passed over, and its last entry.

    `None` if the call that begins with entry `first` was another one. It is taken once more, on top
    of what was there then: only so can be told which of its entries were known already, and which
    were appended.
    """
    last = first - 1
    life.log.need(range(first, min(last + len(items), life.version) + 1))
    life.need_keys(_unique_keys(life, items))
    intervals = life.counting_at(last)
    records = records_at(life, last) if once else None
    seqs: list[int] = []
    skipped: list[KnownRecord] = []
    for count, item in enumerate(items, 1):
        if count % AT_ONCE == 0:
            yield
        seq = _skipped(item, records.seqs) if records else None
        if seq is not None:
            value = value_at(life, seq)
            skipped.append(KnownRecord(key=item.key or "", seq=seq, value=value))
            seqs.append(seq)
            continue
        kind = life.kinds.get(item.kind)
        if kind is not None and kind.is_unique and item.key is not None:
            seq = life.seq_of(item.kind, item.key, last=last, intervals=intervals)
        if seq is None:
            seq = last = last + 1
        if not _says_the_same(life, seq, item):
            return None
        seqs.append(seq)
        if item.kind == REWIND:
            intervals = life.counting_at(last)
            records = records_at(life, last) if once else None
        elif item.kind == RECORD and records:
            records.add(life.log.mark(seq))
    return seqs, skipped, last


def _skipped(item: Item, records: Mapping[str, int]) -> int | None:
    """The number of the record for which a call with `once` passes the entry over."""
    if item.kind != RECORD:
        return None
    if "removed" in item.body if item.new is None else item.new.body == REMOVED:
        return None
    return records.get(item.key or "")


def all_known(state: SessionState, items: Sequence[Item]) -> Steps[Written | None]:
    """The answer to a call all of whose entries are known by their keys."""
    life = state.life
    if life is None:
        return None
    keys = _unique_keys(life, items)
    life.need_keys(keys)
    if len(keys) < len(items):
        return None
    seqs: list[int] = []
    for count, item in enumerate(items, 1):
        if count % AT_ONCE == 0:
            yield
        assert item.key is not None
        seq = life.seq_of(item.kind, item.key)
        if seq is None:
            return None
        if not _says_the_same(life, seq, item):
            raise KeyConflict(item.kind, item.key, seq)
        seqs.append(seq)
    return written(state, seqs, 0, [], repeated=True)


def _unique_keys(life: Life, items: Sequence[Item]) -> list[tuple[str, str]]:
    """The kinds and keys of the entries that have one effect while they count."""
    return [
        (item.kind, item.key)
        for item in items
        if item.key is not None
        and (kind := life.kinds.get(item.kind)) is not None
        and kind.is_unique
    ]


def _says_the_same(life: Life, seq: int, item: Item) -> bool:
    if seq > life.version:
        return False
    entry = life.entry(seq)
    if entry.kind != item.kind or entry.key != item.key:
        return False
    return is_repeat(life, life.kinds[item.kind], entry, item)


def is_repeat(life: Life, kind: Kind, entry: Entry, item: Item) -> bool:
    """Whether the item says what this entry of its kind says."""
    if item.new is None:
        return kind.is_repeat(life, entry, item.body)
    return item.new.digest == digest_of(entry)
