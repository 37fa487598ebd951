"""What comes in pieces is read as if it had come at once."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sse import Frames
from tests.web.clients.fakes import event
from web.clients.core.parsing import Event, Events, Lines
from web.clients.errors import AgentRuntimeError

CUTS = st.lists(st.integers(0, 400), max_size=20)


def cut(content: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(content), *(min(one, len(content)) for one in cuts)})
    return [content[start:end] for start, end in pairwise(edges)]


def fed(content: bytes, cuts: list[int] | None = None) -> list[Event]:
    events = Events()
    return [found for piece in cut(content, cuts or []) for found in events.feed(piece)]


@given(st.lists(st.binary(max_size=40).map(lambda one: one.replace(b"\n", b""))), CUTS)
def test_lines_are_the_same_wherever_they_were_cut(texts: list[bytes], cuts: list[int]) -> None:
    lines = Lines()
    whole = [text + b"\n" for text in texts]
    pieces = cut(b"".join(whole) + b"rest", cuts)
    assert [line for piece in pieces for line in lines.feed(piece)] == whole
    assert lines.end() == b"rest"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["message", "draft", "alive"]),
            st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers()),
            st.none() | st.from_regex(r"[0-9]{1,4}-[0-9a-f]{16}", fullmatch=True),
        )
    ),
    CUTS,
)
def test_events_are_the_same_wherever_they_were_cut(
    told: list[tuple[str, dict[str, object], str | None]], cuts: list[int]
) -> None:
    content = b"".join(event(*one) for one in told)
    found = fed(content, cuts)
    assert [(one.name, one.data) for one in found] == [(name, data) for name, data, _ in told]
    assert [(one.kind, one.data) for one in Frames().feed(content)] == [
        (one.name, one.data) for one in found
    ]


def test_an_event_without_a_place_has_that_of_the_one_before() -> None:
    first, second = fed(event("message", place="1-00") + event("draft"))
    assert (first.cursor, second.cursor) == ("1-00", "1-00")


def test_a_stream_may_begin_with_a_place_and_a_wish_and_no_event() -> None:
    events = Events()
    assert list(events.feed(b"retry: 1500\nid: 7-00\n\n")) == []
    assert (events.cursor, events.retry) == ("7-00", 1.5)


def test_comments_other_fields_and_carriage_returns_are_as_the_standard_has_them() -> None:
    assert fed(b': hi\r\nother: 1\r\nevent: message\r\ndata: {"a":\r\ndata:1}\r\n\r\n') == [
        Event("message", {"a": 1}, None)
    ]


def test_a_place_of_an_event_without_data_counts_and_its_name_does_not() -> None:
    assert fed(b"id: 3\nevent: reset\n\n" + event("message")) == [Event("message", {}, "3")]


def test_what_is_no_json_is_no_event_of_the_service() -> None:
    with pytest.raises(AgentRuntimeError):
        fed(b"data: <html>\n\n")


def test_text_cut_within_a_letter_is_whole() -> None:
    content = event("message", {"text": "é"}).replace(json.dumps("é").encode(), '"é"'.encode())
    assert fed(content, list(range(len(content))))[0].data == {"text": "é"}
