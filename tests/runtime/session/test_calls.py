"""Entries of several kinds in one call: all of them or none, once, and in their order."""

from typing import Any

import pytest
from attrs import evolve

from persistence import MemoryStore
from runtime import (
    BelowFloor,
    ExpectationFailed,
    InvalidInput,
    Item,
    KeyConflict,
    PreconditionFailed,
    SessionNotFound,
)
from runtime.session.asked.calls import MAX_ENTRIES
from runtime.session.asked.items import items_from_json, items_from_python
from runtime.session.kinds import record
from runtime.session.kinds.rewind import rewind
from runtime.session.replies import KnownRecord, Written
from runtime.session.state import Condition, SessionState
from tests.runtime.session.at_once import append_entries, put_records
from tests.runtime.session.builders import (
    NOON,
    absent,
    asking,
    at,
    back_to,
    commit,
    picture,
    put,
    reloaded,
    removed,
    said,
    say,
    session_with,
    texts,
    user,
    values,
    with_tail_only,
)


def call(state: SessionState, *items: Item, **options: Any) -> Written:
    return append_entries(state, items, at=NOON, **options)


def switch_to(agent: str, key: str | None = None, reason: str = "") -> Item:
    return Item(kind="switch", key=key, body={"to": agent, "reason": reason})


# -- in one step -------------------------------------------------------------------------------


def test_entries_of_any_kinds_are_appended_in_their_order() -> None:
    state = absent()
    answer = call(state, said("a"), put("k", 1), switch_to("coder"), said("b"), back_to(1))
    assert (answer.seqs, answer.applied, answer.version) == ([1, 2, 3, 4, 5], 5, 5)
    assert (texts(state), values(state)) == (["a"], {})


def test_the_first_call_makes_the_session_live() -> None:
    state = absent()
    call(state, put("k", 1))
    assert (values(state), state.present().created_at) == ({"k": 1}, NOON)


REFUSED: list[tuple[Item, type[Exception], str]] = [
    (Item(kind="unheard of", body={}), InvalidInput, "entry 4: kind: must be one of"),
    (Item(kind="message", body={"content": ""}), InvalidInput, "entry 4: message: role"),
    (Item(kind="message", body="hello"), InvalidInput, "entry 4: message: must be"),
    (Item(kind="message", body=user(""), key=""), InvalidInput, "entry 4: key: must"),
    (Item(kind="record", body={"value": 1}), InvalidInput, "entry 4: key: must"),
    (Item(kind="record", body={"value": 1}, key="k" * 513), InvalidInput, "entry 4: key: must"),
    (Item(kind="record", body={"value": 1, "x": 1}, key="k"), InvalidInput, "entry 4: record"),
    (Item(kind="record", body={"removed": False}, key="k"), InvalidInput, "entry 4: record"),
    (Item(kind="record", body=None, key="k"), InvalidInput, "entry 4: record"),
    (Item(kind="switch", body={"reason": ""}), InvalidInput, "entry 4: switch: to"),
    (Item(kind="switch", body=["coder"]), InvalidInput, "entry 4: switch"),
    (Item(kind="rewind", body={"to": 99}), InvalidInput, "entry 4: to: must be from 0"),
    (Item(kind="rewind", body={"to": True}), InvalidInput, "entry 4: to: must be a number"),
    (Item(kind="rewind", body={"to": 1.0}), InvalidInput, "entry 4: to: must be a number"),
    (Item(kind="rewind", body={}), InvalidInput, "entry 4: rewind"),
    (said("other", "a"), KeyConflict, "as entry 1"),
    (said("other", "new"), KeyConflict, "earlier in the same call"),
]


@pytest.mark.parametrize(("wrong", "error", "problem"), REFUSED)
def test_a_call_is_refused_as_a_whole(wrong: Item, error: Any, problem: str) -> None:
    state = reloaded(call_on_two())
    before = picture(state)
    with pytest.raises(error, match=problem):
        call(state, put("k", 2), said("new", "new"), put("l", 1), wrong, said("behind"), call="c")
    assert picture(state) == before
    assert call(state, said("new", "new"), call="c").seqs == [4], "its ids are free"


def call_on_two() -> SessionState:
    state = absent()
    call(state, said("a", "a"), said("b", "b"), put("k", 1))
    return state


def test_a_refused_call_that_had_gone_back_leaves_the_session_where_it_was() -> None:
    state = reloaded(call_on_two())
    before = picture(state)
    with pytest.raises(InvalidInput):
        call(state, back_to(1), said("b again", "b"), back_to(0), said("x"), back_to(99))
    assert picture(state) == before


def test_a_refused_first_call_makes_nothing_live() -> None:
    state = absent()
    with pytest.raises(InvalidInput):
        call(state, said("a"), back_to(99))
    assert (state.life, state.mark) == (None, 0)


@pytest.mark.parametrize("items", [[], [said("a")] * (MAX_ENTRIES + 1)])
def test_a_call_of_nothing_or_of_too_much_is_refused(items: list[Item]) -> None:
    with pytest.raises(InvalidInput, match="entries: must be 1 to 10000"):
        call(absent(), *items)


def test_a_call_may_be_as_long_as_the_limit() -> None:
    answer = call(absent(), *[put(f"k{n}", n) for n in range(MAX_ENTRIES)], call="c")
    assert (answer.applied, answer.version) == (MAX_ENTRIES, MAX_ENTRIES)


def test_editing_and_sending_again_is_one_call() -> None:
    state = session_with("a", "b", "c")
    answer = call(state, back_to(1), said("b, edited", "b"))
    assert (answer.seqs, texts(state)) == ([4, 5], ["a", "b, edited"])


def test_an_edit_and_its_first_form_can_both_be_gone_back_to() -> None:
    state = session_with("a", "b")
    call(state, back_to(1), said("b, edited", "b"))
    rewind(state, 2, at=NOON)
    assert texts(state) == ["a", "b"]
    rewind(state, 4, at=NOON)
    assert texts(state) == ["a", "b, edited"]


def test_here_a_message_s_own_id_is_a_member_like_others() -> None:
    state = absent()
    one = {"role": "assistant", "content": "x", "id": "msg_1"}
    answer = call(state, Item(kind="message", body=one), Item(kind="message", body=one))
    assert answer.seqs == [1, 2]


# -- repeats -----------------------------------------------------------------------------------


def again(state: SessionState, *items: Item, **options: Any) -> Any:
    """The seqs of a call that is made twice, and is answered the same."""
    first = call(state, *items, **options)
    before = picture(state)
    second = call(state, *items, **options)
    assert picture(state) == before
    assert (second.repeated, second.applied, second.known) == (True, 0, first.known)
    assert list(second.seqs) == list(first.seqs)
    restarted = call(reloaded(state), *items, **options)
    assert (restarted.repeated, list(restarted.seqs)) == (True, list(first.seqs))
    return list(first.seqs)


def test_a_call_with_an_id_has_one_effect() -> None:
    assert again(session_with("a"), said("x"), put("k", 1), call="c") == [2, 3]


def test_a_call_with_entries_that_were_known_before_is_answered_the_same() -> None:
    state = session_with("a", "b")
    assert again(state, known("b"), said("x"), known("a"), call="c") == [
        2,
        3,
        1,
    ]


def known(key: str) -> Item:
    """A message that `session_with` has said."""
    return Item(kind="message", key=key, body=user(key, key))


def test_a_call_that_says_one_thing_twice_is_answered_the_same() -> None:
    assert again(session_with("a"), said("x", "x"), said("x", "x"), said("y"), call="c") == [
        2,
        2,
        3,
    ]


def test_a_call_that_edits_is_answered_the_same_whatever_counts_by_then() -> None:
    state = session_with("a", "b", "c")
    items = [back_to(2), known("a"), said("edited", "c"), put("k", 1)]
    assert again(state, *items, call="c1") == [4, 1, 5, 6]
    rewind(state, 0, at=NOON)
    say(state, user("another", "c"))
    assert call(state, *items, call="c1").seqs == [4, 1, 5, 6]
    assert texts(state) == ["another"]


def test_a_record_that_was_overwritten_since_does_not_change_the_answer() -> None:
    state = session_with("a")
    call(state, put("k", 0))
    items = [put("k", 1), put("l", 1)]
    assert again(state, *items, call="c") == [3, 4]
    call(state, put("k", 2), removed("l"))
    assert call(state, *items, call="c").seqs == [3, 4]


def test_a_call_with_once_is_answered_the_same_also_when_records_were_known() -> None:
    state = absent()
    call(state, put("k", "first"))
    items = [put("k", "second"), put("l", 1), put("l", 2)]
    assert again(state, *items, call="c", once=True) == [1, 2, 2]
    call(state, put("k", "third"))
    answer = call(state, *items, call="c", once=True)
    assert answer.known == [KnownRecord(key="k", seq=1, value=b'"first"'), *answer.known[1:]]
    assert values(state) == {"k": "third", "l": 1}


@pytest.mark.parametrize(
    "other",
    [
        [said("other"), put("k", 1)],
        [said("x", "key"), put("k", 1)],
        [said("x"), put("l", 1)],
        [said("x"), put("k", 2)],
        [said("x"), removed("k")],
        [put("k", 1), said("x")],
        [said("x"), put("k", 1), said("more")],
        [back_to(0), put("k", 1)],
    ],
)
def test_the_id_of_a_call_with_other_content_is_refused(other: list[Item]) -> None:
    state = session_with("a")
    call(state, said("x"), put("k", 1), call="c")
    for one in (state, reloaded(state)):
        before = picture(one)
        with pytest.raises(KeyConflict, match="Call id 'c' is taken: it was sent as entry 2"):
            call(one, *other, call="c")
        assert picture(one) == before


def test_the_id_of_a_call_is_free_while_the_call_does_not_count() -> None:
    state = session_with("a")
    call(state, said("x"), call="c")
    rewind(state, 1, at=NOON)
    assert call(state, said("y"), call="c").seqs == [4]
    assert texts(state) == ["a", "y"]


@pytest.mark.parametrize("restart", [False, True])
def test_a_branch_brings_the_ids_of_its_calls_back(restart: bool) -> None:
    state = session_with("a")
    call(state, said("x"), call="c")
    rewind(state, 1, at=NOON)
    call(state, said("y"), call="c")
    rewind(state, 1, at=NOON)
    with pytest.raises(InvalidInput):
        call(state, said("z"), back_to(99), call="c")
    rewind(state, 2, at=NOON)
    state = reloaded(state) if restart else state
    answer = call(state, said("x"), call="c")
    assert (answer.seqs, answer.repeated, texts(state)) == ([2], True, ["a", "x"])


def test_a_call_whose_entries_are_all_known_needs_no_id() -> None:
    state = session_with("a", "b")
    call(state, switch_to("coder", "s1"), back_to(3, "r1"))
    answer = call(state, known("b"), switch_to("coder", "s1"), back_to(3, "r1"))
    assert (answer.seqs, answer.repeated) == ([2, 3, 4], True)


@pytest.mark.parametrize(
    "other",
    [
        said("other", "a"),
        switch_to("tester", "s1"),
        switch_to("coder", "s1", "for a reason"),
        back_to(0, "r1"),
    ],
)
def test_a_known_key_with_other_content_is_refused(other: Item) -> None:
    state = session_with("a")
    call(state, switch_to("coder", "s1"), back_to(2, "r1"))
    before = picture(state)
    with pytest.raises(KeyConflict):
        call(state, other)
    assert picture(state) == before


@pytest.mark.parametrize("body", [None, [], "coder", {"to": "coder", "x": 1}, {"to": 7}])
def test_a_known_key_with_a_body_that_breaks_the_rules_is_refused(body: Any) -> None:
    state = session_with("a")
    call(state, switch_to("coder", "s1"))
    with pytest.raises(InvalidInput):
        call(state, Item(kind="switch", key="s1", body=body))


def test_a_known_switch_beside_something_new_is_known() -> None:
    state = session_with("a")
    call(state, switch_to("coder", "s1"), switch_to("tester", "s2"))
    assert call(state, switch_to("coder", "s1"), said("x")).seqs == [2, 4]


def test_a_known_rewind_below_the_floor_beside_something_new_is_known() -> None:
    state, store = absent(), MemoryStore()
    call(state, put("k", 1), put("k", 2), back_to(1, "r"), put("k", 3))
    commit(state, store)
    record.drop_superseded(state, before=at(1))
    assert state.present().floor == 4
    assert call(state, back_to(1, "r"), said("x")).seqs == [3, 5]


def test_a_key_of_one_kind_is_none_of_another() -> None:
    state = session_with("a")
    assert call(state, switch_to("coder", "a"), back_to(1, "a"), put("a", 1)).seqs == [2, 3, 4]


def test_repeats_come_before_every_condition() -> None:
    state = session_with("a")
    never = Condition(tags=frozenset(("0-00",)), absent=True)
    call(state, said("x"), put("k", 1), call="c", expect={"k": 0})
    options = {"condition": never, "expect": {"k": 0}}
    assert call(state, said("x"), put("k", 1), call="c", **options).repeated
    assert call(state, known("a"), **options).repeated
    with pytest.raises(PreconditionFailed):
        call(state, said("y"), call="d", **options)


def test_a_repeated_call_is_found_when_it_is_not_in_memory_any_more() -> None:
    state = session_with("a", "b")
    items = [known("a"), said("x", "x"), put("k", 1)]
    call(state, *items, call="c")
    say(state, user("d"), user("e"))
    short, store = with_tail_only(state, 6)
    answer = asking(short, store, lambda session: call(session, *items, call="c"))
    assert (answer.seqs, answer.repeated) == ([1, 3, 4], True)
    with pytest.raises(KeyConflict):
        asking(short, store, lambda session: call(session, said("other", "x"), call="d"))
    with pytest.raises(KeyConflict):
        asking(short, store, lambda session: call(session, said("other"), call="c"))


# -- expectations ------------------------------------------------------------------------------


def test_a_record_that_is_the_expected_entry_is_written_over() -> None:
    state = absent()
    put_one(state, "k", 1, expect={"k": 0})
    put_one(state, "k", 2, expect={"k": 1, "other": 0})
    assert values(state) == {"k": 2}


def put_one(state: SessionState, key: str, value: Any, **options: Any) -> Written:
    return put_records(state, at=NOON, put=[record.put(key, value)], **options)


def log_one(state: SessionState, key: str, value: Any, **options: Any) -> Written:
    return call(state, put(key, value), **options)


WAYS = [put_one, log_one]


@pytest.mark.parametrize("expected", [0, 2, 99])
@pytest.mark.parametrize("way", WAYS)
def test_a_record_that_is_another_entry_refuses_the_call(expected: int, way: Any) -> None:
    state = absent()
    put_one(state, "k", 1)
    before = picture(state)
    with pytest.raises(ExpectationFailed, match="'k'") as failed:
        way(state, "k", 2, expect={"k": expected})
    assert picture(state) == before
    assert (failed.value.key, failed.value.seq, failed.value.tag) == ("k", 1, state.tag)


@pytest.mark.parametrize("way", WAYS)
def test_an_expectation_that_fails_though_all_is_as_asked_is_no_failure(way: Any) -> None:
    state = absent()
    put_one(state, "k", 1, expect={"k": 0})
    before = picture(state)
    answer = way(state, "k", 1, expect={"k": 0})
    assert (answer.applied, answer.repeated, picture(state)) == (0, True, before)


def test_a_removal_that_was_done_already_is_no_failure() -> None:
    state = absent()
    put_one(state, "k", 1)
    put_records(state, at=NOON, remove=["k"], expect={"k": 1})
    assert put_records(state, at=NOON, remove=["k"], expect={"k": 1}).applied == 0
    with pytest.raises(ExpectationFailed):
        put_one(state, "k", 2, expect={"k": 1})


def test_a_record_that_a_rewind_took_back_is_absent() -> None:
    state = session_with("a")
    put_one(state, "k", 1)
    rewind(state, 1, at=NOON)
    assert put_one(state, "k", 2, expect={"k": 0}).applied == 1


def test_an_expectation_of_a_key_that_none_can_have_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expect: "):
        put_one(absent(), "k", 1, expect={"": 0})


# -- once --------------------------------------------------------------------------------------


def test_with_once_the_first_write_of_a_key_wins_and_is_answered() -> None:
    state = absent()
    put_one(state, "k", {"a": 1})
    news = [record.put("k", 2), record.put("l", 3), record.put("l", 4)]
    answer = put_records(state, at=NOON, put=news, once=True)
    assert (answer.seqs, answer.applied) == ([1, 2, 2], 1)
    assert [(one.key, one.seq, one.value) for one in answer.known] == [
        ("k", 1, b'{"a":1}'),
        ("l", 2, b"3"),
    ]
    assert values(state) == {"k": {"a": 1}, "l": 3}


def test_with_once_and_everything_known_nothing_is_applied() -> None:
    state = absent()
    put_one(state, "k", 1)
    before = picture(state)
    assert put_one(state, "k", 2, once=True).applied == 0
    assert picture(state) == before


def test_with_once_what_is_to_be_removed_is_removed() -> None:
    state = absent()
    put_one(state, "k", 1)
    news = [record.put("l", 1)]
    put_records(state, at=NOON, remove=["k"], put=news, once=True)
    assert values(state) == {"l": 1}


# -- what is made before the session is asked --------------------------------------------------


def test_an_entry_that_does_not_depend_on_the_session_is_made_where_it_is_read() -> None:
    items, replaced = items_from_json(
        [
            ("message", "m", b'{"role": "user", "content": "\\ud800"}'),
            ("record", "k", b'{"value": [1, "\\ud800"]}'),
            ("switch", None, b'{"to": "coder"}'),
        ]
    )
    assert [item.new is None for item in items] == [False, False, True]
    assert replaced == 2
    state = absent()
    first = call(state, *items, call="c")
    assert (first.seqs, texts(state), values(state)) == (
        [1, 2, 3],
        ["\ufffd"],
        {"k": [1, "\ufffd"]},
    )
    assert call(state, *items, call="c").repeated


def test_what_is_read_and_what_a_program_made_are_the_same_items() -> None:
    made = items_from_python([said("a", key="m"), put("k", {"v": 1}), switch_to("coder")])
    read, _ = items_from_json(
        [
            ("message", "m", b'{ "content": "a", "role": "user" }'),
            ("record", "k", b'{"value": {"v": 1}}'),
            ("switch", None, b'{"to": "coder", "reason": ""}'),
        ]
    )
    assert read[:2] == [evolve(item, body=None) for item in made[:2]]
    assert read[2] == made[2]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (("nothing", None, b"{}"), "entry 2: kind: must be one of"),
        (("message", None, b"{}"), "entry 2: message: role"),
        (("record", None, b'{"value": 1}'), "entry 2: key"),
        (("record", "k", b'{"value": 1e999}'), "entry 2: body is not JSON"),
        (("record", "k", b'{"value": ' + b"[" * 128 + b"]" * 128 + b"}"), "entry 2: body: nests"),
        (("settings", None, b" " * 262_145), "entry 2: settings: 262145 bytes .* limit is 262144"),
    ],
)
def test_an_item_that_breaks_a_rule_is_named_by_its_place(
    part: tuple[str, str | None, bytes], problem: str
) -> None:
    good = ("record", "k", b'{"value": ' + b"[" * 127 + b"]" * 127 + b"}")
    with pytest.raises(InvalidInput, match=problem):
        items_from_json([good, part])


# -- putting and removing ----------------------------------------------------------------------


def test_records_are_put_and_removed_in_one_step() -> None:
    state = absent()
    news = [record.put(key, key) for key in ("a/1", "a/2", "b", "c")]
    put_records(state, at=NOON, put=news)
    answer = put_records(
        state,
        at=NOON,
        put=[record.put("a/2", "new")],
        remove=["b", "absent"],
        remove_prefix=["a/", "z"],
    )
    assert (answer.applied, values(state)) == (4, {"a/2": "new", "c": "c"})


def test_what_is_not_there_is_not_removed() -> None:
    state = session_with("a")
    before = picture(state)
    assert put_records(state, at=NOON, remove=["k"], remove_prefix=["p"]).applied == 0
    assert picture(state) == before


def test_removing_from_an_absent_session_is_refused() -> None:
    with pytest.raises(SessionNotFound):
        put_records(absent(), at=NOON, remove=["k"])


def test_a_prefix_within_another_removes_nothing_twice() -> None:
    state = absent()
    put_records(state, at=NOON, put=[record.put(key, 1) for key in ("a", "ab", "abc", "b")])
    answer = put_records(state, at=NOON, remove_prefix=["abc", "ab", "ab", "a"])
    assert (answer.applied, values(state)) == (3, {"b": 1})


@pytest.mark.parametrize(
    "options", [{}, {"remove": [""]}, {"remove_prefix": [""]}, {"remove": ["a\0"]}]
)
def test_a_call_that_says_nothing_or_a_wrong_key_is_refused(options: Any) -> None:
    with pytest.raises(InvalidInput):
        put_records(absent(), at=NOON, **options)


def test_a_removal_of_more_than_a_call_may_have_is_refused() -> None:
    state = absent()
    for start in (0, MAX_ENTRIES):
        news = [record.put(f"k{start + n}", 1) for n in range(MAX_ENTRIES)]
        put_records(state, at=NOON, put=news)
    before = state.tag
    with pytest.raises(InvalidInput, match="20000 in one call"):
        put_records(state, at=NOON, remove_prefix=["k"])
    assert state.tag == before


def test_a_rewind_below_the_floor_refuses_the_whole_call() -> None:
    state, store = absent(), MemoryStore()
    put_one(state, "k", 1)
    put_one(state, "k", 2)
    commit(state, store)
    record.drop_superseded(state, before=at(1))
    before = picture(state)
    with pytest.raises(BelowFloor, match="the floor is 2"):
        call(state, said("x"), back_to(1))
    assert picture(state) == before
    assert append_entries(state, [back_to(2)], at=NOON).applied == 1
