"""The whole log, wherever its entries are: what it says by itself, and what it asks for."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime.session.entries.outline import Outline
from runtime.session.entries.tail import Needs, Tail
from runtime.session.kinds.table import KINDS
from runtime.session.log import CUT_AT_ONCE, PACKED_AT_ONCE, Log
from runtime.session.state import SessionState
from runtime.store.entries import DROPPED, MESSAGE, Entry, Wanted
from runtime.store.stored import StoredSession
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import NOON, absent, commit, put, said, with_tail_only
from tests.runtime.session.logs import FIRST, state

NUMBERS = st.integers(1, 14)


@pytest.fixture
def session() -> SessionState:
    return state()


@pytest.fixture
def whole(session: SessionState) -> Log:
    return session.present().log


@pytest.fixture
def log(session: SessionState) -> Log:
    """The log with its end in memory."""
    return with_tail_only(session, FIRST)[0].present().log


def said_of(entry: Entry) -> tuple[object, ...]:
    """All that an outline says of an entry."""
    return entry.seq, entry.kind, entry.key, entry.at, entry.form & 31


def wanted_by(needs: pytest.ExceptionInfo[Needs]) -> Wanted:
    return needs.value.wanted


# -- what it says by itself ----------------------------------------------------------------------


def test_the_numbers_of_what_is_no_message_are_known(log: Log) -> None:
    assert list(log.others(1, 8)) == [2, 4, 7]
    assert list(log.others(3, 6)) == [4]


def test_kinds_are_known_of_all(log: Log, whole: Log) -> None:
    for seq in range(1, 9):
        assert log.kind(seq) == whole.kind(seq)


def test_marks_say_the_same_wherever_the_entry_is(log: Log, whole: Log) -> None:
    for seq in (2, 4, 7):
        assert said_of(log.mark(seq)) == said_of(whole.mark(seq))
    assert (log.mark(2).body, log.mark(7).body) == (b"", b'{"value":2}')


@pytest.mark.parametrize("kind", [MESSAGE, "record", "switch"])
def test_entries_of_a_kind_are_listed_in_both_directions(log: Log, whole: Log, kind: str) -> None:
    for low in range(1, 10):
        for high in range(9):
            wanted = [seq for seq in range(low, high + 1) if whole.kind(seq) == kind]
            assert list(log.of_kind(kind, low, high)) == wanted
            assert list(log.back_from(kind, low, high)) == wanted[::-1]


@given(st.lists(st.booleans(), max_size=12), NUMBERS, NUMBERS, st.sampled_from([1, 2, 3, 64]))
def test_messages_before_the_tail_are_what_is_between_all_others(
    are_messages: list[bool], low: int, high: int, run: int
) -> None:
    end = len(are_messages)
    numbered = list(enumerate(are_messages, 1))
    marks = [(seq, "record", None, NOON, 0) for seq, is_message in numbered if not is_message]
    log = Log(KINDS, Tail(b"the root", end + 1, b"a chain "), Outline(marks))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runtime.session.log.RUN", run)
        found = list(log.of_kind(MESSAGE, low, high))
        assert found == [seq for seq, is_message in numbered if is_message and low <= seq <= high]
        assert list(log.back_from(MESSAGE, low, high)) == found[::-1]


def test_messages_are_counted_across_what_is_in_memory(log: Log, whole: Log) -> None:
    for low in range(1, 10):
        for high in range(9):
            assert log.count_messages(low, high) == whole.count_messages(low, high)


# -- what it asks for ------------------------------------------------------------------------------


def test_an_entry_that_is_not_in_memory_is_asked_for(log: Log) -> None:
    with pytest.raises(Needs) as needs:
        log.entry(FIRST - 1)
    assert wanted_by(needs) == Wanted(seqs=(FIRST - 1,))
    assert log.entry(FIRST).seq == FIRST


def test_all_that_is_lacking_is_asked_for_at_once(log: Log) -> None:
    with pytest.raises(Needs) as needs:
        log.need([7, 1, 5, 8, 3], room=9)
    assert wanted_by(needs) == Wanted(seqs=[1, 5, 3], room=9)
    log.need([6, 7, 8])


def test_keys_are_asked_for_each_once(log: Log) -> None:
    with pytest.raises(Needs) as needs:
        log.need_keys([(MESSAGE, "a"), (MESSAGE, "x"), (MESSAGE, "a")])
    assert wanted_by(needs) == Wanted(keys=((MESSAGE, "a"), (MESSAGE, "x")))


def test_a_call_may_always_have_begun_before_what_is_in_memory(log: Log) -> None:
    for call in ("first", "second", "unheard of"):
        with pytest.raises(Needs) as needs:
            log.seqs_of_call(call)
        assert wanted_by(needs) == Wanted(calls=(call,))


def test_a_log_that_is_in_memory_asks_for_nothing(whole: Log) -> None:
    whole.need(range(1, 9))
    whole.need_keys([(MESSAGE, "unheard of")])
    assert whole.seqs_of_call("first") == [1]
    assert whole.seqs_of_call("unheard of") == []


# -- what leaves memory ----------------------------------------------------------------------------


def short_of_all() -> tuple[Log, Log]:
    """A log of which nothing has stayed in memory once the store had it, and what it was."""
    before, after = state(), evolve(state(), resident_bytes=0)
    commit(before, MemoryStore())
    commit(after, MemoryStore())
    return before.present().log, after.present().log


def test_marks_of_what_is_cut_are_kept() -> None:
    whole, log = short_of_all()
    assert (log.tail.first, log.last, log.settled) == (9, 8, 8)
    assert list(log.others(1, 8)) == [2, 4, 7]
    for seq in (2, 4, 7):
        assert said_of(log.mark(seq)) == said_of(whole.mark(seq))
    assert log.count_messages(1, 8) == 5


def test_keys_and_calls_of_what_is_cut_are_asked_for() -> None:
    _, log = short_of_all()
    assert log.seqs_of_key(MESSAGE, "e") == []
    with pytest.raises(Needs):
        log.need_keys([(MESSAGE, "e")])
    with pytest.raises(Needs):
        log.seqs_of_call("second")


def test_keys_and_calls_of_what_stays_are_found() -> None:
    long = evolve(state(), resident_bytes=200)
    log = long.present().log
    assert log.seqs_of_key(MESSAGE, "a") == [1]  # as an index is there, too, and must not stay
    commit(long, MemoryStore())
    assert log.tail.first == 6
    log.bring(Wanted(calls=("first", "second")), [])
    assert (log.seqs_of_key(MESSAGE, "a"), log.seqs_of_key(MESSAGE, "e")) == ([], [8])
    assert (log.seqs_of_call("first"), log.seqs_of_call("second")) == ([], [6])


def test_what_the_store_does_not_have_stays() -> None:
    log = evolve(state(), resident_bytes=0).present().log
    log.settle(5, 0)
    assert (log.tail.first, log.settled, log.last) == (6, 5, 8)
    assert [entry.seq for entry in log.fresh] == [6, 7, 8]


def test_what_is_a_little_too_long_is_not_cut_yet() -> None:
    log = state().present().log
    log.tail.settle(8)
    size = log.tail.size
    log.settle(8, size - size // 5)
    assert log.tail.first == 1
    log.settle(8, size - size // 5 - 2)
    assert log.tail.first > 1


def long_log(count: int) -> Log:
    state = absent()
    append_entries(state, [said("x" * 10) for _ in range(count)], at=NOON)
    return state.present().log


def test_what_is_much_is_packed_bit_by_bit_and_in_the_store_at_once() -> None:
    log = long_log(3 * PACKED_AT_ONCE)
    texts = [log.entry(seq).body for seq in range(1, log.last + 1)]
    assert log.settle(log.last - 1, None)
    assert (log.settled, log.tail.settled) == (log.last - 1, PACKED_AT_ONCE)
    assert [entry.seq for entry in log.fresh] == [log.last]
    assert log.settle_more(None)
    assert not log.settle_more(None)
    assert log.tail.settled == log.last - 1
    assert [log.entry(seq).body for seq in range(1, log.last + 1)] == texts


def test_what_is_much_too_long_is_cut_bit_by_bit() -> None:
    log = long_log(3 * CUT_AT_ONCE)
    while log.settle(log.last, None):
        pass
    firsts = [log.tail.first]
    while log.settle_more(1):
        firsts.append(log.tail.first)
    assert firsts == [1, CUT_AT_ONCE + 1, 2 * CUT_AT_ONCE + 1]
    assert log.tail.first == log.last + 1


def test_a_cut_that_has_begun_goes_on_to_what_may_stay() -> None:
    log = long_log(4 * CUT_AT_ONCE)
    while log.settle(log.last, None):
        pass
    may_stay = log.tail.size // 2
    assert log.settle_more(may_stay)
    assert not log.settle_more(None)  # a call is under way: nothing is taken from under it
    while log.settle_more(may_stay):
        pass
    assert may_stay - 200 < log.tail.size <= may_stay


def test_what_is_not_packed_yet_is_not_taken_back() -> None:
    log = long_log(2 * PACKED_AT_ONCE)
    log.settle(log.last, None)
    with pytest.raises(AssertionError, match="what the store has stays"):
        log.take_back(log.last - 1)


def test_others_that_are_not_packed_yet_are_others_all_the_same() -> None:
    state = absent()
    append_entries(state, [put("k", n) for n in range(2 * PACKED_AT_ONCE)], at=NOON)
    log = state.present().log
    log.settle(log.last, None)
    assert list(log.others(1, log.last)) == list(range(1, log.last + 1))


def test_a_body_is_dropped_that_is_not_packed_yet() -> None:
    state = absent()
    append_entries(state, [put("k", n) for n in range(2 * PACKED_AT_ONCE)], at=NOON)
    log = state.present().log
    log.settle(log.last, None)
    log.drop(log.last)
    assert log.entry(log.last).form & DROPPED


# -- what is stored and no log ---------------------------------------------------------------------


def stored() -> StoredSession:
    store = MemoryStore()
    commit(state(), store)
    found = store.load("s", 200)
    assert found is not None
    return found


def test_a_log_that_ends_elsewhere_than_its_header_says_is_refused() -> None:
    found = stored()
    kinds = state().kinds
    assert Log.restored(kinds, found).last == 8
    with pytest.raises(ValueError, match="the log ends at 7, and the header says otherwise"):
        Log.restored(kinds, evolve(found, entries=found.entries[:-1]))
    with pytest.raises(ValueError, match="do not follow on each other"):
        Log.restored(kinds, evolve(found, entries=[found.entries[0], found.entries[-1]]))
