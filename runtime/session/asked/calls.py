"""Calls that append entries of several kinds in one step: all of them, or none.

The entries are taken in order, each on top of those before it: a rewind frees the keys that a
message behind it uses, so editing and sending again is one call.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from runtime.errors import CallerError, ExpectationFailed, InvalidInput, KeyConflict
from runtime.session.asked.answered import written
from runtime.session.asked.items import Item
from runtime.session.asked.repeats import all_known, is_repeat, repeat
from runtime.session.entries.tail import Needs
from runtime.session.kind import Kind, New
from runtime.session.kinds.message import appended, told_apart
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
)
from runtime.session.life import REWIND, Life
from runtime.session.replies import Appended, KnownRecord, Written
from runtime.session.rules import check_key, check_record_key
from runtime.session.state import ANY, ENTRY_OVERHEAD, Condition, SessionState
from runtime.session.steps import AT_ONCE, Steps, at_once

T = TypeVar("T")

MAX_ENTRIES = 10_000
"""Entries in one call: what the largest checkpoint of a framework needs, and some megabytes."""

MAX_REWINDS = 100
"""Rewinds in one call. Editing and sending again takes one; each lets all folds be made anew."""


def append_messages(
    state: SessionState,
    messages: Sequence[New],
    *,
    at: str,
    create: bool = True,
    condition: Condition = ANY,
) -> Steps[Appended]:
    """What `message.append` does, in steps but for the look at what is known: for many."""
    seqs, fresh = told_apart(state, messages, create=create, condition=condition)
    if fresh:
        yield from _Call(state, at, once=False, call=None, size=0).append(fresh)
    return appended(state, messages, seqs, repeated=not fresh)


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
        if (answer := (yield from repeat(state, lambda _: items, call, once=once))) is not None:
            return answer
    if (answer := (yield from all_known(state, items))) is not None:
        return answer
    state.check(condition)
    try:
        _check_expectations(state, expect)
    except ExpectationFailed:
        if _is_done(state.life, items):
            return written(state, [], 0, [], repeated=True)
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

        if (answer := (yield from repeat(state, items_at, call, once=once))) is not None:
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
            return written(state, [], 0, [], repeated=True)
        raise
    if not news:
        state.present()
        return written(state, [], 0, [])
    return (yield from _Call(state, at, once, call, len(news)).append(news))


def _item_of(new: New) -> Item:
    return Item(kind=new.kind, key=new.key, new=new)


def _proposed(life: Life, kind: Kind, item: Item) -> New:
    return kind.propose(life, item.key, item.body) if item.new is None else item.new


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
        return written(self._state, self._seqs, applied, self._known)

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
            if not is_repeat(life, kind, life.entry(seq), item):
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
