import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime import FunctionCall, InvalidInput, Message, ToolCall
from runtime.session.message import MAX_DEPTH, ROLES, Entry, decode_message, encode_object
from tests.runtime.fakes import NOON

CALL = ToolCall("call_1", FunctionCall("read_file", '{"path":"a.dart"}'))

text = st.text(st.characters(exclude_categories=["Cs"]))
ids = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=256)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=20
)
json_objects = st.dictionaries(text, json_values)
messages = st.builds(
    Message,
    role=st.sampled_from(ROLES),
    content=text,
    name=st.none() | text,
    tool_calls=st.none()
    | st.lists(
        st.builds(ToolCall, id=text, function=st.builds(FunctionCall, name=text, arguments=text))
    ).map(tuple),
    tool_call_id=st.none() | text,
    metadata=st.none() | json_objects,
    id=st.none() | ids,
)


def nested(depth: int) -> dict[str, Any]:
    """An object in an object …, `depth` of them."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"in": value}
    return value


def body_of(message: Message) -> str:
    return message.encode(NOON).body.decode()


def test_a_body_has_the_members_in_the_published_order() -> None:
    message = Message(
        tool_call_id="call_1", tool_calls=(CALL,), name="bob", content="hi", role="assistant"
    )
    assert body_of(message) == (
        '{"role":"assistant","content":"hi","name":"bob","tool_calls":[{"id":"call_1",'
        '"type":"function","function":{"name":"read_file",'
        '"arguments":"{\\"path\\":\\"a.dart\\"}"}}],"tool_call_id":"call_1"}'
    )


def test_a_body_has_no_members_that_were_not_given() -> None:
    assert body_of(Message(role="user", content="hi")) == '{"role":"user","content":"hi"}'


def test_no_content_is_kept_as_the_empty_text() -> None:
    assert body_of(Message(role="assistant", content=None)) == '{"role":"assistant","content":""}'


def test_an_empty_list_of_tool_calls_is_kept() -> None:
    assert json.loads(body_of(Message(role="assistant", tool_calls=())))["tool_calls"] == []


def test_text_is_kept_as_it_is_and_not_escaped() -> None:
    assert "Привет 👋" in body_of(Message(role="user", content="Привет 👋"))


def test_metadata_and_id_are_kept_beside_the_body() -> None:
    entry = Message(role="user", content="hi", metadata={"a": 1}, id="m-1").encode(NOON)
    assert entry == Entry(b'{"role":"user","content":"hi"}', NOON, "m-1", b'{"a":1}')


@settings(max_examples=50)
@given(messages)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert decode_message(message.encode(NOON)) == message


@settings(max_examples=50)
@given(messages)
def test_a_decoded_message_encodes_to_the_same_bytes(message: Message) -> None:
    entry = message.encode(NOON)
    assert decode_message(entry).encode(NOON) == entry


@settings(max_examples=50)
@given(messages)
def test_a_body_never_has_a_null(message: Message) -> None:
    def values(node: Any) -> list[Any]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        return [node, *(found for child in inner for found in values(child))]

    assert None not in values(json.loads(message.encode(NOON).body))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [n], lambda n: {"deep": [{"er": n}]}])
def test_a_number_that_json_does_not_have_is_refused(number: float, wrap: Any) -> None:
    with pytest.raises(InvalidInput, match="is not a JSON number"):
        Message(role="user", metadata={"n": wrap(number)}).encode(NOON)


@pytest.mark.parametrize(
    "message",
    [
        Message(role="user", content="\ud800"),
        Message(role="user", name="\udfff"),
        Message(role="user", tool_call_id="a\ud800b"),
        Message(role="assistant", tool_calls=(ToolCall("\ud800", FunctionCall("f", "{}")),)),
        Message(role="assistant", tool_calls=(ToolCall("1", FunctionCall("f", "\ud800")),)),
        Message(role="user", metadata={"a": "\ud800"}),
        Message(role="user", metadata={"\ud800": "a"}),
    ],
)
def test_a_lone_surrogate_is_refused(message: Message) -> None:
    with pytest.raises(InvalidInput, match="lone surrogate"):
        message.encode(NOON)


def test_metadata_may_nest_as_deep_as_the_limit() -> None:
    assert Message(role="user", metadata=nested(MAX_DEPTH)).encode(NOON).metadata is not None


def test_metadata_that_nests_deeper_is_refused() -> None:
    with pytest.raises(InvalidInput, match="metadata: nests deeper than 32 levels"):
        Message(role="user", metadata=nested(MAX_DEPTH + 1)).encode(NOON)


def test_arrays_count_for_the_depth_as_objects_do() -> None:
    value: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    with pytest.raises(InvalidInput, match="nests deeper"):
        encode_object({"a": value}, "metadata")


def test_metadata_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(InvalidInput, match="nests deeper"):
        encode_object(endless, "metadata")


@pytest.mark.parametrize("value", [object(), 1j, {None: 1}])
def test_a_value_that_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="metadata: "):
        encode_object({"a": value}, "metadata")


@pytest.mark.parametrize(
    "message_id", ["", "x" * 257, "a\n", "tab\t", "é", "\x00", "\x7f", "a\ud800"]
)
def test_a_bad_id_is_refused(message_id: str) -> None:
    with pytest.raises(InvalidInput, match="id: must be"):
        Message(role="user", id=message_id).encode(NOON)


@pytest.mark.parametrize("message_id", ["x", "x" * 256, "a b", "~!@#", "7e3c-uuid"])
def test_a_printable_id_is_accepted(message_id: str) -> None:
    assert Message(role="user", id=message_id).encode(NOON).id == message_id


@pytest.mark.parametrize("role", ["", "User", "robot", None, 7])
def test_an_unknown_role_is_refused(role: Any) -> None:
    with pytest.raises(InvalidInput, match="role: "):
        Message(role=role).encode(NOON)


def test_messages_are_the_same_whenever_they_were_said() -> None:
    message = Message(role="user", content="hi", metadata={"a": 1})
    assert message.encode(NOON).same_message(message.encode("2026-01-01T00:00:00.000Z"))


@pytest.mark.parametrize(
    "other",
    [Message(role="user", content="ho"), Message(role="user", content="hi", metadata={"a": 1})],
)
def test_messages_with_another_body_or_metadata_are_not_the_same(other: Message) -> None:
    entry = Message(role="user", content="hi").encode(NOON)
    assert not entry.same_message(other.encode(NOON))


def test_the_size_of_an_entry_is_its_text() -> None:
    assert Entry(b"12345", NOON, "abc", b"{}").size == 10


@pytest.mark.parametrize(
    "message",
    [
        Message(role="user", content=5),  # type: ignore[arg-type]
        Message(role="user", content=math.nan),  # type: ignore[arg-type]
        Message(role="user", content="", name=b"n"),  # type: ignore[arg-type]
        Message(role="tool", content="", tool_call_id=1),  # type: ignore[arg-type]
    ],
)
def test_what_has_to_be_text_is_text_in_an_embedding_program_too(message: Message) -> None:
    with pytest.raises(InvalidInput, match="must be text"):
        message.encode(NOON)


@pytest.mark.parametrize("value", [{1, 2}, b"x", object(), {1: "a"}, {"a": [{math.nan}]}])
def test_metadata_that_is_not_plain_json_is_refused(value: object) -> None:
    message = Message(role="user", metadata={"a": value})
    with pytest.raises(InvalidInput, match="metadata"):
        message.encode(NOON)
