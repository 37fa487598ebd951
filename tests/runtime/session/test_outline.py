"""An outline says what a plain list of the same entries says of those that are no messages."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.entries.outline import Outline
from runtime.session.entries.tail import Tail
from runtime.store.entries import CALL_SIZE, DROPPED, MESSAGE, REMOVAL, Entry, Mark
from tests.runtime.session.builders import NOON, at, entry, keys

KINDS = (MESSAGE, "record", "switch", "rewind")
NUMBERS = st.integers(0, 24)


@st.composite
def an_entry(draw: st.DrawFn) -> Entry:
    """One without its number: a message, or of another kind without what an outline leaves out."""
    return entry(
        0,
        kind=draw(st.sampled_from(KINDS)),
        key=draw(st.none() | keys),
        at=at(draw(st.integers(0, 600))),
        body=b"",
        chain=b"",
        form=draw(st.sampled_from([0, REMOVAL, DROPPED])),
    )


@st.composite
def logs(draw: st.DrawFn) -> list[Entry]:
    found = draw(st.lists(an_entry(), max_size=20))
    return [
        Entry(seq, one.kind, one.key, one.at, b"", b"", None, one.form)
        for seq, one in enumerate(found, 1)
    ]


def marks(entries: Sequence[Entry]) -> list[Mark]:
    return [
        (one.seq, one.kind, one.key, one.at, one.form) for one in entries if one.kind != MESSAGE
    ]


@given(logs())
def test_every_entry_is_of_the_kind_that_it_was(entries: list[Entry]) -> None:
    outline = Outline(marks(entries))
    assert [outline.kind(one.seq) for one in entries] == [one.kind for one in entries]


@given(logs())
def test_what_is_no_message_is_there_without_its_body(entries: list[Entry]) -> None:
    outline = Outline(marks(entries))
    others = [one for one in entries if one.kind != MESSAGE]
    assert [outline.entry(one.seq) for one in others] == others


@given(logs(), NUMBERS, NUMBERS)
def test_a_range_of_it_is_that_range(entries: list[Entry], low: int, high: int) -> None:
    outline = Outline(marks(entries))
    others = [one for one in entries if low <= one.seq <= high and one.kind != MESSAGE]
    assert list(outline.others(low, high)) == [one.seq for one in others]
    assert outline.count(low, high) == len(others)
    for kind in (*KINDS[1:], "unheard of"):
        assert list(outline.of_kind(kind, low, high)) == [
            one.seq for one in others if one.kind == kind
        ]


@given(logs(), st.integers(0, 20))
def test_one_that_grew_says_what_one_made_at_once_does(entries: list[Entry], begun: int) -> None:
    grown, whole = Outline(marks(entries[:begun])), Outline(marks(entries))
    for mark in marks(entries[begun:]):
        grown.add(*mark)
    for one in entries:
        if one.kind != MESSAGE:
            assert grown.entry(one.seq) == whole.entry(one.seq)
    assert grown.count(1, 24) == whole.count(1, 24)


@given(logs(), st.integers(0, 20))
def test_marks_that_come_packed_say_the_same(entries: list[Entry], begun: int) -> None:
    tail = Tail(b"the root")
    for one in entries:
        tail.append(one)
    tail.settle(tail.last)
    grown, whole = Outline(marks(entries[:begun])), Outline(marks(entries))
    grown.add_all(tail.marks(begun + 1, tail.last))
    for one in entries:
        assert grown.kind(one.seq) == whole.kind(one.seq)
        if one.kind != MESSAGE:
            assert grown.entry(one.seq) == whole.entry(one.seq)


@given(logs(), st.data())
def test_a_body_that_is_dropped_is_noted_with_its_entry_alone(
    entries: list[Entry], data: st.DataObject
) -> None:
    outline = Outline(marks(entries))
    seqs = [one.seq for one in entries if one.kind != MESSAGE]
    gone = data.draw(st.sets(st.sampled_from(seqs))) if seqs else set()
    for seq in gone:
        outline.drop(seq)
    for one in entries:
        if one.kind != MESSAGE:
            dropped = DROPPED if one.seq in gone else 0
            assert outline.entry(one.seq).form == one.form | dropped


def test_the_size_of_a_call_is_left_to_who_has_the_body() -> None:
    outline = Outline([(3, "record", "k", NOON, REMOVAL | 500 << CALL_SIZE)])
    assert outline.entry(3).form == REMOVAL


def test_a_time_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="time"):
        Outline([(1, "record", "k", "yesterday", 0)])
