"""The present life and those before it: what is refused, and what the store is yet to get."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence import MemoryStore
from runtime import InvalidInput, PreconditionFailed, SessionNotFound
from runtime.session.asked import reading
from runtime.session.kinds import record, switch
from runtime.session.kinds import settings as session_settings
from runtime.session.kinds.message import append, from_json
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.table import KINDS
from runtime.session.state import SESSION_OVERHEAD, Condition, SessionState
from runtime.store.steps import Change
from tests.runtime.session.at_once import append_entries, put_records
from tests.runtime.session.builders import (
    MOMENT,
    NOON,
    absent,
    at,
    back_to,
    commit,
    picture,
    put,
    reloaded,
    said,
    say,
    session_with,
    texts,
    user,
    values,
)

# -- existence ---------------------------------------------------------------------------------

ON_ABSENT: list[Any] = [
    lambda state: append(state, [from_json(user("a"))], at=NOON, create=False),
    lambda state: state.delete(at=NOON),
    lambda state: state.delete(at=NOON, before="3000"),
    lambda state: switch.switch_agent(state, "coder", reason="", at=NOON),
    lambda state: session_settings.update(state, {"title": "t"}, at=NOON),
    lambda state: session_settings.summary(state, NOON),
    lambda state: rewind(state, 0, at=NOON),
    lambda state: reading.history(state),
    lambda state: reading.log_page(state, reading.Part()),
    lambda state: record.read(state),
    lambda state: put_records(state, at=NOON, remove=["k"]),
    lambda state: record.drop_superseded(state, before=NOON),
    lambda state: switch.agent_context(state),
]


@pytest.mark.parametrize("command", ON_ABSENT)
def test_an_absent_session_refuses_everything_but_what_makes_it_live(command: Any) -> None:
    state = absent()
    with pytest.raises(SessionNotFound, match="Session s not found"):
        command(state)
    assert (state.life, state.mark) == (None, 0)


def test_a_deleted_session_leaves_nothing_to_the_next_one_of_its_id() -> None:
    state = session_with("a")
    switch.switch_agent(state, "coder", reason="", at=at(1))
    session_settings.update(state, {"title": "t", "metadata": {"a": 1}}, at=at(1))
    append_entries(state, [put("k", 1)], at=NOON, call="c")
    before = state.tag
    state.delete(at=at(1))
    append_entries(state, [said("new")], at=at(2), call="c")
    found = session_settings.summary(state, NOON)
    assert (found.current_agent, found.title, found.metadata) == ("orchestrator", None, {})
    assert (found.created_at, found.message_count, found.version) == (at(2), 1, 1)
    assert (values(state), texts(state)) == ({}, ["new"])
    assert state.tag != before


@pytest.mark.parametrize(("before", "deleted"), [(NOON, False), (at(1), True)])
def test_a_session_is_deleted_only_if_it_was_unused_since(before: str, deleted: bool) -> None:
    state = session_with("a")
    assert state.delete(at=at(2), before=before) is deleted
    assert (state.life is None) is deleted


def test_the_last_activity_never_goes_backwards() -> None:
    state = session_with("a")
    say(state, user("b"), when="2020-01-01T00:00:00.000Z")
    assert state.present().last_activity == NOON


def test_reading_changes_nothing() -> None:
    state = session_with("a")
    before = picture(state)
    reading.history(state), reading.log_page(state, reading.Part()), record.read(state)
    switch.agent_context(state), session_settings.summary(state, NOON), state.delta()
    assert picture(state) == before


# -- conditions --------------------------------------------------------------------------------


def tags(*names: str) -> Condition:
    return Condition(tags=frozenset(names))


WRITES: list[Any] = [
    lambda state, condition: append(state, [from_json(user("x"))], at=NOON, condition=condition),
    lambda state, condition: append_entries(state, [said("x")], at=NOON, condition=condition),
    lambda state, condition: put_records(
        state, at=NOON, put=[record.put("k", 1)], condition=condition
    ),
    lambda state, condition: switch.switch_agent(
        state, "coder", reason="", at=NOON, condition=condition
    ),
    lambda state, condition: session_settings.update(
        state, {"title": "t"}, at=NOON, condition=condition
    ),
    lambda state, condition: rewind(state, 1, at=NOON, condition=condition),
    lambda state, condition: state.delete(at=NOON, condition=condition),
]


@pytest.mark.parametrize("write", WRITES)
def test_every_write_may_name_the_state_that_it_is_for(write: Any) -> None:
    for wrong in (tags("1-0000000000000000"), tags(), Condition(absent=True)):
        state = session_with("a")
        before = picture(state)
        with pytest.raises(PreconditionFailed) as failed:
            write(state, wrong)
        assert (failed.value.tag, picture(state)) == (state.tag, before)
    for right in (("1-00", None), ("*",)):
        state = reloaded(session_with("a"))
        write(state, tags(*(name or str(state.tag) for name in right)))
        assert state.mark == 1


def test_an_absent_session_has_no_tag_and_fits_only_the_wish_for_none() -> None:
    for wrong in (tags("*"), tags("1-00")):
        with pytest.raises(PreconditionFailed) as failed:
            append(absent(), [from_json(user("x"))], at=NOON, condition=wrong)
        assert failed.value.tag is None
    assert (
        append(absent(), [from_json(user("x"))], at=NOON, condition=Condition(absent=True)).version
        == 1
    )


def test_a_repeat_is_answered_whatever_was_expected() -> None:
    state = session_with("a")
    assert append(state, [from_json(user("a", "a"))], at=NOON, condition=tags("9-00")).repeated


def test_the_tag_is_the_same_after_a_restart_and_another_after_every_entry() -> None:
    state = session_with("a")
    seen = [state.tag]
    for step in (
        lambda: say(state, user("b")),
        lambda: rewind(state, 1, at=NOON),
        lambda: append_entries(state, [put("k", 1)], at=NOON),
        lambda: session_settings.update(state, {"title": "t"}, at=NOON),
    ):
        step()
        assert reloaded(state).tag == state.tag
        seen.append(state.tag)
    assert len(set(seen)) == 5
    assert [str(tag).split("-")[0] for tag in seen] == ["1", "2", "3", "4", "5"]


# -- deltas ------------------------------------------------------------------------------------


def only(state: SessionState) -> Change:
    """The one step of the delta."""
    (step,) = state.delta().steps
    assert isinstance(step, Change)
    return step


def test_the_delta_of_a_new_session_is_all_of_it() -> None:
    change = only(session_with("a", "b"))
    assert (change.no, change.after, len(change.entries), change.settings) == (None, 0, 2, None)
    assert (change.header.message_count, len(change.root)) == (2, 8)


def test_a_delta_taken_twice_is_the_same() -> None:
    state = session_with("a", "b")
    assert state.delta() == state.delta()


def test_a_delta_is_only_what_the_store_does_not_have() -> None:
    state, store = session_with("a", "b"), MemoryStore()
    commit(state, store)
    assert state.delta().steps == ()
    say(state, user("c"))
    change = only(state)
    assert (change.no, change.after, [entry.seq for entry in change.entries]) == (1, 2, [3])
    assert change.settings is None


def test_what_came_after_a_delta_was_taken_is_in_the_next_one() -> None:
    state, store = session_with("a"), MemoryStore()
    delta = state.delta()
    say(state, user("b"))
    state.mark_durable(delta, store.commit([delta]))
    assert (state.durable_seq, only(state).after, state.durable_mark) == (1, 1, delta.mark)
    assert state.durable_mark < state.mark


def test_settings_are_brought_when_they_changed_and_not_again() -> None:
    state, store = session_with("a"), MemoryStore()
    session_settings.update(state, {"title": "t"}, at=NOON)
    assert only(state).settings == state.present().settings()
    commit(state, store)
    say(state, user("b"))
    assert only(state).settings is None
    rewind(state, 1, at=NOON)
    assert only(state).settings is not None


def test_default_settings_are_not_brought_at_all() -> None:
    state, store = absent(), MemoryStore()
    session_settings.create(state, session_settings.first_entry(), [], at=NOON)
    assert only(state).settings is None
    commit(state, store)
    say(state, user("b"))
    assert only(state).settings is None


def test_settings_that_changed_while_a_delta_was_written_are_in_the_next_one() -> None:
    state, store = session_with("a"), MemoryStore()
    for title in ("one", "two"):
        session_settings.update(state, {"title": title}, at=NOON)
        delta = state.delta()
        session_settings.update(state, {"title": f"{title} and more"}, at=NOON)
        state.mark_durable(delta, store.commit([delta]))
        assert only(state).settings == state.present().settings()
    session_settings.update(state, {"title": None}, at=NOON)
    assert session_settings.summary(reloaded(state, store), NOON).title is None


def test_a_deleted_session_goes_to_the_store_with_what_was_not_there_yet() -> None:
    state, store = session_with("a"), MemoryStore()
    commit(state, store)
    say(state, user("b"))
    state.delete(at=at(1))
    change = only(state)
    assert (change.no, change.end, change.ended_at) == (1, "trash", at(1))
    assert len(change.entries) == 1
    commit(state, store)
    assert store.load("s") is None
    assert store.trash(9).sessions[0].info.version == 2


def test_one_that_was_never_there_goes_into_the_trash_as_well() -> None:
    state, store = session_with("a"), MemoryStore()
    state.delete(at=at(1))
    commit(state, store)
    assert [kept.info.version for kept in store.trash(9).sessions] == [1]


def test_of_one_that_was_purged_before_it_got_there_the_store_never_hears() -> None:
    state = session_with("a")
    state.delete(at=at(1), purge=True)
    assert state.delta().steps == ()
    say(state, user("b"))
    assert only(state).end is None


def test_a_session_purged_while_it_was_being_written_is_purged_next() -> None:
    state, store = session_with("a"), MemoryStore()
    delta = state.delta()
    state.delete(at=at(1), purge=True)
    state.mark_durable(delta, store.commit([delta]))
    assert (only(state).no, only(state).end) == (1, "purge")
    commit(state, store)
    assert (store.load("s"), store.trash(9).sessions) == (None, [])


def test_lives_are_brought_one_after_the_other() -> None:
    state, store = session_with("a"), MemoryStore()
    state.delete(at=at(1))
    say(state, user("b"))
    state.delete(at=at(2))
    say(state, user("c"))
    assert [getattr(step, "end", None) for step in state.delta().steps] == ["trash", "trash", None]
    commit(state, store)
    assert [kept.deleted_at for kept in store.trash(9).sessions] == [at(2), at(1)]
    assert texts(SessionState.restored("s", KINDS, store.load("s"), MOMENT)) == ["c"]
    say(state, user("d"))
    commit(state, store)
    assert texts(SessionState.restored("s", KINDS, store.load("s"), MOMENT)) == ["c", "d"]


def test_a_session_made_again_while_its_end_was_written_is_not_ended_again() -> None:
    state, store = session_with("a"), MemoryStore()
    commit(state, store)
    state.delete(at=at(1))
    delta = state.delta()
    say(state, user("new"))
    state.mark_durable(delta, store.commit([delta]))
    assert (only(state).no, only(state).end, state.durable_seq) == (None, None, 0)
    commit(state, store)
    assert texts(SessionState.restored("s", KINDS, store.load("s"), MOMENT)) == ["new"]


def test_undurable_bytes_count_what_is_beyond_the_store() -> None:
    state, store = session_with("a"), MemoryStore()
    assert state.undurable_bytes > SESSION_OVERHEAD
    delta = state.delta()
    say(state, user("x" * 10_000))
    assert state.undurable_bytes > SESSION_OVERHEAD + 10_000
    state.mark_durable(delta, store.commit([delta]))
    assert state.undurable_bytes > SESSION_OVERHEAD + 10_000
    commit(state, store)
    assert state.undurable_bytes == 0


def test_a_refused_call_counts_no_bytes() -> None:
    state = session_with("a")
    before = state.undurable_bytes
    with pytest.raises(InvalidInput):
        append_entries(state, [said("x" * 1_000), back_to(99)], at=NOON)
    assert state.undurable_bytes == before


@given(st.lists(st.sampled_from(["say", "put", "back", "title", "delete", "take", "commit"])))
def test_whatever_was_done_between_a_delta_and_its_commit_the_store_ends_up_the_same(
    steps: list[str],
) -> None:
    state, store, taken = absent(), MemoryStore(), None
    for number, step in enumerate(steps):
        match step:
            case "say":
                say(state, user(f"{number}"))
            case "put":
                append_entries(state, [put("k", number)], at=NOON)
            case "back" if state.life:
                rewind(state, number % (state.version + 1), at=NOON)
            case "title" if state.life:
                session_settings.update(state, {"title": f"{number}"}, at=NOON)
            case "delete" if state.life:
                state.delete(at=at(number), purge=number % 2 == 0)
            case "take":
                taken = state.delta()
            case "commit" if taken is not None:
                state.mark_durable(taken, store.commit([taken]))
                taken = None
    if taken is not None:
        state.mark_durable(taken, store.commit([taken]))
    commit(state, store)
    again = SessionState.restored("s", KINDS, store.load("s"), MOMENT)
    assert again.tag == state.tag
    if state.life is not None:
        assert (texts(again), values(again)) == (texts(state), values(state))
        assert again.present().settings() == state.present().settings()
        assert again.present().header() == state.present().header()
