"""The texts of a message, in whatever form a framework wrote it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.asked.searched import text_of
from runtime.session.bodies.texts import LOOKED_AT, SPACELESS, role_of, texts_of
from runtime.session.kinds.table import KINDS

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":"b"}'}}


def body(**members: Any) -> bytes:
    return msgspec.json.encode({"role": "assistant", "content": None, **members})


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"content": "Hello"}, "Hello"),
        ({"content": ""}, ""),
        (
            {"content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
            "one\ntwo",
        ),
        ({"parts": [{"text": "a"}, {"functionResponse": {"response": {"out": "x y"}}}]}, "a\nx y"),
        ({"tool_calls": [CALL]}, 'f\n{"a":"b"}'),
        ({"content": [{"type": "tool_result", "tool_use_id": "t", "content": "done"}]}, "done"),
        ({"content": [{"type": "image", "source": {"type": "base64", "data": "QUJD"}}]}, ""),
        ({"content": [{"image_url": {"url": "data:image/png;base64,QUJD"}}]}, ""),
        ({"content": 'a"b\\c\u00e9\n'}, 'a"b\\cé\n'),
        ({"content": "x" * (SPACELESS + 1)}, ""),
        ({"content": "数" * SPACELESS}, "数" * SPACELESS),
        ({"content": {"deep": [["text"]]}}, "text"),
    ],
)
def test_the_texts_of_a_message_are_those_that_somebody_said(
    members: dict[str, Any], found: str
) -> None:
    assert texts_of(body(**members)) == found


def test_escapes_are_characters() -> None:
    escaped = rb'{"role":"u","content":"\u0434\u043e\u043c \ud83d\ude00 \/"}'
    assert texts_of(escaped) == "дом \U0001f600 /"


def test_a_role_stands_first() -> None:
    assert role_of(b'{"role":"to\\"ol","content":"x"}') == 'to"ol'
    assert role_of(b"{}") == ""


def test_of_a_large_message_the_beginning_is_looked_at() -> None:
    text = "word " * LOOKED_AT
    found = texts_of(body(content=text))
    assert text.startswith(found)
    assert len(found) > LOOKED_AT - 100


@pytest.mark.parametrize("end", range(1, 12))
def test_a_text_that_is_cut_within_an_escape_is_read_as_far_as_it_goes(end: int) -> None:
    start = b'{"role":"u","content":"' + b"a " * (LOOKED_AT // 2)
    cut = start[: LOOKED_AT - end] + rb'\u0434\ud83d\ude00 end"}'
    assert texts_of(cut).startswith("a a a")


@given(JSON)
def test_any_message_has_texts(value: Any) -> None:
    message = json.dumps({"role": "user", "content": value}, separators=(",", ":")).encode()
    texts_of(message)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=100))
def test_what_is_text_is_read_as_it_was_written(text: str) -> None:
    expected = "" if text.startswith("data:") else text
    for ascii_only in (True, False):
        written = json.dumps(text, ensure_ascii=ascii_only)
        assert texts_of(f'{{"role":"user","content":{written}}}'.encode()) == expected


def test_only_messages_and_titles_are_searched() -> None:
    title = text_of((1, "settings", None, "", b'{"title":"My Title"}', b"", None, 0, None))
    assert title is not None
    assert (title.role, title.words) == (None, "my title")
    gone = text_of((1, "settings", None, "", b'{"title":null}', b"", None, 0, None))
    assert gone is not None
    assert gone.words == ""
    for damaged in (b"{", b"5", b'"title"', b"\xff"):
        assert text_of((1, "settings", None, "", damaged, b"", None, 0, None)) is None
    for kind in (*(KINDS.keys() - {"message"}), "unknown"):
        assert text_of((1, kind, "k", "", b'{"value":"x"}', b"", None, 0, None)) is None
