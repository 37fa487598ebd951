"""JSON comes in as it was sent, or is refused with the place where it is wrong."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import InvalidInput
from runtime.session.bodies.encoding import MAX_DEPTH, check_tree, encode, parse, replace_surrogates
from tests.runtime.session.builders import json_values

any_text = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=8)
any_json = st.recursive(
    any_text, lambda inner: st.lists(inner) | st.dictionaries(any_text, inner), max_leaves=6
)


@given(json_values)
def test_what_is_encoded_is_read_again(value: Any) -> None:
    assert parse(encode(value, "body"), "body") == (value, 0)


@given(json_values)
def test_what_others_encode_is_read(value: Any) -> None:
    assert parse(json.dumps(value).encode(), "body") == (value, 0)


@pytest.mark.parametrize(
    ("sent", "read", "replaced"),
    [
        (rb'"\ud800"', "\ufffd", 1),
        (rb'"\udc00"', "\ufffd", 1),
        (rb'"\uD83D\uDE00"', "😀", 0),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd😀", 1),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd", 2),
        (rb'"\ud83dx"', "\ufffdx", 1),
        (rb'"\ud83d\n"', "\ufffd\n", 1),
        (rb'"\\ud800"', "\\ud800", 0),
        (rb'"\\\ud800"', "\\\ufffd", 1),
        (rb'{"\udfff": ["\\\\ud800 \ud800"]}', {"\ufffd": ["\\\\ud800 \ufffd"]}, 2),
        (rb'"\u0000"', "\0", 0),
    ],
)
def test_a_lone_surrogate_is_replaced_and_counted(sent: bytes, read: Any, replaced: int) -> None:
    assert parse(sent, "body") == (read, replaced)


@given(any_text)
def test_surrogates_are_told_from_pairs_as_python_does(sent: str) -> None:
    read, replaced = parse(json.dumps(sent).encode(), "body")
    # Python's own reader joins pairs, and leaves what is alone.
    wanted = json.loads(json.dumps(sent))
    alone = sum("\ud800" <= letter <= "\udfff" for letter in wanted)
    mended = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in wanted)
    assert (read, replaced) == (mended, alone)


@given(any_json)
def test_what_is_mended_can_be_encoded_and_nothing_else_is_changed(value: Any) -> None:
    mended, replaced = replace_surrogates(value)
    encode(mended, "body")
    assert (mended == value) == (replaced == 0)
    assert replace_surrogates(mended) == (mended, 0)


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (b"", "body is not JSON"),
        (b"{", "body is not JSON"),
        (b'{"a":NaN}', "body is not JSON"),
        (b"[1e400]", "body is not JSON"),
        (b"[" + b"9" * 5_000 + b"]", "body is not JSON"),
        (b'"\xff"', "body is not UTF-8"),
        (b'"\xed\xa0\x80"', "body is not UTF-8"),
        (rb'["\ud800", NaN]', "body is not JSON"),
        (b"[" * 129 + b"]" * 129, "body: nests deeper than 128 levels"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "body nests deeper than 128 levels"),
    ],
)
def test_what_cannot_be_read_is_refused(sent: bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        parse(sent, "body")


def test_brackets_in_texts_do_not_count_for_the_depth() -> None:
    assert parse(msgspec.json.encode(["[{" * 500]), "body") == (["[{" * 500], 0)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_what_nests_as_deep_as_the_limit_is_read(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    parse((opening * (MAX_DEPTH - 1) + "[]" + closing * (MAX_DEPTH - 1)).encode(), "body")


@pytest.mark.parametrize("wide", [[[]] * 1_000, [{}] * 1_000])
def test_what_is_wide_is_not_deep(wide: Any) -> None:
    assert parse(msgspec.json.encode(wide), "body")[0] == wide


def test_what_will_lie_within_something_may_be_less_deep() -> None:
    text = b"[" * 120 + b"]" * 120
    parse(text, "body", around=8)
    with pytest.raises(InvalidInput, match="body: nests deeper"):
        parse(text, "body", around=9)


nests = st.recursive(st.just(0), lambda inner: st.lists(inner) | st.dictionaries(any_text, inner))


@given(nests, st.integers(0, MAX_DEPTH))
def test_what_was_parsed_is_too_deep_just_where_what_a_program_made_is(
    value: Any, around: int
) -> None:
    whole = value
    for _ in range(around):
        whole = [whole]

    def refuses(check: Callable[[], object]) -> bool:
        try:
            check()
        except InvalidInput:
            return True
        return False

    text = msgspec.json.encode(replace_surrogates(whole)[0])
    of_program = refuses(lambda: check_tree(whole, "body"))
    assert refuses(lambda: parse(text, "body")) == of_program
    inner = msgspec.json.encode(replace_surrogates(value)[0])
    assert refuses(lambda: parse(inner, "body", around=around)) == of_program


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, {1: 2}, b"", {1, 2}])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="body: "):
        check_tree(value, "body")


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(InvalidInput, match="body: "):
        encode({"a": object()}, "body")
