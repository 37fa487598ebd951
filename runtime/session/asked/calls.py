"""Calls that append entries of several kinds in one step: all of them, or none.

Rules:

- The entries are taken in order, each on top of those before it: a rewind frees the keys that a
  message behind it uses, so editing and sending again is one call.
- A call with an id has one effect, and is answered the same again. Its id lies on the first entry
  that it appended; the others follow on that one, but for those whose keys were known.
- What an entry says is encoded where the call is made, in a thread if it is large, unless it
  depends on the session: see `Kind.make`.
- Repeats come first: a call all of whose entries are known by their keys, or whose own id is, is
  answered before any condition is looked at (I3).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen

from runtime.errors import CallerError, ExpectationFailed, InvalidInput, KeyConflict
from runtime.session.bodies.encoding import check_tree
from runtime.session.entries.chain import digest_of
from runtime.session.entries.tail import Needs
from runtime.session.kind import Kind, New
from runtime.session.kinds.record import (
    RECORD,
    REMOVED,
    Records,
    changes_of,
    check_expectations,
    is_so_already,
    known,
    records_at,
    records_of,
    value_of,
)
from runtime.session.kinds.table import KINDS
from runtime.session.life import REWIND, Life
from runtime.session.replies import KnownRecord, Written
from runtime.session.rules import check_key, check_record_key
from runtime.session.state import ANY, ENTRY_OVERHEAD, Condition, SessionState
from runtime.session.steps import AT_ONCE, Steps, at_once
from runtime.store.entries import CALL_SIZE, Entry

T = TypeVar("T")

MAX_ENTRIES = 10_000
"""Entries in one call: what the largest checkpoint of a framework needs, and some megabytes."""


MAX_REWINDS = 100
"""Rewinds in one call. Editing and sending again takes one; each lets all folds be made anew."""


@frozen(kw_only=True)
class Item:
    """An entry as a call asks for it: the body is of plain JSON values."""

    kind: str
    body: Any = None
    key: str | None = None
    new: New | None = None
    """The entry itself, if it does not depend on the session; the body is not looked at then."""
    is_checked: bool = False
    """Whether the body is known to be of plain JSON values."""


def items_from_python(items: Iterable[Item]) -> list[Item]:
    """The items, of bodies that a program made, checked. Raises `InvalidInput`."""

    def made(item: Item) -> Item:
        kind = _kind(item.kind)
        if item.new is not None or item.is_checked:
            return item
        check_tree(item.body, "body")
        return evolve(item, new=kind.make(item.key, item.body), is_checked=True)

    return [_named(place, made, item) for place, item in enumerate(items, 1)]


def items_from_json(parts: Iterable[tuple[str, str | None, bytes]]) -> tuple[list[Item], int]:
    """The items of these kinds, keys and bodies, the last as JSON; and their lone surrogates.

    Raises `InvalidInput`.
    """
    replaced = 0

    def read(part: tuple[str, str | None, bytes]) -> Item:
        nonlocal replaced
        name, key, text = part
        new, body, count = _kind(name).read(key, text)
        replaced += count
        return Item(kind=name, key=key, new=new, body=None if new else body, is_checked=True)

    return [_named(place, read, part) for place, part in enumerate(parts, 1)], replaced


def _kind(name: str) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        names = (name for name, kind in KINDS.items() if kind.own_calls is None)
        raise InvalidInput(f"kind: must be one of {', '.join(sorted(names))}")
    if kind.own_calls is not None:
        raise InvalidInput(f"kind: entries of kind {name} are made by {kind.own_calls} alone")
    return kind


def _named(place: int, make: Callable[[T], Item], thing: T) -> Item:
    try:
        return make(thing)
    except InvalidInput as error:
        raise InvalidInput(f"entry {place}: {error}") from None


def append_entries(
    state: SessionState,
    items: Sequence[Item],
    *,
    at: str,
    call: str | None = None,
    once: bool = False,
    expect: Mapping[str, int] | None = None,
    condition: Condition = ANY,
) -> Steps[Written]:
    """Appends entries of any kinds; the first one makes a session live. In steps.

    With `once`, a record whose key is known is skipped. `expect` names the entries that records
    have to be. Raises `InvalidInput`, `KeyConflict`, `BelowFloor`, `PreconditionFailed`,
    `ExpectationFailed`, `Needs`.
    """
    if not 0 < len(items) <= MAX_ENTRIES:
        raise InvalidInput(f"entries: must be 1 to {MAX_ENTRIES}")
    if sum(item.kind == REWIND for item in items) > MAX_REWINDS:
        raise InvalidInput(f"entries: at most {MAX_REWINDS} of a call can be rewinds")
    if call is not None:
        check_key(call)
        if (answer := (yield from _repeat(state, lambda _: items, call, once=once))) is not None:
            return answer
    if (answer := (yield from _all_known(state, items))) is not None:
        return answer
    state.check(condition)
    try:
        _check_expectations(state, expect)
    except ExpectationFailed:
        if _is_done(state.life, items):
            return _written(state, [], 0, [], repeated=True)
        raise
    return (yield from _Call(state, at, once, call, len(items)).apply(items))


def put_records(
    state: SessionState,
    *,
    at: str,
    put: Sequence[New] = (),
    remove: Sequence[str] = (),
    remove_prefix: Sequence[str] = (),
    call: str | None = None,
    once: bool = False,
    expect: Mapping[str, int] | None = None,
    condition: Condition = ANY,
) -> Steps[Written]:
    """Puts and removes records, all or none; the first one makes a session live. In steps.

    An expectation that fails although everything is as asked for is no failure: nothing is applied.
    Raises as `append_entries` does.
    """
    if call is not None:
        check_key(call)

        def items_at(version: int) -> list[Item]:
            then = records_at(state.present(), version)
            news = at_once(changes_of(then, put, remove, remove_prefix))
            return [_item_of(new) for new in news]

        if (answer := (yield from _repeat(state, items_at, call, once=once))) is not None:
            return answer
    present = records_of(state.life) if state.life else Records()
    news = yield from changes_of(present, put, remove, remove_prefix)
    if len(news) > MAX_ENTRIES:
        raise InvalidInput(f"records: {len(news)} in one call, and the limit is {MAX_ENTRIES}")
    if not (put or remove or remove_prefix):
        raise InvalidInput("records: put, remove or remove_prefix is needed")
    state.check(condition)
    try:
        _check_expectations(state, expect)
    except ExpectationFailed:
        if state.life is not None and is_so_already(state.life, news):
            return _written(state, [], 0, [], repeated=True)
        raise
    if not news:
        state.present()
        return _written(state, [], 0, [])
    return (yield from _Call(state, at, once, call, len(news)).append(news))


def _item_of(new: New) -> Item:
    return Item(kind=new.kind, key=new.key, new=new)


def _proposed(life: Life, kind: Kind, item: Item) -> New:
    return kind.propose(life, item.key, item.body) if item.new is None else item.new


def _is_repeat(life: Life, kind: Kind, entry: Entry, item: Item) -> bool:
    if item.new is None:
        return kind.is_repeat(life, entry, item.body)
    return item.new.digest == digest_of(entry)


def _check_expectations(state: SessionState, expect: Mapping[str, int] | None) -> None:
    for key in expect or {}:
        check_record_key(key, "expect")
    check_expectations(state.life, expect or {}, state.tag)


def _is_done(life: Life | None, items: Sequence[Item]) -> bool:
    """Whether there is nothing but records, and these are so already."""
    if life is None or any(item.kind != RECORD for item in items):
        return False
    kind = life.kinds[RECORD]
    return is_so_already(life, [_proposed(life, kind, item) for item in items])


class _Call:
    """One call under way: what it has appended so far can be taken back."""

    def __init__(
        self, state: SessionState, at: str, once: bool, call: str | None, size: int
    ) -> None:
        self._state = state
        self._life = state.life or state.new_life(at)
        self._at = at
        self._call, self._call_size = call, 0 if call is None else size
        self._once = once
        self._before = self._life.point()
        self._seqs: list[int] = []
        self._known: list[KnownRecord] = []
        self._size = 0

    def apply(self, items: Sequence[Item]) -> Steps[Written]:
        return self._all(self._take, enumerate(items, 1))

    def append(self, news: Iterable[New]) -> Steps[Written]:
        return self._all(self._append, news)

    def _all(self, take: Callable[[T], None], things: Iterable[T]) -> Steps[Written]:
        try:
            for count, thing in enumerate(things, 1):
                take(thing)
                if count % AT_ONCE == 0:
                    yield
        except (CallerError, Needs, GeneratorExit):
            self._life.take_back(self._before)
            raise
        applied = self._life.version - self._before.version
        if applied:
            self._state.written(self._life, self._size)
        return _written(self._state, self._seqs, applied, self._known)

    def _take(self, numbered: tuple[int, Item]) -> None:
        place, item = numbered
        life = self._life
        kind = life.kinds.get(item.kind)
        if kind is None:
            raise InvalidInput(
                f"entry {place}: kind: must be one of {', '.join(sorted(life.kinds))}"
            )
        try:
            seq = life.seq_of(item.kind, item.key) if kind.is_unique and item.key else None
            if seq is None:
                self._append(item.new or _proposed(life, kind, item))
                return
            # What is known is not proposed again: it could not be, for what it asked for may be
            # out of reach by now, or come out otherwise.
            if not _is_repeat(life, kind, life.entry(seq), item):
                is_earlier = seq <= self._before.version
                raise KeyConflict(item.kind, item.key or "", seq if is_earlier else None)
            self._seqs.append(seq)
        except InvalidInput as error:
            raise InvalidInput(f"entry {place}: {error}") from None

    def _append(self, new: New) -> None:
        life = self._life
        # A removal is no first write: it is not passed over.
        if self._once and new.kind == RECORD and new.body != REMOVED:
            found = known(life, new.key or "")
            if found is not None:
                self._known.append(found)
                self._seqs.append(found.seq)
                return
        self._seqs.append(life.append(new, self._at, self._call, self._call_size))
        if self._call is not None:
            self._call, self._call_size = None, 0
        self._size += len(new.body) + len(new.metadata or b"") + ENTRY_OVERHEAD


def _repeat(
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
            return _written(state, seqs, 0, skipped, repeated=True)
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
            value = value_of(life.entry(seq))
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


def _says_the_same(life: Life, seq: int, item: Item) -> bool:
    if seq > life.version:
        return False
    entry = life.entry(seq)
    if entry.kind != item.kind or entry.key != item.key:
        return False
    return _is_repeat(life, life.kinds[item.kind], entry, item)


def _unique_keys(life: Life, items: Sequence[Item]) -> list[tuple[str, str]]:
    """The kinds and keys of the entries that have one effect while they count."""
    return [
        (item.kind, item.key)
        for item in items
        if item.key is not None
        and (kind := life.kinds.get(item.kind)) is not None
        and kind.is_unique
    ]


def _all_known(state: SessionState, items: Sequence[Item]) -> Steps[Written | None]:
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
    return _written(state, seqs, 0, [], repeated=True)


def _written(
    state: SessionState,
    seqs: Sequence[int],
    applied: int,
    known: Sequence[KnownRecord],
    *,
    repeated: bool = False,
) -> Written:
    life = state.present()
    return Written(
        session_id=state.session_id,
        version=life.version,
        durable_seq=state.durable_seq,
        tag=life.tag,
        seqs=seqs,
        applied=applied,
        known=known,
        repeated=repeated,
    )
