"""Deltas, messages that take a draft's place, and what the store is brought of it."""

from math import inf
from typing import Any

import pytest
from attrs import evolve

from persistence import MemoryStore
from runtime.errors import (
    CallerError,
    DraftConflict,
    InvalidInput,
    PreconditionFailed,
    SessionNotFound,
    WrongOffset,
)
from runtime.session.asked import calls, drafting
from runtime.session.asked.drafting import Drafted
from runtime.session.drafts.draft import (
    MAX_DELTA,
    MAX_DRAFT,
    MAX_DRAFTS,
    MAX_PART,
    MAX_PARTS,
    SILENCE,
)
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.table import KINDS
from runtime.session.state import Condition, SessionState
from runtime.session.steps import at_once
from runtime.store.deltas import Delta
from runtime.store.steps import Change
from runtime.store.stored import DraftChunk
from tests.runtime.session.builders import (
    MOMENT,
    NOON,
    absent,
    asking,
    at,
    back_to,
    commit,
    put,
    reloaded,
    said,
    say,
    session_with,
    user,
    with_tail_only,
)


def delta(state: SessionState, key: str, text: str, when: str = NOON, **more: Any) -> Drafted:
    return drafting.append(state, drafting.new_text(key, text, **more), at=when)


def drafts(state: SessionState) -> dict[str, dict[str, str]]:
    return {view.message_id: view.parts for view in drafting.drafts_of(state)}


def interrupted(state: SessionState) -> list[str]:
    return [view.message_id for view in drafting.drafts_of(state) if view.interrupted]


def only(state: SessionState) -> Change:
    [change] = state.delta().steps
    assert isinstance(change, Change)
    return change


def chunk(key: str, offset: int, body: str, role: str = "assistant") -> DraftChunk:
    return DraftChunk(key=key, offset=offset, role=role, at=NOON, body=body.encode())


def stored_drafts(store: MemoryStore) -> list[DraftChunk]:
    stored = store.load("s")
    assert stored is not None
    return list(stored.drafts)


# -- deltas ------------------------------------------------------------------------------------


def test_deltas_add_to_the_parts_of_a_draft() -> None:
    state = session_with("hello")
    first = delta(state, "m", "Let me")
    assert (first.offset, first.is_new) == (6, True)
    assert delta(state, "m", "see", part="reasoning").offset == 9
    last = delta(state, "m", " think")
    assert (last.offset, last.is_new) == (15, False)
    assert drafts(state) == {"m": {"content": "Let me think", "reasoning": "see"}}


def test_a_draft_is_no_entry() -> None:
    state = session_with("hello")
    before = state.tag
    delta(state, "m", "x")
    assert (state.tag, state.version, state.present().message_count) == (before, 1, 1)


def test_a_draft_is_an_assistants_unless_it_says_otherwise() -> None:
    state = session_with("hello")
    delta(state, "a", "x")
    delta(state, "b", "x", role="model")
    assert [view.role for view in drafting.drafts_of(state)] == ["assistant", "model"]


def test_an_offset_counts_characters_of_all_parts() -> None:
    state = session_with("hello")
    delta(state, "m", "🤔é", offset=0)
    delta(state, "m", "x", part="other", offset=2)
    assert delta(state, "m", "y", offset=3).offset == 4


@pytest.mark.parametrize("offset", [0, 2, 4, 2**80])
def test_a_delta_at_a_wrong_offset_adds_nothing_and_is_told_the_right_one(offset: int) -> None:
    state = session_with("hello")
    delta(state, "m", "abc")
    mark = state.mark
    with pytest.raises(WrongOffset, match="has 3 characters") as caught:
        delta(state, "m", "d", offset=offset)
    assert caught.value.offset == 3
    assert (drafts(state), state.mark) == ({"m": {"content": "abc"}}, mark)


def test_a_delta_that_goes_on_with_a_draft_that_there_is_not_is_told_to_begin() -> None:
    state = session_with("hello")
    with pytest.raises(WrongOffset) as caught:
        delta(state, "m", "d", offset=3)
    assert (caught.value.offset, drafts(state)) == (0, {})


def test_a_draft_can_begin_without_a_character() -> None:
    state = session_with("hello")
    assert delta(state, "m", "").is_new
    commit(state, store := MemoryStore())
    assert stored_drafts(store) == [chunk("m", 0, "[]")]


def test_an_empty_delta_brings_the_store_nothing() -> None:
    state = session_with("hello")
    delta(state, "m", "x")
    commit(state, MemoryStore())
    delta(state, "m", "")
    assert state.durable_mark == state.mark


@pytest.mark.parametrize(
    ("sent", "kept", "replaced"),
    [
        ("\ud83d", "\ufffd", 1),
        ("\ude00 ok", "\ufffd ok", 1),
        ("\ud83d\ude00", "\ufffd\ufffd", 2),
        ("a\0b", "a\0b", 0),
    ],
)
def test_what_is_no_character_is_replaced_and_what_is_one_stays(
    sent: str, kept: str, replaced: int
) -> None:
    state = session_with("hello")
    found = delta(state, "m", sent)
    assert (found.offset, found.replaced) == (len(sent), replaced)
    assert drafts(reloaded(state, MemoryStore())) == {"m": {"content": kept}}


def test_halves_of_a_character_in_two_deltas_are_each_replaced() -> None:
    state = session_with("hello")
    delta(state, "m", "\ud83d")
    assert delta(state, "m", "\ude00", offset=1).offset == 2
    assert drafts(state) == {"m": {"content": "\ufffd\ufffd"}}


def test_there_is_no_draft_without_a_session() -> None:
    with pytest.raises(SessionNotFound):
        delta(absent(), "m", "x")


def test_a_delta_of_a_turn_that_does_not_hold_is_refused() -> None:
    state = session_with("hello")
    with pytest.raises(PreconditionFailed):
        drafting.append(state, drafting.new_text("m", "x"), at=NOON, condition=Condition(turn=7))
    with pytest.raises(PreconditionFailed):
        drafting.drop(state, "m", condition=Condition(turn=7))


# -- limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"message_id": ""}, "message_id: must be text of 1 to 256"),
        ({"message_id": "x" * 257}, "message_id: must be text of 1 to 256"),
        ({"message_id": "\ud800"}, "message_id: has a lone surrogate"),
        ({"part": ""}, "part: must be text of 1 to 256"),
        ({"part": "x" * (MAX_PART + 1)}, "part: must be text of 1 to 256"),
        ({"part": "a\nb"}, "none a control character"),
        ({"part": "\ud800"}, "part: has a lone surrogate"),
        ({"role": ""}, "role: must have 1 to 64"),
        ({"role": "x" * 65}, "role: must have 1 to 64"),
        ({"text": 5}, "append: must be text"),
        ({"text": "x" * (MAX_DELTA + 1)}, f"the limit is {MAX_DELTA}"),
        ({"offset": -1}, "offset: must be 0 or more"),
        ({"offset": True}, "offset: must be 0 or more"),
        ({"offset": 1.0}, "offset: must be 0 or more"),
    ],
)
def test_a_delta_that_cannot_be_is_refused(wrong: dict[str, Any], problem: str) -> None:
    asked = {"message_id": "m", "text": "x", **wrong}
    with pytest.raises(InvalidInput, match=problem):
        drafting.new_text(**asked)


def test_a_draft_has_so_many_characters_and_no_more() -> None:
    state = session_with("hello")
    for _ in range(MAX_DRAFT // MAX_DELTA):
        delta(state, "m", "x" * MAX_DELTA)
    mark = state.mark
    with pytest.raises(InvalidInput, match=f"the limit is {MAX_DRAFT}"):
        delta(state, "m", "y")
    assert (delta(state, "m", "").offset, state.mark) == (MAX_DRAFT, mark)


def test_a_draft_has_so_many_parts_and_no_more() -> None:
    state = session_with("hello")
    for number in range(MAX_PARTS):
        delta(state, "m", "x", part=f"p{number}")
    mark = state.mark
    with pytest.raises(InvalidInput, match=f"has {MAX_PARTS} parts, and that is the limit"):
        delta(state, "m", "x", part="one more")
    assert delta(state, "m", "", part="one more").offset == MAX_PARTS
    assert (delta(state, "m", "x", part="p0").offset, state.mark) == (MAX_PARTS + 1, mark + 1)


def test_a_session_has_so_many_drafts_and_no_more() -> None:
    state = session_with("hello")
    for number in range(MAX_DRAFTS):
        delta(state, f"m{number}", "x")
    with pytest.raises(InvalidInput, match=f"the limit is {MAX_DRAFTS}.*the oldest, 'm0'"):
        delta(state, "more", "x")
    drafting.drop(state, "m3")
    delta(state, "more", "x")


def test_a_drafts_role_stays_what_it_is() -> None:
    state = session_with("hello")
    delta(state, "m", "x", role="model")
    delta(state, "m", "y", role="model")
    with pytest.raises(DraftConflict, match="has the role 'model'"):
        delta(state, "m", "z", role="assistant")


def test_a_role_that_is_no_text_for_a_database_becomes_one() -> None:
    state = session_with("hello")
    delta(state, "m", "x", role="\ud800\0")
    [view] = drafting.drafts_of(reloaded(state, MemoryStore()))
    assert view.role == "\ufffd\0"


# -- the message takes its place ---------------------------------------------------------------


@pytest.mark.parametrize("key", ["m", 7])
def test_the_message_with_its_id_takes_its_place_in_one_step(key: str | int) -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, str(key), "half an ans")
    delta(state, "other", "x")
    commit(state, store)
    say(state, user("the answer", key))
    assert drafts(state) == {"other": {"content": "x"}}
    change = only(state)
    assert ([entry.key for entry in change.entries], change.drafts_gone) == ([str(key)], [str(key)])
    commit(state, store)
    assert [found.key for found in stored_drafts(store)] == ["other"]


def test_an_entry_with_its_key_does_so_too() -> None:
    state = session_with("hello")
    delta(state, "m", "half")
    at_once(calls.append_entries(state, [said("whole", "m")], at=NOON))
    assert drafts(state) == {}


def test_a_record_with_its_key_does_not() -> None:
    state = session_with("hello")
    delta(state, "m", "half")
    at_once(calls.append_entries(state, [put("m", 1)], at=NOON))
    assert drafts(state) == {"m": {"content": "half"}}


def test_what_the_store_never_heard_of_need_not_leave_it() -> None:
    state = session_with("hello")
    commit(state, MemoryStore())
    delta(state, "m", "half")
    say(state, user("whole", "m"))
    assert (only(state).drafts_gone, only(state).drafts) == ((), ())


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_call_that_is_refused_half_way_ends_no_draft(is_stored: bool) -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "half")
    delta(state, "n", "other")
    delta(state, "stays", "x")
    if is_stored:
        commit(state, store)
    before = drafts(state)
    items = [said("whole", "m"), said("whole", "n"), back_to(99)]
    with pytest.raises(CallerError):
        at_once(calls.append_entries(state, items, at=NOON))
    assert drafts(state) == before
    assert list(before) == list(drafts(state))
    delta(state, "m", " more", offset=4)
    assert drafts(reloaded(state, store))["m"] == {"content": "half more"}


def test_a_call_in_steps_that_is_refused_when_its_draft_was_settled_meanwhile_ends_none() -> None:
    state, store = session_with("hello"), MemoryStore()
    commit(state, store)
    delta(state, "old", "x")
    commit(state, store)
    drafting.drop(state, "old")
    delta(state, "m", "half")
    under_way = state.delta()
    items = [said("whole", "m"), *[said("x")] * 300, back_to(2**20)]
    steps = calls.append_entries(state, items, at=NOON)
    next(steps)
    state.mark_durable(under_way, store.commit([under_way]))
    with pytest.raises(CallerError):
        list(steps)
    assert drafts(state) == {"m": {"content": "half"}}
    delta(state, "m", " more")
    assert drafts(reloaded(state, store)) == {"m": {"content": "half more"}}
    assert stored_drafts(store)[0] == chunk("m", 0, '[["content","half"]]')


def test_there_is_no_draft_of_a_message_that_counts() -> None:
    state = session_with("hello")
    with pytest.raises(DraftConflict, match="as entry 1"):
        delta(state, "hello", "x")
    rewind(state, 0, at=NOON)
    assert delta(state, "hello", "x").is_new


def test_whether_there_is_the_message_is_looked_up_only_where_the_draft_begins() -> None:
    state, store = with_tail_only(session_with("hello", "again"), 2)
    with pytest.raises(DraftConflict):
        asking(state, store, lambda state: delta(state, "hello", "x"))
    assert asking(state, store, lambda state: delta(state, "m", "x")).is_new
    assert delta(state, "m", "y").offset == 2  # it lacks nothing


def test_a_rewind_leaves_drafts_alone() -> None:
    state = session_with("one", "two")
    delta(state, "m", "half")
    rewind(state, 1, at=NOON)
    assert drafts(state) == {"m": {"content": "half"}}


# -- dropping ----------------------------------------------------------------------------------


def test_what_is_dropped_is_gone_and_again_is_no_mistake() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "half")
    commit(state, store)
    drafting.drop(state, "m")
    drafting.drop(state, "m")
    drafting.drop(state, "never")
    commit(state, store)
    assert (drafts(state), stored_drafts(store)) == ({}, [])


def test_a_draft_can_begin_anew_under_its_key() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "old")
    commit(state, store)
    drafting.drop(state, "m")
    delta(state, "m", "new", offset=0)
    commit(state, store)
    assert stored_drafts(store) == [chunk("m", 0, '[["content","new"]]')]


def test_one_that_ends_while_it_is_written_leaves_the_store_with_the_next_change() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "half")
    under_way = state.delta()
    say(state, user("whole", "m"))
    state.mark_durable(under_way, store.commit([under_way]))
    assert len(stored_drafts(store)) == 1
    commit(state, store)
    assert stored_drafts(store) == []


def test_one_that_begins_and_ends_anew_while_its_end_is_written_leaves_nothing() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "one")
    commit(state, store)
    drafting.drop(state, "m")
    delta(state, "m", "two")
    under_way = state.delta()
    drafting.drop(state, "m")
    state.mark_durable(under_way, store.commit([under_way]))
    commit(state, store)
    assert (stored_drafts(store), state.present().is_durable) == ([], True)


# -- towards the store -------------------------------------------------------------------------


def test_a_chunk_is_what_came_since_the_last_one() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "Let")
    delta(state, "m", "hm", part="reasoning")
    commit(state, store)
    delta(state, "m", " me")
    commit(state, store)
    commit(state, store)
    assert stored_drafts(store) == [
        chunk("m", 0, '[["content","Let"],["reasoning","hm"]]'),
        chunk("m", 5, '[["content"," me"]]'),
    ]


def test_a_chunk_says_when_its_last_delta_came() -> None:
    state = session_with("hello")
    delta(state, "m", "a", when=at(1))
    delta(state, "m", "b", when=at(2))
    assert only(state).drafts[0].at == at(2)


def test_a_commit_that_fails_loses_nothing_and_repeats_nothing() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "one ")
    state.delta()  # nothing came of it
    delta(state, "m", "two")
    commit(state, store)
    assert stored_drafts(store) == [chunk("m", 0, '[["content","one two"]]')]


def test_what_comes_while_a_chunk_is_written_goes_into_the_next_one() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "one ")
    under_way = state.delta()
    delta(state, "m", "two")
    state.mark_durable(under_way, store.commit([under_way]))
    assert state.durable_mark < state.mark
    commit(state, store)
    assert stored_drafts(store)[1] == chunk("m", 4, '[["content","two"]]')


def test_nobody_waits_for_the_disk_because_of_a_draft() -> None:
    state = session_with("hello")
    commit(state, MemoryStore())
    delta(state, "m", "x")
    assert (state.mark > state.durable_mark, state.can_wait) == (True, True)
    say(state, user("more"))
    assert not state.can_wait


def test_what_a_draft_holds_in_memory_is_counted_until_the_store_has_it() -> None:
    state, store = session_with("hello"), MemoryStore()
    commit(state, store)
    delta(state, "m", "é" * 1000)
    before = state.undurable_bytes
    assert before >= 2000
    under_way = state.delta()
    delta(state, "m", "é" * 500)
    state.mark_durable(under_way, store.commit([under_way]))
    assert 1000 <= state.undurable_bytes < before + 1000
    commit(state, store)
    assert state.undurable_bytes == 0


# -- interrupted -------------------------------------------------------------------------------


def test_a_draft_of_which_nothing_is_heard_is_interrupted_until_the_next_delta() -> None:
    state = session_with("hello")
    state.now = 100.0
    delta(state, "m", "x")
    state.now += SILENCE - 0.1
    assert (interrupted(state), state.is_held(state.now)) == ([], True)
    state.now += 0.1
    assert (interrupted(state), state.is_held(state.now)) == (["m"], False)
    delta(state, "m", "")
    assert (interrupted(state), state.is_held(state.now)) == ([], True)


def test_a_draft_of_an_earlier_process_is_interrupted_until_a_fitting_delta() -> None:
    state = session_with("hello")
    delta(state, "m", "half", role="model")
    state = reloaded(state, MemoryStore())
    assert (interrupted(state), state.is_held(0.0)) == (["m"], False)
    with pytest.raises(WrongOffset):
        delta(state, "m", "x", offset=3)
    assert interrupted(state) == ["m"]
    delta(state, "m", " more", offset=4)
    assert (drafts(state), interrupted(state)) == ({"m": {"content": "half more"}}, [])


def test_what_is_added_behind_a_restart_is_written_behind_what_is_there() -> None:
    state, store = session_with("hello"), MemoryStore()
    delta(state, "m", "🤔")
    delta(state, "m", "hm", part="reasoning")
    state = reloaded(state, store)
    delta(state, "m", "!", part="reasoning")
    commit(state, store)
    assert stored_drafts(store)[1] == chunk("m", 3, '[["reasoning","!"]]')


def test_chunks_that_do_not_follow_cost_neither_the_session_nor_what_does() -> None:
    state, store = session_with("hello"), MemoryStore()
    commit(state, store)
    life = state.present()
    chunks = [
        chunk("m", 0, '[["content","ab"]]'),
        chunk("m", 3, '[["content","gap"]]'),
        chunk("n", 1, '[["content","no beginning"]]'),
        chunk("m", 2, "no JSON"),
        chunk("m", 2, '[["content",1]]'),
        chunk("m", 2, '[["content","c"]]'),
    ]
    store.commit([_with_chunks(state, life.no, chunks)])
    state = SessionState.restored("s", KINDS, store.load("s"), MOMENT)
    assert drafts(state) == {"m": {"content": "abc"}}


def _with_chunks(state: SessionState, no: int | None, chunks: list[DraftChunk]) -> Delta:
    delta(state, "x", "")
    found = state.delta()
    change = only(state)
    return evolve(found, steps=[evolve(change, no=no, drafts=chunks)])


def test_a_view_stays_as_it_was() -> None:
    state = session_with("hello")
    delta(state, "m", "one")
    [view] = drafting.drafts_of(state)
    delta(state, "m", " two")
    assert (view.parts, view.offset) == ({"content": "one"}, 3)


def test_a_session_without_drafts_is_held_by_none() -> None:
    assert not session_with("hello").is_held(-inf)
    assert not absent().is_held(0.0)
