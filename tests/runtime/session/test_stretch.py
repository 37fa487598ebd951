"""A stretch shows the messages within its intervals, those that are not in memory once read."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.entries.forms import shown_json
from runtime.session.entries.stretch import Stretch
from runtime.session.entries.tail import Needs, Tail
from runtime.store.entries import MESSAGE, PLAIN, Entry
from tests.runtime.session.builders import entry
from tests.runtime.session.tails import ROOT, extend, row, split

LAST = 9


def a_log() -> list[Entry]:
    """Messages of both forms, but 3 and 7, which are records."""
    return [
        entry(seq, kind="record", form=0) if seq in (3, 7) else entry(seq, form=PLAIN * (seq % 2))
        for seq in range(1, LAST + 1)
    ]


def of(first: int, *intervals: tuple[int, int]) -> Stretch:
    """Of these intervals of the log, with the entries from `first` on in memory."""
    tail = Tail.of_rows(ROOT, [row(one) for one in a_log()])
    return Stretch(tail.cut(first), intervals, 1)


def read(stretch: Stretch, *seqs: int) -> Stretch:
    """The stretch with the messages of these numbers read."""
    return evolve(stretch, earlier=tuple(one for one in a_log() if one.seq in seqs))


def seqs_of(stretch: Stretch) -> list[int]:
    return [one.seq for one in stretch]


@pytest.mark.parametrize(
    ("first", "intervals", "gaps"),
    [
        (1, [(1, 9)], []),
        (4, [(4, 9)], []),
        (4, [(3, 9)], [range(3, 4)]),
        (4, [(1, 3)], [range(1, 4)]),
        (4, [(1, 2), (5, 9)], [range(1, 3)]),
        (6, [(1, 2), (4, 7), (9, 9)], [range(1, 3), range(4, 6)]),
        (10, [(1, 4), (6, 9)], [range(1, 5), range(6, 10)]),
        (5, [], []),
    ],
)
def test_its_gaps_are_the_numbers_in_it_that_are_not_in_memory(
    first: int, intervals: list[tuple[int, int]], gaps: list[range]
) -> None:
    assert of(first, *intervals).gaps() == gaps


def test_what_is_in_memory_is_shown_without_the_gaps() -> None:
    resident = of(5, (1, 2), (4, 6), (8, 9)).resident()
    assert resident.gaps() == []
    assert seqs_of(resident) == [5, 6, 8, 9]
    assert len(resident) == 4


def test_with_what_was_read_it_is_whole() -> None:
    stretch = read(of(5, (1, 4), (6, 8)), 1, 2, 4)
    assert seqs_of(stretch) == [1, 2, 4, 6, 8]
    assert len(stretch) == 5


def test_what_was_read_is_not_shown_with_what_is_in_memory_alone() -> None:
    assert seqs_of(read(of(5, (1, 6)), 1, 2, 4).resident()) == [5, 6]


def test_a_gap_without_messages_is_read_and_shows_none() -> None:
    stretch = of(4, (3, 5))
    assert stretch.gaps() == [range(3, 4)]
    assert seqs_of(read(stretch)) == [4, 5]


@pytest.mark.parametrize("look", [list, len, lambda stretch: stretch.shown()])
def test_whoever_looks_at_it_is_told_what_to_read(look: object) -> None:
    assert callable(look)
    with pytest.raises(Needs) as needs:
        look(of(5, (2, 3), (5, 9)))
    assert needs.value.wanted.seqs == range(2, 4)


@given(split(), st.data())
def test_it_shows_the_same_wherever_its_messages_are(
    case: tuple[list[Entry], Tail], data: st.DataObject
) -> None:
    entries, whole = case
    end = data.draw(st.integers(0, whole.last))
    middle = data.draw(st.integers(0, end))
    intervals = tuple(
        (low, high) for low, high in ((1, middle - 1), (middle + 1, end)) if low <= high
    )
    tail = whole.cut(data.draw(st.integers(1, whole.settled + 1)))
    stretch = Stretch(tail, intervals, 1)
    gaps = [seq for gap in stretch.gaps() for seq in gap]
    stretch = evolve(
        stretch,
        earlier=tuple(one for one in entries if one.seq in gaps and one.kind == MESSAGE),
    )
    extend(tail, [entry(tail.last + 1)])
    assert list(stretch) == list(Stretch(whole, intervals))
    assert len(stretch) == len(Stretch(whole, intervals))
    assert shown_json(stretch.shown()) == shown_json(Stretch(whole, intervals).shown())
