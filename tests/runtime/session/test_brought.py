"""What is brought to a log for one command: all that it lacked, or it is refused; then it goes."""

import pytest
from attrs import evolve

from persistence import MemoryStore
from runtime.session.entries.chain import digest_of, dropped_body
from runtime.session.entries.tail import Needs
from runtime.session.log import Log
from runtime.session.state import SessionState
from runtime.store.entries import DROPPED, MESSAGE, Entry, Row, Wanted
from tests.runtime.session.builders import with_tail_only
from tests.runtime.session.logs import FIRST, state


@pytest.fixture
def session() -> SessionState:
    return state()


@pytest.fixture
def whole(session: SessionState) -> Log:
    return session.present().log


@pytest.fixture
def loaded(session: SessionState) -> tuple[Log, MemoryStore]:
    """The log with its end in memory, and where the rest is."""
    short, store = with_tail_only(session, FIRST)
    return short.present().log, store


@pytest.fixture
def log(loaded: tuple[Log, MemoryStore]) -> Log:
    return loaded[0]


def rows(store: MemoryStore, wanted: Wanted) -> list[Row]:
    return list(store.find(1, wanted))


# -- what is brought -------------------------------------------------------------------------------


def test_what_was_brought_is_here_until_the_command_is_done(
    loaded: tuple[Log, MemoryStore], whole: Log
) -> None:
    log, store = loaded
    log.bring(Wanted(seqs=(1, 2)), rows(store, Wanted(seqs=(1, 2))))
    assert [log.entry(1), log.mark(2)] == [whole.entry(1), whole.entry(2)]
    assert log.chain(2) == whole.chain(2)
    assert (log.is_here(2), log.is_here(3)) == (True, False)
    log.release()
    assert not log.is_here(2)
    with pytest.raises(Needs):
        log.entry(1)


def test_several_things_are_brought_one_after_the_other(loaded: tuple[Log, MemoryStore]) -> None:
    log, store = loaded
    for wanted in (Wanted(seqs=(1,)), Wanted(keys=((MESSAGE, "b"),)), Wanted(calls=("first",))):
        log.bring(wanted, rows(store, wanted))
    log.need([1, 3])
    log.need_keys([(MESSAGE, "b")])
    assert log.seqs_of_key(MESSAGE, "b") == [3]
    assert log.seqs_of_call("first") == [1]


def test_of_what_is_not_there_nothing_is_asked_twice(loaded: tuple[Log, MemoryStore]) -> None:
    log, store = loaded
    wanted = Wanted(keys=((MESSAGE, "x"),), calls=("unheard of",))
    log.bring(wanted, rows(store, wanted))
    log.need_keys([(MESSAGE, "x")])
    assert log.seqs_of_key(MESSAGE, "x") == []
    assert log.seqs_of_call("unheard of") == []


def test_what_did_not_fit_is_not_here_and_not_needed_again(
    loaded: tuple[Log, MemoryStore],
) -> None:
    log, store = loaded
    wanted = Wanted(seqs=[3, 2, 1], room=1)
    log.bring(wanted, rows(store, wanted))
    log.need([3, 2, 1], room=1)
    assert [seq for seq in (3, 2, 1) if log.is_here(seq)] == [3]


@pytest.mark.parametrize(
    ("wanted", "missing"),
    [
        (Wanted(seqs=(1, 2, 3)), 2),
        (Wanted(seqs=[2, 1], room=1_000), 2),
        (Wanted(seqs=range(2, 4), room=1), 2),
    ],
)
def test_an_entry_that_the_store_has_lost_is_named(
    loaded: tuple[Log, MemoryStore], wanted: Wanted, missing: int
) -> None:
    log, store = loaded
    found = [row for row in rows(store, wanted) if row[0] != missing]
    with pytest.raises(ValueError, match=f"entry {missing} is missing"):
        log.bring(wanted, found)


def test_what_is_behind_the_first_may_be_missing_where_there_is_room_for_some_only(
    loaded: tuple[Log, MemoryStore],
) -> None:
    log, store = loaded
    wanted = Wanted(seqs=(1, 2, 3), room=1_000)
    log.bring(wanted, [row for row in rows(store, wanted) if row[0] == 1])
    assert (log.is_here(1), log.is_here(2)) == (True, False)


# -- bodies that are dropped -----------------------------------------------------------------------


def test_a_body_that_the_store_has_yet_to_drop_is_gone_here(
    loaded: tuple[Log, MemoryStore],
) -> None:
    log, store = loaded
    log.drop(2)
    assert log.mark(2).form & DROPPED
    [row] = rows(store, Wanted(seqs=(2,)))
    log.bring(Wanted(seqs=(2,)), [row])
    before = Entry(*row)
    assert log.entry(2) == evolve(before, body=dropped_body(before), form=DROPPED)
    assert digest_of(log.entry(2)) == digest_of(before)


def test_a_body_in_memory_is_dropped_too(log: Log) -> None:
    before = log.entry(7)
    log.drop(7)
    assert log.entry(7) == evolve(before, body=dropped_body(before), form=DROPPED)


def test_a_body_that_was_dropped_stays_so_when_its_entry_is_cut(log: Log) -> None:
    log.drop(7)
    log.settle(8, 0)
    assert log.mark(7).form & DROPPED
