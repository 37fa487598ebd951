"""Title, archived and metadata: merge patches, which no rewind takes back."""

from typing import Any

import pytest

from runtime import InvalidInput, KeyConflict, PreconditionFailed, SessionExists, SessionNotFound
from runtime.session.kinds.message import from_json
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.settings import create, first_entry, summary, update
from runtime.session.state import Condition, SessionState
from tests.runtime.session.builders import (
    NOON,
    absent,
    at,
    picture,
    reloaded,
    say,
    session_with,
    texts,
    user,
)


def created(**options: Any) -> SessionState:
    state = absent()
    create(state, first_entry(**options), [], at=NOON)
    return state


def test_a_session_is_created_with_its_settings() -> None:
    found = summary(created(agent="coder", title="t", metadata={"a": 1}), NOON)
    assert (found.current_agent, found.title, found.metadata) == ("coder", "t", {"a": 1})
    assert (found.version, found.message_count, found.archived) == (1, 0, False)


def test_a_session_is_created_with_messages_each_of_which_has_one_effect() -> None:
    state = absent()
    news = [from_json(user("a", "a")), from_json(user("a", "a")), from_json(user("b"))]
    assert create(state, first_entry(), news, at=NOON).message_count == 2
    assert texts(state) == ["a", "b"]


def test_a_session_is_not_created_with_an_id_that_says_two_things() -> None:
    state = absent()
    with pytest.raises(KeyConflict):
        create(
            state, first_entry(), [from_json(user("a", "k")), from_json(user("b", "k"))], at=NOON
        )
    assert (state.life, state.mark) == (None, 0)


def test_a_session_that_lives_is_not_created_again() -> None:
    state = session_with("a")
    before = picture(state)
    with pytest.raises(SessionExists):
        create(state, first_entry(), [], at=NOON)
    assert picture(state) == before


@pytest.mark.parametrize("session_id", [".", "..", "a\n", "\x00"])
def test_an_id_that_a_new_session_may_not_have_is_refused(session_id: str) -> None:
    state = absent(session_id)
    with pytest.raises(InvalidInput, match="session id"):
        create(state, first_entry(), [], at=NOON)
    with pytest.raises(InvalidInput, match="session id"):
        say(state, user("a"))
    assert state.life is None


RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]
"""The examples of its appendix A, but for the one whose patch is null: that removes the member."""


@pytest.mark.parametrize(("target", "patch", "result"), RFC_7396)
def test_metadata_is_patched_as_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    state = absent()
    # A null within the target comes in a list's place only: a patch takes nulls away.
    create(state, first_entry(metadata={"m": [target]}), [], at=NOON)
    if not (isinstance(target, dict) and None in target.values()):
        update(state, {"metadata": {"m": target}}, at=NOON)
        found = update(state, {"metadata": {"m": patch}}, at=NOON)
        assert found.metadata == summary(reloaded(state), NOON).metadata == {"m": result}


def test_null_removes_a_member_and_empties_the_metadata() -> None:
    state = created(metadata={"a": {"b": 1}, "c": 2})
    assert update(state, {"metadata": {"a": None}}, at=NOON).metadata == {"c": 2}
    assert update(state, {"metadata": None}, at=NOON).metadata == {}


def test_each_of_them_is_changed_by_itself() -> None:
    state = created(title="t", metadata={"a": 1})
    assert update(state, {"archived": True}, at=NOON).archived
    found = update(state, {"title": None}, at=NOON)
    assert (found.title, found.archived, found.metadata) == (None, True, {"a": 1})
    assert not update(state, {"archived": None}, at=NOON).archived


def test_a_patch_that_changes_nothing_is_no_entry() -> None:
    state = created(title="t", metadata={"a": 1})
    before = picture(state)
    update(state, {"title": "t", "archived": False, "metadata": {"a": 1, "gone": None}}, at=at(5))
    update(state, {}, at=at(5))
    assert picture(state) == before


def test_a_patch_is_compared_as_it_is_kept() -> None:
    state = created(metadata={"\ufffd": 1})
    assert update(state, {"metadata": {"\ud800": None}}, at=NOON).metadata == {}
    assert summary(reloaded(state), NOON).metadata == {}


def test_a_patch_that_was_worked_out_and_refused_is_not_the_next_one() -> None:
    state = created(title="old", metadata={"a": 1})
    stale = Condition(tags=frozenset(("9-00",)))
    with pytest.raises(PreconditionFailed):
        update(state, {"title": "no", "metadata": {"a": 2}}, at=NOON, condition=stale)
    found = update(state, {"archived": True}, at=NOON)
    assert (found.title, found.archived, found.metadata) == ("old", True, {"a": 1})
    assert summary(reloaded(state), NOON).metadata == {"a": 1}


def test_a_change_of_settings_is_no_activity_and_no_rewind_takes_it_back() -> None:
    state = session_with("a")
    update(state, {"title": "t"}, at=at(9))
    assert summary(state, NOON).last_activity == NOON
    rewind(state, 0, at=at(1))
    found = summary(reloaded(state), NOON)
    assert (found.title, found.message_count, found.last_activity) == ("t", 0, at(1))


def test_the_agent_that_a_session_began_with_is_current_again_after_a_rewind() -> None:
    state = created(agent="coder")
    rewind(state, 0, at=NOON)
    assert summary(state, NOON).current_agent == "coder"


@pytest.mark.parametrize(
    "patch",
    [
        {"title": 7},
        {"title": "x" * 513},
        {"archived": "yes"},
        {"archived": 1},
        {"metadata": []},
        {"metadata": "x"},
        {"metadata": {"a": "x" * 70_000}},
    ],
)
def test_a_patch_that_breaks_a_rule_is_refused(patch: Any) -> None:
    state = session_with("a")
    before = picture(state)
    with pytest.raises(InvalidInput):
        update(state, patch, at=NOON)
    assert picture(state) == before


def test_metadata_that_grew_too_large_bit_by_bit_is_refused() -> None:
    state = created(metadata={"a": "x" * 40_000})
    with pytest.raises(InvalidInput, match="records hold more"):
        update(state, {"metadata": {"b": "x" * 40_000}}, at=NOON)


def test_a_patch_of_another_state_than_expected_is_refused() -> None:
    state = session_with("a")
    with pytest.raises(PreconditionFailed):
        update(state, {"title": "t"}, at=NOON, condition=Condition(tags=frozenset(("9-00",))))
    present = Condition(tags=frozenset((str(state.tag),)))
    assert update(state, {"title": "t"}, at=NOON, condition=present).title == "t"


def test_an_absent_session_has_no_settings() -> None:
    with pytest.raises(SessionNotFound):
        summary(absent(), NOON)
    with pytest.raises(SessionNotFound):
        update(absent(), {"title": "t"}, at=NOON)
