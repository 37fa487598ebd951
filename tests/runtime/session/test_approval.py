"""Approvals: asked under an id, answered once, expired by the clock."""

from typing import Any

import msgspec
import pytest

from persistence import MemoryStore
from runtime.clock import milliseconds
from runtime.errors import (
    ApprovalNotFound,
    ApprovalSettled,
    InvalidInput,
    KeyConflict,
    PreconditionFailed,
    SessionNotFound,
)
from runtime.session.asked.fork import fork_of
from runtime.session.asked.items import Item, items_from_json, items_from_python
from runtime.session.asked.reading import Part, log_page
from runtime.session.kinds import approval
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.settings import summary
from runtime.session.kinds.table import KINDS
from runtime.session.kinds.turn import take
from runtime.session.replies import Approval
from runtime.session.state import ANY, Condition, SessionState
from runtime.store.deltas import Delta
from runtime.store.stored import NEVER
from tests.runtime.fakes import from_entry
from tests.runtime.session.builders import (
    MOMENT,
    NOON,
    absent,
    at,
    commit,
    reloaded,
    restored,
    say,
    session_with,
    texts,
    user,
    with_tail_only,
)
from tests.test_model import Side

STALE = Condition(tags=frozenset(["1-0000000000000000"]))


def ask(
    state: SessionState,
    approval_id: str = "a",
    title: str = "Delete?",
    *,
    when: str = NOON,
    condition: Condition = ANY,
    **more: Any,
) -> Approval:
    new = approval.question(approval_id, title, **more)
    return approval.ask(state, new, at=when, condition=condition)


def decide(
    state: SessionState, approval_id: str = "a", decision: Any = "approved", **more: Any
) -> Approval:
    return approval.decide(state, approval_id, decision, **{"at": NOON, "sent": state.now, **more})


def states(state: SessionState, when: str = NOON, **asked: Any) -> dict[str, str]:
    page = approval.page(state, at=when, **asked)
    return {one.id: one.state for one in page.approvals}


def waits_until(state: SessionState) -> int:
    return state.present().standing.waits_until


def test_what_is_asked_is_pending() -> None:
    state = session_with("m")
    found = ask(state, title="Run it?", detail={"command": "make"}, expires_in=60)
    assert (found.id, found.title, found.state) == ("a", "Run it?", "pending")
    assert (found.asked_at, found.expires_at, found.seq) == (NOON, at(1), 2)
    assert found.detail == b'{"command":"make"}'
    assert (found.by, found.note, found.decided_at, found.repeated) == (None, None, None, False)
    assert approval.one(state, "a", at=NOON) == found


def test_asked_again_it_has_no_effect() -> None:
    state = session_with("m")
    ask(state, detail=[1], expires_in=60)
    mark = state.mark
    again = ask(state, detail=[1], expires_in=60.0, when=at(9), condition=STALE)
    assert (again.repeated, again.asked_at, again.seq, state.mark) == (True, NOON, 2, mark)


@pytest.mark.parametrize("other", [{"title": "x"}, {"detail": 2}, {"expires_in": 61}])
def test_another_question_under_its_id_is_refused(other: Any) -> None:
    state = session_with("m")
    ask(state, detail=1, expires_in=60)
    with pytest.raises(KeyConflict, match="as entry 2"):
        ask(state, **{"detail": 1, "expires_in": 60, **other})


def test_it_is_answered_once() -> None:
    state = session_with("m")
    ask(state)
    found = decide(state, by="ann", note="fine", at=at(1))
    assert (found.state, found.by, found.note, found.decided_at) == (
        "approved",
        "ann",
        "fine",
        at(1),
    )
    mark = state.mark
    again = decide(state, by="bob", at=at(2), condition=STALE)
    assert (again.repeated, again.by, again.decided_at) == (True, "ann", at(1))
    with pytest.raises(ApprovalSettled, match=f"was approved already by 'ann', at {at(1)}"):
        decide(state, decision="denied", at=at(2))
    assert state.mark == mark


def test_what_was_asked_can_be_asked_again_when_it_is_answered() -> None:
    state = session_with("m")
    ask(state)
    decide(state, decision="denied")
    again = ask(state)
    assert (again.state, again.repeated) == ("denied", True)


def test_it_expires_by_the_clock_and_no_answer_is_taken_then() -> None:
    state = session_with("m")
    ask(state, expires_in=60)
    mark = state.mark
    assert approval.one(state, "a", at="2025-12-31T12:00:59.999Z").state == "pending"
    assert approval.one(state, "a", at=at(1)).state == "expired"
    with pytest.raises(ApprovalSettled, match=f"has expired, at {at(1)}"):
        decide(state, at=at(1))
    assert state.mark == mark


def test_an_answer_in_time_stays_an_answer() -> None:
    state = session_with("m")
    ask(state, expires_in=60)
    decide(state)
    assert approval.one(state, "a", at=at(2)).state == "approved"
    assert decide(state, at=at(2)).repeated


def test_what_nobody_asked_is_not_answered() -> None:
    for call in (decide, lambda state: approval.one(state, "a", at=NOON)):
        with pytest.raises(ApprovalNotFound):
            call(session_with("m"))


def test_an_absent_session_has_no_approvals() -> None:
    for call in (
        ask,
        decide,
        lambda state: approval.one(state, "a", at=NOON),
        lambda state: approval.page(state, at=NOON),
    ):
        with pytest.raises(SessionNotFound):
            call(absent())


@pytest.mark.parametrize("call", [ask, decide])
def test_both_are_writes_that_expect_a_state_and_a_turn(call: Any) -> None:
    state = session_with("m")
    if call is decide:
        ask(state)
    for condition in (STALE, Condition(turn=7)):
        mark = state.mark
        with pytest.raises(PreconditionFailed):
            call(state, condition=condition)
        assert state.mark == mark
    number = take(state, "one", 60, at=NOON).number
    call(state, condition=Condition(turn=number))


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * 513},
        {"title": 5},
        {"detail": "x" * 70_000},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": 1e9},
        {"expires_in": float("nan")},
        {"expires_in": True},
        {"expires_in": "60"},
        {"approval_id": ""},
        {"approval_id": "x" * 257},
    ],
)
def test_a_question_that_breaks_the_rules_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput):
        approval.question(**{"approval_id": "a", "title": "t", **wrong})


def test_how_long_it_may_wait_is_said_in_plain_digits() -> None:
    with pytest.raises(InvalidInput, match=r"from 0\.001 to 31622400$"):
        approval.question("a", "t", expires_in=1e9)


@pytest.mark.parametrize(
    "wrong", [{"decision": "maybe"}, {"decision": "pending"}, {"by": ""}, {"note": "x" * 5_000}]
)
def test_an_answer_that_breaks_the_rules_is_refused(wrong: Any) -> None:
    state = session_with("m")
    ask(state)
    with pytest.raises(InvalidInput):
        decide(state, **wrong)


@pytest.mark.parametrize(
    ("kind", "path"), [("approval", "/approvals "), ("decision", "/approvals/…/decision")]
)
def test_entries_of_approvals_come_through_their_own_calls_only(kind: str, path: str) -> None:
    body = {"title": "t"}
    with pytest.raises(InvalidInput, match=f"entry 1: kind: .*POST …{path}"):
        items_from_python([Item(kind=kind, body=body, key="a")])
    with pytest.raises(InvalidInput, match=f"entry 1: kind: .*POST …{path}"):
        items_from_json([(kind, "a", msgspec.json.encode(body))])


def five(state: SessionState) -> SessionState:
    """Two that are pending, one that expires, one of each answer."""
    ask(state, "p1")
    ask(state, "yes")
    ask(state, "late", expires_in=60)
    ask(state, "no")
    ask(state, "p2", expires_in=7_200)
    decide(state, "yes")
    decide(state, "no", "denied")
    return state


FIVE = {"p1": "pending", "yes": "approved", "late": "expired", "no": "denied", "p2": "pending"}


@pytest.mark.parametrize("wanted", [None, "pending", "approved", "denied", "expired"])
def test_they_are_listed_in_the_order_in_which_they_were_asked(wanted: Any) -> None:
    found = states(five(session_with("m")), at(60), wanted=wanted)
    expected = {key: state for key, state in FIVE.items() if wanted in (None, state)}
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize("wanted", [None, "pending", "approved", "expired"])
@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("in_memory", [True, False])
def test_pages_have_each_of_them_once(wanted: Any, limit: int, in_memory: bool) -> None:
    state = five(session_with("m"))
    store = None
    if not in_memory:
        state, store = with_tail_only(state, state.version + 1)
    whole = states_of(state, store, wanted=wanted, limit=100)
    seen: list[str] = []
    after = 0
    while True:
        page = looked_up(state, store, wanted=wanted, limit=limit, after=after)
        assert len(page.approvals) <= limit
        seen += [one.id for one in page.approvals]
        if page.next is None:
            break
        after = page.next
    assert seen == whole


def looked_up(state: SessionState, store: MemoryStore | None, **asked: Any) -> Any:
    if store is None:
        return approval.page(state, at=at(60), **asked)
    return Side(store).ask(state, lambda state: approval.page(state, at=at(60), **asked))


def states_of(state: SessionState, store: MemoryStore | None, **asked: Any) -> list[str]:
    return [one.id for one in looked_up(state, store, **asked).approvals]


def test_a_page_of_few_of_many_is_short_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval, "LOOKED_AT", 3)
    state = session_with("m")
    for n in range(7):
        ask(state, f"a{n}", expires_in=60 if n < 6 else 7_200)
    page = approval.page(state, at=at(60), wanted="pending")
    assert (page.approvals, page.next) == ([], 4)


def test_a_rewind_touches_neither_question_nor_answer() -> None:
    state = five(session_with("m", "n"))
    rewind(state, 1, at=NOON)
    assert states(state, at(60)) == FIVE
    with pytest.raises(KeyConflict):
        ask(state, "p1", "another")
    decide(state, "p1")
    rewind(state, state.version - 2, at=NOON)
    assert states(state, at(60))["p1"] == "approved"


def test_they_are_there_after_a_restart() -> None:
    state = five(session_with("m"))
    again = reloaded(state, MemoryStore())
    assert states(again, at(60)) == FIVE
    decide(again, "p1", by="bob")
    assert approval.one(reloaded(again), "p1", at=NOON).by == "bob"


def test_of_a_long_session_they_are_looked_up() -> None:
    state = five(session_with("m"))
    say(state, user("n"))
    again, store = with_tail_only(state, state.version)
    side = Side(store)
    assert side.ask(again, lambda state: decide(state, "p1", by="bob")).by == "bob"
    assert side.ask(again, lambda state: decide(state, "p1")).repeated
    assert side.ask(again, lambda state: ask(state, "p2", expires_in=7_200)).repeated
    assert waits_until(again) == milliseconds(at(120))
    with pytest.raises(ApprovalSettled):
        side.ask(again, lambda state: decide(state, "yes", "denied"))


def forked(state: SessionState, store: MemoryStore | None = None, name: str = "f") -> SessionState:
    store = store or MemoryStore()
    commit(state, store)
    step = fork_of(state, version=None, patch={}, at=at(60))
    assert not store.commit([Delta(session_id=name, mark=1, steps=[step])]).rejected
    return SessionState.restored(name, KINDS, store.load(name), MOMENT)


def test_a_fork_has_none_of_its_sources_and_their_ids_are_free_there() -> None:
    state = five(session_with("m"))
    fork = forked(state)
    assert states(fork) == {}
    assert waits_until(fork) == 0
    with pytest.raises(ApprovalNotFound):
        decide(fork, "p1")
    ask(fork, "p1", "another question")
    assert states(fork) == {"p1": "pending"}
    assert texts(fork) == ["m"]


def test_nor_has_a_fork_of_a_fork_nor_one_that_was_rewound_or_is_long() -> None:
    store = MemoryStore()
    fork = forked(five(session_with("m", "n")), store)
    ask(fork, "of-the-fork")
    rewind(fork, 1, at=NOON)
    assert states(fork) == {"of-the-fork": "pending"}
    say(fork, user("o"))
    second = forked(fork, store, "g")
    assert states(second) == {}
    ask(second, "mine")
    say(second, user("p"))
    commit(second, store)
    stored = store.load("g")
    assert stored is not None
    long = restored("g", from_entry(stored, second.version), store)
    side = Side(store)
    side.ask(long, lambda state: rewind(state, 1, at=NOON))
    assert side.ask(long, states) == {"mine": "pending"}
    assert states(reloaded(fork, store)) == {"of-the-fork": "pending"}


def test_what_counts_of_a_forks_log_is_what_was_asked_there() -> None:
    fork = forked(five(session_with("m")))
    ask(fork, "mine")
    page = log_page(fork, Part(counting=True))
    assert [(e.kind, e.key) for e in page.entries] == [
        ("message", "m"),
        ("settings", None),
        ("approval", "mine"),
    ]
    assert len(log_page(fork, Part()).entries) == fork.version


def test_a_session_made_anew_has_none() -> None:
    state = five(session_with("m"))
    state.delete(at=NOON)
    say(state, user("n"))
    assert (states(state), waits_until(state)) == ({}, 0)


# -- until when a session waits --------------------------------------------------------------------


def test_a_session_waits_until_the_last_of_what_is_not_answered_expires() -> None:
    state = session_with("m")
    seen = []
    ask(state, "short", expires_in=60)
    seen.append(waits_until(state))
    ask(state, "ever")
    seen.append(waits_until(state))
    ask(state, "long", expires_in=120)
    seen.append(waits_until(state))
    decide(state, "short")
    seen.append(waits_until(state))
    decide(state, "ever")
    seen.append(waits_until(state))
    decide(state, "long", at=at(1))
    seen.append(waits_until(state))
    one, two = milliseconds(at(1)), milliseconds(at(2))
    assert seen == [one, NEVER, NEVER, NEVER, two, 0]


def test_the_store_finds_the_sessions_that_wait() -> None:
    state, store = session_with("m"), MemoryStore()
    ask(state, expires_in=60)
    commit(state, store)
    now = milliseconds(NOON)
    assert [name for _, name in store.waiting(now, 9).sessions] == ["s"]
    assert not store.waiting(now + 60_000, 9).sessions
    decide(state)
    commit(state, store)
    assert not store.waiting(now, 9).sessions


def test_the_header_says_whether_somebody_is_waited_for() -> None:
    state = session_with("m")
    ask(state, "ever")
    waiting = summary(state, at(60))
    take(state, "one", 60, at=NOON)
    running = summary(state, at(60))
    state.now = 60.0
    ask(state, "short", expires_in=60)
    decide(state, "ever")
    later = [summary(state, moment) for moment in (NOON, at(1))]
    decide(state, "short")
    idle = summary(state, NOON)
    found = [waiting, running, *later, idle]
    assert [one.activity for one in found] == ["waiting", "running", "waiting", "idle", "idle"]
    assert [one.is_passing for one in found] == [False, True, True, True, True]
