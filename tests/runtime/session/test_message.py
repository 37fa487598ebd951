"""What was sent is what comes back, and a history shows what the guide's clients can read."""

import math
import types
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import InvalidInput, KeyConflict, Message, SessionNotFound
from runtime.session.bodies.encoding import MAX_DEPTH, parse
from runtime.session.entries.forms import history_form, sent, shown
from runtime.session.kinds import message
from runtime.session.kinds.message import from_json, from_python
from runtime.session.kinds.table import KINDS
from runtime.session.life import Life
from runtime.session.log import Log
from runtime.store.entries import PLAIN, Entry
from tests.properties import examples
from tests.runtime.session.builders import (
    NOON,
    absent,
    messages,
    picture,
    reloaded,
    say,
    session_with,
    texts,
    user,
)

CALL = {"id": "call_1", "type": "function", "function": {"name": "read", "arguments": "{}"}}


def kept(one: Any) -> Entry:
    """The entry of a message that was read from JSON."""
    life = Life(kinds=KINDS, log=Log.begin(KINDS), created_at=NOON, last_activity=NOON)
    life.append(from_json(one), NOON)
    return life.entry(1)


def came_back(one: Any) -> Any:
    return msgspec.json.decode(sent(kept(one)))


def exactly(value: Any) -> Any:
    """Tells 1 from 1.0 and true, and -0.0 from 0.0, as `==` does not."""
    if isinstance(value, dict):
        return {name: exactly(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [exactly(inner) for inner in value]
    return type(value), repr(value)


# -- what was sent is what comes back ----------------------------------------------------------


@settings(max_examples=examples(2))
@given(messages())
def test_a_message_comes_back_as_it_was_sent(one: dict[str, Any]) -> None:
    assert exactly(came_back(one)) == exactly(one)


@settings(max_examples=examples(1))
@given(messages())
def test_a_message_that_was_read_as_json_comes_back_as_it_was_sent(one: dict[str, Any]) -> None:
    read, replaced = parse(msgspec.json.encode(one), "body")
    assert (exactly(came_back(read)), replaced) == (exactly(one), 0)


@settings(max_examples=examples(1))
@given(messages())
def test_what_comes_back_can_be_sent_again_and_is_the_same(one: dict[str, Any]) -> None:
    assert from_json(came_back(one)).digest == from_json(one).digest


@settings(max_examples=examples(1))
@given(messages())
def test_a_program_may_give_what_json_may_give(one: dict[str, Any]) -> None:
    assert from_python(one) == from_json(one)


LIKE_THOSE_OF_AGENTS: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "function", "name": "f", "content": "1"},
    {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "hello"}]},
    {"role": "User", "content": "a role in another case"},
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "…", "signature": "c2ln"},
            {"type": "text", "text": "I read it."},
            {"type": "tool_use", "id": "t_1", "name": "read", "input": {"path": "a", "n": 1.5}},
        ],
        "stop_reason": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
    },
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t_1", "content": []}]},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None},
    {"role": "assistant", "tool_calls": [{**CALL, "index": 0}], "reasoning_content": "so"},
    {"role": "tool", "tool_call_id": "call_1", "content": {"ok": True, "n": 2**70}},
    {"role": "tool", "tool_call_id": "call_1", "content": [1, "a", None]},
    {"role": "assistant", "content": "x", "thought": "t", "action": "ls", "agent": "main"},
    {"role": "user", "content": "\x00\x1b[31m\u202e👩‍👩‍👧"},
    {"role": "user", "name": None, "tool_calls": [], "content": "", "ts": 1_700_000_000_000},
]


@pytest.mark.parametrize("one", LIKE_THOSE_OF_AGENTS)
def test_messages_as_agents_write_them_come_back_and_are_shown(one: dict[str, Any]) -> None:
    assert exactly(came_back(one)) == exactly(one)
    found = msgspec.json.decode(shown(kept(one)))
    assert isinstance(found["content"], str)
    assert None not in found.values()


@pytest.mark.parametrize("number", [2**53 + 1, 2**64, -(2**63) - 1, 10**300, -(10**40)])
def test_integers_of_any_size_come_back_exactly(number: int) -> None:
    one = user("", n=number, metadata={"n": number})
    assert exactly(came_back(one)) == exactly(one)


@pytest.mark.parametrize("number", [0.1, -0.0, 5e-324, 1.7976931348623157e308, 1e22, 1.0])
def test_other_numbers_come_back_as_a_double_holds_them(number: float) -> None:
    assert exactly(came_back(user("", n=number))) == exactly(user("", n=number))


def test_the_order_of_members_is_role_content_and_then_as_sent() -> None:
    one = {"b": 1, "content": "c", "a": 2, "role": "user"}
    assert sent(kept(one)) == b'{"role":"user","content":"c","b":1,"a":2}'


def test_id_and_metadata_are_kept_beside_the_body() -> None:
    entry = kept({"id": "m-1", "role": "user", "metadata": {"a": 1}, "content": "hi"})
    assert (entry.key, entry.metadata) == ("m-1", b'{"a":1}')
    assert entry.body == b'{"role":"user","content":"hi"}'


def test_text_is_kept_as_it_is_and_not_escaped() -> None:
    assert "Привет 👋".encode() in kept(user("Привет 👋")).body


# -- ids ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["x", "x" * 256, "é", "сообщение-1", "👋", "a\nb", "\x00", "7"])
def test_a_text_is_the_key(key: str) -> None:
    assert (kept(user("", key)).key, came_back(user("", key))["id"]) == (key, key)


@pytest.mark.parametrize("number", [0, 7, -3, 2**70])
def test_an_integer_is_the_key_and_comes_back_as_an_integer(number: int) -> None:
    assert (kept(user("", number)).key, came_back(user("", number))["id"]) == (str(number), number)


@pytest.mark.parametrize("nothing", [None, ""])
def test_an_id_that_names_nothing_is_a_member_like_others(nothing: Any) -> None:
    one = {**user("hi"), "id": nothing}
    assert (kept(one).key, came_back(one)) == (None, one)
    assert shown(kept(one)) == b'{"role":"user","content":"hi"}'


@pytest.mark.parametrize("wrong", [True, False, 1.0, [], {}, "x" * 257])
def test_another_id_is_refused_with_the_place_where_it_was(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^message 3: id: must"):
        from_json({**user(""), "id": wrong}, "message 3")


@pytest.mark.parametrize("digits", [257, 5_000])
def test_an_integer_that_is_too_long_for_a_key_is_refused(digits: int) -> None:
    with pytest.raises(InvalidInput, match="message 3: id: must have at most 256 digits"):
        from_json(user("", 10 ** (digits - 1)), "message 3")


def test_the_same_number_as_a_text_is_another_message() -> None:
    state = absent()
    say(state, user("hi", 7))
    with pytest.raises(KeyConflict):
        say(state, user("hi", "7"))


# -- what is refused, and what is mended -------------------------------------------------------


@pytest.mark.parametrize("role", [None, 7, True, ["user"], "", "x" * 65])
def test_a_role_that_is_none_is_refused(role: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^message: role: "):
        from_json({"role": role, "content": ""})


@pytest.mark.parametrize("wrong", [None, "hello", 1, [], [{"role": "user"}], {"content": "hi"}])
def test_what_is_no_object_with_a_role_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="role"):
        from_json(wrong)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [n], lambda n: {"deep": [{"er": n}]}])
def test_a_number_that_json_does_not_have_is_refused(number: float, wrap: Any) -> None:
    for one in (user("", n=wrap(number)), user("", metadata=wrap(number))):
        with pytest.raises(InvalidInput, match="is not a JSON number"):
            from_python(one)


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), {1: "a"}, 1j])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    for one in (user("", n=value), user("", metadata=value), user([value])):
        with pytest.raises(InvalidInput, match=r"^message"):
            from_python(one)


def nested(depth: int) -> Any:
    value: Any = []
    for place in range(depth - 1):
        value = {"in": value} if place % 2 else [value]
    return value


def test_a_message_may_nest_as_deep_as_the_limit() -> None:
    one = user(nested(MAX_DEPTH - 1))
    assert came_back(one) == one
    from_python(one)


def test_a_message_that_nests_deeper_is_refused() -> None:
    with pytest.raises(InvalidInput, match="message: nests deeper than 128 levels"):
        from_python(user(nested(MAX_DEPTH)))


def test_a_message_that_contains_itself_is_refused() -> None:
    endless = user("")
    endless["self"] = endless
    with pytest.raises(InvalidInput, match="nests deeper"):
        from_python(endless)


@pytest.mark.parametrize(
    ("one", "mended", "replaced"),
    [
        (user("a\ud800b"), user("a\ufffdb"), 1),
        (user("", "k\udfff"), user("", "k\ufffd"), 1),
        (user([{"\ud800": ["\udbff\udbff"]}]), user([{"\ufffd": ["\ufffd\ufffd"]}]), 3),
        (user("", metadata={"\ud800": "a"}), user("", metadata={"\ufffd": "a"}), 1),
        (user("", name="\udc00"), user("", name="\ufffd"), 1),
        (user("fine 👋"), user("fine 👋"), 0),
    ],
)
def test_a_lone_surrogate_is_replaced_and_counted(one: Any, mended: Any, replaced: int) -> None:
    new = from_python(one)
    assert (new.digest, new.replaced) == (from_json(mended).digest, replaced)


def test_the_answer_says_how_many_surrogates_were_replaced() -> None:
    news = [from_python(user("\ud800")), from_python(user("\udfff\udfff"))]
    assert message.append(absent(), news, at=NOON).replaced == 3


def test_a_program_may_give_a_message_of_the_common_kind() -> None:
    one = Message(role="tool", content="ok", tool_call_id="call_1", metadata={"a": 1}, id="m")
    assert from_python(one) == from_json(
        {"role": "tool", "content": "ok", "tool_call_id": "call_1", "metadata": {"a": 1}, "id": "m"}
    )


def test_a_program_may_give_any_mapping_also_within() -> None:
    inner = types.MappingProxyType({"a": (1, 2)})
    one = types.MappingProxyType({"role": "user", "content": [inner]})
    assert from_python(one) == from_json(user([{"a": [1, 2]}]))


# -- what a history shows ----------------------------------------------------------------------


def text_part(text: Any, **members: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **members}


IMAGE = {"type": "image_url", "image_url": {"url": "data:"}}

SHOWN: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("a text", {"content": "hi"}, {"content": "hi"}),
    (
        "text parts, joined with a blank line",
        {"content": [text_part("a"), {"type": "input_text", "text": "b"}, {"text": "c"}]},
        {"content": "a\n\nb\n\nc", "content_parts": ...},
    ),
    (
        "the output of a model",
        {"content": [{"type": "output_text", "text": "a", "annotations": []}]},
        {"content": "a", "content_parts": ...},
    ),
    (
        "no thoughts",
        {"content": [text_part("a", thought=True), text_part("b", thought=False)]},
        {"content": "b", "content_parts": ...},
    ),
    (
        "no text of other parts",
        {"content": [{"type": "reasoning", "text": "a"}, text_part(None), "b", 1, IMAGE]},
        {"content": "", "content_parts": ...},
    ),
    ("images only", {"content": [IMAGE]}, {"content": "", "content_parts": ...}),
    ("an empty list", {"content": []}, {"content": "", "content_parts": ...}),
    ("null", {"content": None}, {"content": ""}),
    ("absent", {}, {"content": ""}),
    (
        "absent, with parts",
        {"parts": [{"text": "a"}, {"text": "b", "thought": True}, {"functionCall": {}}]},
        {"content": "a", "parts": ...},
    ),
    (
        "null, with parts",
        {"content": None, "parts": [{"text": "a"}]},
        {"content": "a", "parts": ...},
    ),
    (
        "a text, with parts",
        {"content": "a", "parts": [{"text": "b"}]},
        {"content": "a", "parts": ...},
    ),
    ("parts that are no list", {"parts": "a"}, {"content": "", "parts": ...}),
    (
        "an object",
        {"content": {"a": [1, None]}},
        {"content": '{"a":[1,null]}', "content_parts": ...},
    ),
    ("a number", {"content": 2**70}, {"content": str(2**70), "content_parts": ...}),
    ("true", {"content": True}, {"content": "true", "content_parts": ...}),
    (
        "parts of ours in the place of the client's",
        {"content_parts": 1, "content": [text_part("a")]},
        {"content": "a", "content_parts": [text_part("a")]},
    ),
    (
        "the client's parts beside a text",
        {"content": "a", "content_parts": 1},
        {"content": "a", "content_parts": 1},
    ),
    ("no null", {"content": "a", "refusal": None, "x": {"y": None}}, {"content": "a", "x": ...}),
    ("a name that is text", {"content": "a", "name": "n"}, {"content": "a", "name": "n"}),
    ("no other name", {"content": "a", "name": {"n": 1}}, {"content": "a"}),
    ("no id and no metadata", {"id": "i", "metadata": {"a": 1}, "content": "a"}, {"content": "a"}),
]


@pytest.mark.parametrize(("one", "form"), [case[1:] for case in SHOWN], ids=[c[0] for c in SHOWN])
def test_a_history_shows(one: dict[str, Any], form: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"role": "user"}
    for name, value in form.items():
        source = one["content"] if name == "content_parts" and value is ... else one.get(name)
        wanted[name] = source if value is ... else value
    assert msgspec.json.decode(shown(kept({**one, "role": "user"}))) == wanted


def test_a_history_has_role_and_content_first_and_the_rest_as_sent() -> None:
    one = {"z": 1, "content": [text_part("a")], "a": None, "b": 2, "role": "user"}
    found = list(msgspec.json.decode(shown(kept(one))))
    assert found == ["role", "content", "content_parts", "z", "b"]


@settings(max_examples=examples(2))
@given(messages())
def test_a_history_can_be_read_by_the_guides_clients(one: dict[str, Any]) -> None:
    found = msgspec.json.decode(shown(kept(one)))
    assert (found["role"], type(found["content"])) == (one["role"], str)
    assert list(found)[:2] == ["role", "content"]
    assert None not in found.values()
    assert isinstance(found.get("name", ""), str)
    assert not {"id", "metadata"} & found.keys()
    rest = one.keys() - {"role", "content", "content_parts", "name", "id", "metadata"}
    assert {n: found[n] for n in rest if one[n] is not None} == {
        n: one[n] for n in rest if one[n] is not None
    }


@settings(max_examples=examples(2))
@given(messages())
def test_a_body_that_is_plain_is_what_a_history_shows(one: dict[str, Any]) -> None:
    entry = kept(one)
    form = history_form(msgspec.json.decode(entry.body))
    if entry.form & PLAIN:
        assert entry.body == msgspec.json.encode(form)
    else:
        assert form != msgspec.json.decode(entry.body)


# -- appending ---------------------------------------------------------------------------------


def test_the_first_message_makes_the_session_live() -> None:
    state = absent()
    answer = message.append(state, [from_json(user("hi"))], at=NOON)
    assert (answer.seqs, answer.message_count, answer.version) == ([1], 1, 1)
    header = state.present().header()
    assert (header.created_at, header.last_activity) == (NOON, NOON)


def test_the_first_message_does_not_if_that_was_not_wanted() -> None:
    with pytest.raises(SessionNotFound):
        message.append(absent(), [from_json(user("hi"))], at=NOON, create=False)


def test_an_append_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        message.append(session_with("a"), [], at=NOON)


def test_a_message_sent_again_has_one_effect_and_gets_its_number() -> None:
    state = session_with("a", "b")
    before = picture(state)
    answer = message.append(state, [from_json(user("b", "b"))], at=NOON)
    assert (answer.seqs, answer.repeated) == ([2], True)
    assert picture(state) == before


def test_messages_without_ids_are_never_taken_for_known() -> None:
    state = session_with("a")
    assert say(state, user("same"), user("same")) == [2, 3]


def test_each_message_gets_its_own_number_known_or_new_and_in_any_order() -> None:
    state = session_with("a", "b")
    one, known, twice = user("c", "c"), user("a", "a"), user("c", "c")
    answer = message.append(state, [from_json(m) for m in (one, known, twice)], at=NOON)
    assert (answer.seqs, answer.first_seq, answer.last_seq) == ([3, 1, 3], 1, 3)
    assert not answer.repeated


def test_a_known_id_with_other_content_refuses_the_whole_call_and_names_the_first() -> None:
    state = session_with("a", "b")
    before = picture(state)
    with pytest.raises(KeyConflict, match="as entry 2"):
        say(state, user("c"), user("other", "b"))
    assert picture(state) == before


def test_a_conflict_within_one_call_says_so() -> None:
    state = absent()
    with pytest.raises(KeyConflict, match="earlier in the same call"):
        say(state, user("x", "x"), user("y", "x"))
    assert state.life is None


def test_ids_are_known_again_after_a_restart() -> None:
    again = reloaded(session_with("a", "b"))
    assert say(again, user("b", "b")) == [2]
    with pytest.raises(KeyConflict):
        say(again, user("other", "b"))


def test_an_id_is_free_again_in_the_next_life() -> None:
    state = session_with("a")
    state.delete(at=NOON)
    assert say(state, user("other", "a")) == [1]
    assert texts(state) == ["other"]


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=8))
def test_sending_in_any_order_any_number_of_times_leaves_each_once(order: list[str]) -> None:
    state = session_with("a", "b", "c")
    for key in order:
        say(state, user(key, key))
    assert texts(state) == ["a", "b", "c"]
