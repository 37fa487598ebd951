"""A log that comes from elsewhere: the same state, once, whole or not at all."""

from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime.errors import CallerError, InvalidInput, LogConflict, PreconditionFailed
from runtime.session.asked.items import Item
from runtime.session.files.arriving import read_log
from runtime.session.files.importing import Imported, import_log
from runtime.session.kinds import approval, compaction, turn, usage
from runtime.session.kinds.settings import create, first_entry, update
from runtime.session.kinds.table import KINDS
from runtime.session.state import Condition, SessionState
from runtime.session.steps import at_once
from runtime.store.stored import NEVER
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import (
    NOON,
    absent,
    asking,
    at,
    back_to,
    commit,
    forked,
    messages,
    picture,
    put,
    reloaded,
    removed,
    said,
    say,
    session_with,
    user,
    with_tail_only,
)
from tests.runtime.session.test_lines import HEADING, file_of, written
from tests.runtime.session.test_lines import said as line

NOW = at(600)


def taken(state: SessionState, text: bytes, **members: Any) -> Imported:
    return at_once(import_log(state, read_log(text), at=NOW, **members))


def imported(text: bytes, session_id: str = "s") -> SessionState:
    """A session that is made of a file."""
    state = absent(session_id)
    taken(state, text)
    return state


def full() -> SessionState:
    """A session with entries of all kinds, and a rewind."""
    state = absent()
    create(state, first_entry(agent="coder", title="T", metadata={"a": None, "b": 1}), [], at=NOON)
    say(state, user("one", "m1"), user("two", 7), when=at(1))
    append_entries(
        state,
        [put("k", 1), put("k", 2), removed("k"), put("k", 3), said("three", "m3"), back_to(3)],
        at=at(2),
        call="call-1",
    )
    append_entries(state, [Item(kind="switch", body={"to": "tester"})], at=at(3))
    turn.take(state, "runner", 60, at=at(4))
    turn.cancel(state, by="ann", at=at(4))
    question = approval.question("a", "Sure?", detail=[1], expires_in=60)
    approval.ask(state, question, at=at(5))
    approval.decide(state, "a", "approved", by="ann", at=at(5), sent=0.0)
    approval.ask(state, approval.question("b", "And now?"), at=at(5))
    usage.report_usage(state, usage.report({"tokens": 5}, model="m"), at=at(6), key="u")
    compaction.compact(state, compaction.compaction(2, user("so far")), at=at(7), key="c")
    update(state, {"title": "U", "archived": True}, at=at(8))
    return state


def same_log(one: SessionState, two: SessionState) -> None:
    """Fails if they are not the same session, their drafts, leases and ids aside."""
    a, b = one.present(), two.present()
    assert [a.entry(seq) for seq in range(1, a.version + 1)] == [
        b.entry(seq) for seq in range(1, b.version + 1)
    ]
    assert {name: fold.view() for name, fold in a.folds.items()} == {
        name: fold.view() for name, fold in b.folds.items()
    }
    assert (a.header(), a.settings(), a.tag, a.copied) == (
        b.header(),
        b.settings(),
        b.tag,
        b.copied,
    )
    assert a.standing.waits_until == b.standing.waits_until


def test_everything_has_an_entry_of_every_kind() -> None:
    """A new kind says what an entry of it may be that arrives, and is added to `full`."""
    life = full().present()
    assert {life.kind(seq) for seq in range(1, life.version + 1)} == set(KINDS)


def test_a_session_with_everything_is_the_same_elsewhere_and_after_a_restart() -> None:
    state = full()
    there = imported(file_of(state), "t")
    same_log(state, there)
    assert file_of(there) == file_of(state).replace(b'"session_id":"s"', b'"session_id":"t"', 1)
    same_log(state, reloaded(there, MemoryStore()))


def test_a_fork_is_the_same_elsewhere_its_sources_approvals_left_behind() -> None:
    fork = forked(full(), title="Fork")
    there = imported(file_of(fork), "t")
    same_log(fork, there)
    assert there.present().standing.waits_until == 0
    same_log(fork, reloaded(there, MemoryStore()))


def test_a_turn_does_not_come_along_and_its_number_is_not_given_again() -> None:
    there = imported(file_of(full()))
    life = there.present()
    assert life.standing.lease is None
    number = turn.turns_of(life).number
    assert turn.take(there, "other", 60, at=NOON).number > number


def test_what_waits_is_waited_for_there_too() -> None:
    assert imported(file_of(full())).present().standing.waits_until == NEVER


def test_a_file_has_one_effect() -> None:
    text = file_of(full())
    state = absent()
    first, again = taken(state, text), taken(state, text)
    assert (first.began, first.applied, again.began, again.applied) == (
        True,
        first.version,
        False,
        0,
    )
    assert again.version == first.version


def test_a_longer_file_brings_the_rest() -> None:
    state = session_with("one", "two")
    there = imported(file_of(state))
    say(state, user("three", "three"), when=at(3))
    done = taken(there, file_of(state))
    assert (done.began, done.applied) == (False, 1)
    same_log(state, there)


def test_an_older_file_of_the_same_log_has_no_effect() -> None:
    state = session_with("one", "two")
    text = file_of(state)
    say(state, user("three"))
    assert taken(state, text).applied == 0


def test_another_log_is_refused_and_changes_nothing() -> None:
    state = session_with("one", "two")
    before = picture(state)
    with pytest.raises(LogConflict, match="another one: import this one under another id"):
        taken(state, file_of(session_with("one", "two")))
    assert picture(state) == before


def test_a_log_that_went_on_otherwise_is_refused() -> None:
    state = session_with("one")
    there = imported(file_of(state))
    say(state, user("two"))
    say(there, user("deux"))
    with pytest.raises(LogConflict, match="another one"):
        taken(there, file_of(state))


def part(state: SessionState, after: int, through: int) -> bytes:
    """Some of a session's lines, with a first line that says which."""
    life = state.present()
    first = {
        **HEADING,
        "root": life.log.root.hex(),
        "after": f"{after}-{life.chain(after).hex()}",
        "through": f"{through}-{life.chain(through).hex()}",
    }
    lines = file_of(state).splitlines(keepends=True)
    return written(first) + b"".join(lines[after + 1 : through + 1])


def test_parts_that_are_out_of_order_are_refused() -> None:
    state = session_with("one", "two", "three", "four")
    there = absent()
    with pytest.raises(LogConflict, match="There is no session s, and this begins behind entry 2"):
        taken(there, part(state, 2, 4))
    taken(there, part(state, 0, 1))
    with pytest.raises(LogConflict, match="ends at entry 1, and this begins behind entry 2"):
        taken(there, part(state, 2, 4))


@settings(deadline=None)
@given(cuts=st.lists(st.integers(1, 25), max_size=4), is_fork=st.booleans())
def test_parts_are_the_whole_however_it_is_cut(cuts: list[int], is_fork: bool) -> None:
    state = forked(full()) if is_fork else full()
    last = state.present().version
    there, places = absent(state.session_id), sorted({0, *(min(c, last) for c in cuts), last})
    for low, high in pairwise(places):
        taken(there, part(state, low, high))
    life = there.present()
    assert life.tag == state.present().tag
    assert life.folds["approval"].view() == state.present().folds["approval"].view()
    assert life.copied == state.present().copied
    assert life.header().message_count == state.present().header().message_count
    assert life.settings() == state.present().settings()


few_keys = st.sampled_from(["a", "b", "c"])
steps = st.one_of(
    st.tuples(st.just("say"), messages()),
    st.tuples(st.just("said"), few_keys),
    st.tuples(st.just("put"), few_keys),
    st.tuples(st.just("remove"), few_keys),
    st.tuples(st.just("rewind"), st.integers(0, 12)),
    st.tuples(st.just("switch"), few_keys),
    st.tuples(st.just("ask"), few_keys),
    st.tuples(st.just("decide"), few_keys),
    st.tuples(st.just("settings"), few_keys),
    st.tuples(st.just("fork"), st.none()),
)


def played(plan: list[tuple[str, Any]]) -> SessionState:
    """A session in which all of that was done, as far as it can be."""
    state = session_with("first")
    for minute, (what, how) in enumerate(plan, 1):
        when = at(minute)
        with suppress(CallerError):
            match what:
                case "say":
                    say(state, how, when=when)
                case "said":
                    append_entries(state, [said(how, how)], at=when)
                case "put":
                    append_entries(state, [put(how, minute)], at=when, call=f"call-{minute}")
                case "remove":
                    append_entries(state, [removed(how)], at=when)
                case "rewind":
                    append_entries(state, [back_to(how)], at=when)
                case "switch":
                    append_entries(state, [Item(kind="switch", body={"to": how})], at=when)
                case "ask":
                    approval.ask(state, approval.question(how, "?"), at=when)
                case "decide":
                    approval.decide(state, how, "denied", at=when, sent=0.0)
                case "settings":
                    update(state, {"title": how, "metadata": {how: minute}}, at=when)
                case "fork":
                    state = forked(imported(file_of(state), "source"))
    return state


@settings(deadline=None)
@given(plan=st.lists(steps, max_size=15), cut=st.integers(1, 16))
def test_whatever_was_done_is_the_same_elsewhere_at_once_or_in_two_parts(
    plan: list[tuple[str, Any]], cut: int
) -> None:
    state = played(plan)
    there = imported(file_of(state), "t")
    same_log(state, there)
    same_log(state, reloaded(there, MemoryStore()))
    last = state.present().version
    if cut < last:
        parted = absent("t")
        taken(parted, part(state, 0, cut))
        taken(parted, part(state, cut, last))
        assert parted.present().tag == state.present().tag
        assert parted.present().settings() == state.present().settings()
        assert parted.present().standing == there.present().standing


@pytest.mark.parametrize("first", [2, 10, 19])
def test_a_session_that_is_mostly_in_the_store_goes_on_as_well(first: int) -> None:
    state = full()
    text = file_of(state)
    say(state, user("later", "later"), when=at(20))
    approval.decide(state, "b", "denied", at=at(21), sent=0.0)
    append_entries(state, [back_to(4)], at=at(22))
    there, store = with_tail_only(imported(text), first)
    done = asking(there, store, lambda found: taken(found, file_of(state)))
    assert done.applied == 3
    commit(there, store)
    same_log(state, reloaded(there, store))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([line(1, key="a"), line(2, key="a")], r"line 3: key: message 'a' is there already"),
        ([line(1, at="2099-01-01T00:00:00Z")], r"line 2: at: .* lies ahead"),
        ([line(1), {**line(2), "kind": "rewind", "body": {"to": 2}}], r"line 3: to:"),
        (
            [line(1), {**line(2), "kind": "decision", "key": "a", "body": {"decision": "denied"}}],
            r"line 3: decision: nobody has asked for 'a'",
        ),
        (
            [
                line(1),
                {
                    **line(2),
                    "kind": "compaction",
                    "body": {"through": 2, "summary": {"role": "user", "content": "c"}},
                },
            ],
            r"line 3: through:",
        ),
        (
            [
                line(1),
                {
                    **line(2),
                    "kind": "settings",
                    "body": {"forked_from": {"session_id": "o", "at": 2}},
                },
            ],
            r"line 3: settings: forked_from\.at",
        ),
        (
            [{**line(1), "kind": "settings", "body": {"metadata": {"a": "x" * 70_000}}}],
            "metadata: .* the limit is 65536",
        ),
    ],
)
def test_what_cannot_follow_is_refused_and_changes_nothing(lines: list[Any], problem: str) -> None:
    state = absent()
    with pytest.raises(InvalidInput, match=problem):
        taken(state, written(HEADING, *lines))
    assert state.life is None
    assert state.mark == 0


def test_a_key_is_free_again_where_a_rewind_freed_it() -> None:
    rewind = {**line(2), "kind": "rewind", "body": {"to": 0}}
    state = imported(written(HEADING, line(1, key="a"), rewind, line(3, "y", key="a")))
    assert state.present().seq_of("message", "a") == 3


def test_a_refused_rest_takes_back_what_it_had_appended() -> None:
    state = imported(file_of(full()))
    before = picture(state)
    life = state.present()
    first = {**HEADING, "root": life.log.root.hex(), "after": life.tag}
    version = life.version
    fork = {"forked_from": {"session_id": "o", "at": version}}
    rest = [
        {**line(version + 1), "kind": "settings", "body": fork},
        line(version + 2, key="new"),
        line(version + 3, key="new"),
    ]
    with pytest.raises(CallerError, match="is there already"):
        taken(state, written(first, *rest))
    assert picture(state) == before
    assert state.present().copied == 0


def test_records_whose_bodies_are_gone_stay_gone_and_set_the_floor() -> None:
    digest = "ab" * 16
    state = imported(
        written(
            HEADING,
            {"seq": 1, "kind": "record", "key": "k", "at": NOON, "body": {"dropped": digest}},
            {"seq": 2, "kind": "record", "key": "k", "at": NOON, "body": {"value": 1}},
        )
    )
    life = state.present()
    assert life.floor == 1
    assert b'"body":{"dropped":"%b"}' % digest.encode() in file_of(state)
    same_log(state, imported(file_of(state)))


def test_it_is_as_old_as_its_file_says() -> None:
    heading = {**HEADING, "created_at": at(-0), "last_activity": at(9)}
    life = imported(written(heading, line(1, at=at(5)))).present()
    assert (life.created_at, life.last_activity) == (at(0), at(9))
    life = imported(written(HEADING, line(1, at=at(5)), line(2, at=at(6)))).present()
    assert (life.created_at, life.last_activity) == (at(5), at(6))


def test_a_condition_is_looked_at_behind_repeats() -> None:
    state = session_with("one")
    text = file_of(state)
    there = absent()
    with pytest.raises(PreconditionFailed):
        taken(there, text, condition=Condition(tags=frozenset({"*"})))
    taken(there, text, condition=Condition(absent=True))
    assert taken(there, text, condition=Condition(absent=True)).applied == 0
    say(state, user("two"))
    with pytest.raises(PreconditionFailed):
        taken(there, file_of(state), condition=Condition(absent=True))


def test_a_call_is_known_by_its_id_there_too() -> None:
    state = absent()
    items = [said("one"), put("k", 1)]
    append_entries(state, items, at=NOON, call="c")
    there = imported(file_of(state))
    assert append_entries(there, items, at=NOON, call="c").repeated


def test_what_others_see_between_two_steps_is_nothing() -> None:
    text = written(HEADING, *(line(seq) for seq in range(1, 1_002)))
    state = absent()
    steps = import_log(state, read_log(text), at=NOW)
    next(steps)
    assert state.life is None
    steps.close()
    assert (state.life, state.mark) == (None, 0)


def test_the_store_has_it_as_it_came(tmp_path: Any) -> None:
    store = MemoryStore()
    there = imported(file_of(full()))
    commit(there, store)
    stored = store.load("s")
    assert stored is not None
    assert (stored.root, stored.header) == (
        there.present().log.root,
        evolve(there.present().header()),
    )
