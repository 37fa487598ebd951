"""A value has one normal form, whatever its size, and however it was written.

Small texts are decoded whole, large ones piece by piece; here the pieces are so small that every
text has many.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import InvalidInput
from runtime.session.bodies.encoding import MAX_DEPTH, encode, parse
from runtime.session.bodies.normal import Apart, edited, is_text, normal
from runtime.session.bodies.pieces import WHOLE
from tests.runtime.session.builders import json_values

PIECES = st.sampled_from([24, 32, 50, 300])
"""Bytes of a piece. Two escapes that are one character have to fit in."""

WORDS = st.sampled_from(
    [
        *("0", "-0", "1.50", "-1.5E-3", "1e5", "12345678901234567890123", "null", "true"),
        *('"a"', '""', '"é😀"', r'"\u00e9\n"', r'"\"]"', r'"\\ud800"', r'"\ud83d\ude00"'),
        *(r'"\ud800"', r'"a\udc00\ud83d"', '"[' + "x" * 40 + '"', '"' + r"\ud83d\ude00é" * 9 + '"'),
    ]
)
SPACES = st.sampled_from(["", "", "", " ", "\n\t", " " * 70])
NAMES = st.sampled_from(['""', '"a"', '"b"', r'"\u0061"', '"' + "c" * 60 + '"', r'"\ud800"'])


def _spaced(parts: st.SearchStrategy[list[str]], opening: str, closing: str) -> Any:
    return st.tuples(parts, SPACES).map(
        lambda drawn: opening + drawn[1] + f"{drawn[1]},{drawn[1]}".join(drawn[0]) + closing
    )


texts = st.recursive(
    WORDS,
    lambda inner: (
        _spaced(st.lists(inner), "[", "]")
        | _spaced(
            st.lists(st.tuples(NAMES, SPACES, inner).map("{0[0]}{0[1]}:{0[2]}".format)), "{", "}"
        )
    ),
    max_leaves=30,
).map(str.encode)
"""JSON as anybody writes it: spaced, escaped, with names that come twice."""


def outcome(text: bytes) -> tuple[bytes, int] | None:
    """What becomes of a text that is decoded whole."""
    try:
        value, replaced = parse(text, "body")
    except InvalidInput:
        return None
    return encode(value, "body"), replaced


def in_pieces(text: bytes, whole: int) -> tuple[bytes, int] | None:
    try:
        return normal(text, "body", whole=whole)
    except InvalidInput:
        return None


@given(texts, PIECES)
def test_in_pieces_a_text_comes_to_the_same_bytes_as_whole(text: bytes, whole: int) -> None:
    assert in_pieces(text, whole) == outcome(text) is not None


@given(texts, PIECES, st.data())
def test_what_is_no_json_is_refused_in_pieces_as_it_is_whole(
    text: bytes, whole: int, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(text)))
    wrong = data.draw(st.sampled_from([b"", *(bytes((c,)) for c in b',:[]{}"\\ 0\xff\n')]))
    broken = text[:place] + wrong + text[place + data.draw(st.integers(0, 1)) :]
    assert in_pieces(broken, whole) == outcome(broken)


@given(json_values)
def test_the_normal_form_says_the_same(value: Any) -> None:
    found, replaced = normal(json.dumps(value, indent=3).encode(), "body", whole=24)
    assert (parse(found, "body")[0], replaced) == (value, 0)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("around", [0, 1])
def test_it_may_nest_as_deeply_as_what_is_decoded_whole(
    opening: str, closing: str, around: int
) -> None:
    levels = MAX_DEPTH - around - 1
    text = (opening * levels + "[" + "0," * 50 + "0]" + closing * levels).encode()
    assert normal(text, "body", around=around, whole=48)[0] == text
    with pytest.raises(InvalidInput, match=f"body: nests deeper than {MAX_DEPTH} levels"):
        normal(b"[" + text + b"]", "body", around=around, whole=48)


def test_of_members_of_one_name_the_last_counts_where_the_first_stood() -> None:
    rows = ['"a":1', '"b":2', *(f'"c{n}":0' for n in range(50)), '"a":[3]', '"b":4']
    text = "{" + ",".join(rows) + "}"
    wanted = json.dumps(json.loads(text), separators=(",", ":")).encode()
    assert normal(text.encode(), "body", whole=24) == (wanted, 0)


def test_a_number_longer_than_the_largest_piece_is_refused() -> None:
    text = b"[0." + b"1" * WHOLE + b"]"
    with pytest.raises(InvalidInput, match=f"body: a number has more than {WHOLE} characters"):
        normal(text, "body")


def test_what_is_wrong_is_named_with_what_it_is_in() -> None:
    with pytest.raises(InvalidInput, match="record 'k' is not JSON"):
        normal(b"[" + b"[]," * WHOLE, "record 'k'")


# -- an object whose members are looked at -----------------------------------------------------


@given(st.dictionaries(st.text(max_size=3), json_values), PIECES)
def test_all_members_are_seen_once_and_those_taken_out_are_gone(
    value: dict[str, Any], whole: int
) -> None:
    seen: list[str] = []

    def edit(found: dict[str, Any]) -> None:
        seen.extend(found)
        for name in [name for name in found if name > "m"]:
            del found[name]

    kept, _ = edited(json.dumps(value).encode(), "body", edit, whole=whole)
    assert sorted(seen) == sorted(value)
    assert parse(kept, "body")[0] == {n: v for n, v in value.items() if n <= "m"}


def test_of_a_large_member_it_is_known_whether_it_is_text() -> None:
    found: dict[str, bool] = {}
    large = {"text": "x" * WHOLE, "list": ["x" * WHOLE], "short": "x", "number": 1}
    edited(
        json.dumps(large).encode(),
        "body",
        lambda some: found.update({name: is_text(value) for name, value in some.items()}),
    )
    assert found == {"text": True, "list": False, "short": True, "number": False}


@pytest.mark.parametrize("text", [b"[]", b"[" + b"0," * WHOLE + b"0]", b'"a"'])
def test_what_is_no_object_has_no_members(text: bytes) -> None:
    with pytest.raises(InvalidInput, match="body: must be a JSON object"):
        edited(text, "body", dict.clear)


# -- taken apart -------------------------------------------------------------------------------

SIZES = (0, WHOLE)


@pytest.mark.parametrize("spaces", SIZES)
def test_an_array_is_taken_apart_into_its_elements_as_they_were_sent(spaces: int) -> None:
    large = b"[" + b"1.50, " * WHOLE + b"0]"
    parts = [b"1.50", b'{"a": [ ]}', large, b'"\\u00e9"']
    apart = Apart(b"[" + b" " * spaces + b" , ".join(parts) + b"]", "list")
    assert list(apart.elements()) == parts


@pytest.mark.parametrize("spaces", SIZES)
def test_an_object_is_taken_apart_into_its_members(spaces: int) -> None:
    text = b'{"a": 1,' + b" " * spaces + b'"b" : [ 2 ], "\\u0063":"' + b"x" * WHOLE + b'"}'
    found = dict(Apart(text, "body").members())
    assert found == {"a": b"1", "b": b"[ 2 ]", "c": b'"' + b"x" * WHOLE + b'"'}


@pytest.mark.parametrize("spaces", SIZES)
def test_surrogates_that_are_replaced_on_the_way_are_counted(spaces: int) -> None:
    apart = Apart(b'{"a":"\\ud800"' + b" " * spaces + b',"\\udfff":1}', "body")
    found = dict(apart.members())
    read = [normal(value, "body") for value in found.values()]
    assert list(found) == ["a", "\ufffd"]
    assert apart.replaced + sum(replaced for _, replaced in read) == 2


@pytest.mark.parametrize("end", [b"", b"]", b",]", b"] 0", b",,0]"])
def test_what_is_no_array_is_noticed_at_the_latest_at_its_end(end: bytes) -> None:
    text = b"[" + b" " * WHOLE + b"0" + end
    if end == b"]":
        assert list(Apart(text, "list").elements()) == [b"0"]
        return
    with pytest.raises(InvalidInput, match="list is not JSON"):
        list(Apart(text, "list").elements())


def test_what_is_within_a_long_child_is_not_looked_for() -> None:
    long = b"[" + b"1e999," * WHOLE + b"0]"
    assert list(Apart(b"[" + long + b"]", "list").elements()) == [long]
