"""A tail that was cut says of what it has what it said before, and the one of before stays."""

from collections.abc import Sequence

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.session.entries import tail as tails
from runtime.session.entries.chain import dropped_body
from runtime.session.entries.forms import shown, shown_json
from runtime.session.entries.stretch import Stretch
from runtime.session.entries.tail import Needs, Tail
from runtime.store.entries import MESSAGE, PLAIN, Entry
from tests.properties import examples
from tests.runtime.session.builders import entry
from tests.runtime.session.tails import ROOT, an_entry, extend, row, split

KINDS = (MESSAGE, "record", "switch", "rewind", "unheard of")
NUMBERS = st.integers(0, 24)

few = settings(max_examples=examples(0.6))
"""Of each, as all draw such tails: some hundreds."""


@st.composite
def cut(draw: st.DrawFn) -> tuple[list[Entry], Tail, Tail]:
    """Entries, a tail of them of which bodies were dropped, and the same once it was cut."""
    entries, whole = draw(split())
    for one in entries[: whole.settled]:
        if one.kind == "record" and draw(st.booleans()):
            whole.drop(one.seq, dropped_body(one))
    entries = [whole.entry(one.seq) for one in entries]
    return entries, whole, whole.cut(draw(st.integers(1, whole.settled + 1)))


def kept(entries: Sequence[Entry], tail: Tail) -> Sequence[Entry]:
    return entries[tail.first - 1 :]


@few
@given(cut())
def test_what_it_has_is_what_it_was(case: tuple[list[Entry], Tail, Tail]) -> None:
    entries, whole, tail = case
    assert [tail.entry(one.seq) for one in kept(entries, tail)] == kept(entries, tail)
    assert [tail.kind(one.seq) for one in kept(entries, tail)] == [
        one.kind for one in kept(entries, tail)
    ]
    assert [tail.at(one.seq) for one in kept(entries, tail)] == [
        one.at for one in kept(entries, tail)
    ]
    assert (tail.settled, tail.last, list(tail.fresh)) == (
        whole.settled,
        whole.last,
        list(whole.fresh),
    )


@few
@given(cut())
def test_the_chain_goes_on_from_before_what_it_has(case: tuple[list[Entry], Tail, Tail]) -> None:
    _, whole, tail = case
    for seq in (0, *range(tail.first - 1, tail.last + 1)):
        assert tail.chain(seq) == whole.chain(seq)


@few
@given(cut())
def test_what_it_has_no_more_is_asked_for(case: tuple[list[Entry], Tail, Tail]) -> None:
    _, _, tail = case
    for seq in range(1, tail.first):
        with pytest.raises(Needs):
            tail.entry(seq)
    for seq in range(1, tail.first - 1):
        with pytest.raises(Needs):
            tail.chain(seq)


@few
@given(cut())
def test_keys_and_calls_that_it_has_are_listed(case: tuple[list[Entry], Tail, Tail]) -> None:
    entries, whole, tail = case
    keyed = [(one.seq, one.kind, one.key) for one in entries if one.key is not None]
    assert list(tail.keyed()) == [one for one in keyed if one[0] >= tail.first]
    assert list(whole.keyed(tail.first)) == [one for one in keyed if one[0] < tail.first]
    assert sorted(tail.calls()) == [
        (one.seq, one.call) for one in kept(entries, tail) if one.call is not None
    ]


@few
@given(cut(), NUMBERS, NUMBERS)
def test_a_range_of_it_is_that_range(
    case: tuple[list[Entry], Tail, Tail], low: int, high: int
) -> None:
    entries, _, tail = case
    within = [one for one in kept(entries, tail) if low <= one.seq <= high]
    for kind in KINDS:
        wanted = [one.seq for one in within if one.kind == kind]
        assert list(tail.of_kind(kind, low, high)) == wanted
        assert list(tail.of_kind(kind, low, high, backwards=True)) == wanted[::-1]
        assert tail.count(kind, low, high) == len(wanted)
    # Whoever asks for these begins where it does.
    low = max(low, tail.first)
    assert tail.others(low, high) == [
        one.seq for one in within if low <= one.seq <= tail.settled and one.kind != MESSAGE
    ]
    assert shown_json(tail.shown(low, high)) == shown_json(
        shown(one) for one in within if one.kind == MESSAGE
    )


@pytest.mark.parametrize("far", [1, tails._FAR])
@few
@given(cut(), st.lists(an_entry(), min_size=1, max_size=4), st.data())
def test_it_grows_and_is_cut_again_wherever_its_places_begin(
    far: int, case: tuple[list[Entry], Tail, Tail], more: list[Entry], data: st.DataObject
) -> None:
    entries, _, tail = case
    entries = [*entries, *(evolve(one, seq=tail.last + n) for n, one in enumerate(more, 1))]
    extend(tail, entries[tail.last :])
    tail.settle(data.draw(st.integers(tail.settled, tail.last)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tails, "_FAR", far)
        again = tail.cut(data.draw(st.integers(tail.first, tail.settled + 1)))
    again.settle(again.last)
    assert [again.entry(one.seq) for one in kept(entries, again)] == kept(entries, again)
    assert list(again.keyed()) == [
        (one.seq, one.kind, one.key) for one in kept(entries, again) if one.key is not None
    ]
    assert again.size == again.cut(again.first).size


@few
@given(cut(), st.lists(an_entry(), min_size=1, max_size=4))
def test_the_one_of_before_stays_as_a_reader_has_it(
    case: tuple[list[Entry], Tail, Tail], more: list[Entry]
) -> None:
    entries, whole, tail = case
    size, last = whole.size, tail.last
    extend(tail, [evolve(one, seq=last + n) for n, one in enumerate(more, 1)])
    tail.settle(tail.last)
    for seq in tail.of_kind("record", tail.first, last):
        tail.drop(seq, dropped_body(tail.entry(seq)))
    assert [whole.entry(one.seq) for one in entries] == entries
    assert (whole.last, whole.size) == (len(entries), size)


# -- how much is cut ---------------------------------------------------------------------------


def size_of(one: Entry) -> int:
    """What a settled entry takes: its texts, the comma behind its body, and the columns."""
    texts = (one.body, one.metadata or b"", (one.key or "").encode())
    return sum(map(len, texts)) + 1 + 24


@few
@given(split())
def test_its_size_is_that_of_what_is_settled_of_what_it_has(case: tuple[list[Entry], Tail]) -> None:
    entries, tail = case
    for first in range(1, tail.settled + 2):
        assert tail.cut(first).size == sum(map(size_of, entries[first - 1 : tail.settled]))


@few
@given(split(), st.integers(0, 2_000))
def test_what_is_kept_is_as_much_as_fits(case: tuple[list[Entry], Tail], size: int) -> None:
    entries, tail = case
    first = tail.beyond(size)
    settled = entries[: tail.settled]
    if first <= tail.settled:
        assert sum(map(size_of, settled[first - 1 :])) <= size
    if first > 1:
        assert sum(map(size_of, settled[first - 2 :])) > size


def test_of_long_metadata_as_much_as_fits_is_kept() -> None:
    long = b'"%s"' % (b"x" * 1_000)
    tail = Tail.of_rows(ROOT, [row(entry(seq, metadata=long)) for seq in range(1, 11)])
    assert tail.beyond(5_500) == 6


def test_an_entry_that_is_too_long_by_itself_goes_too() -> None:
    tail = Tail.of_rows(ROOT, [row(entry(seq)) for seq in (1, 2, 3)])
    rest = tail.cut(tail.beyond(10))
    assert (rest.first, rest.settled, rest.last, rest.size) == (4, 3, 3, 0)
    extend(rest, [entry(4)])
    assert rest.entry(4) == entry(4)


def test_a_history_goes_on_when_the_tail_is_cut() -> None:
    tail = Tail.of_rows(ROOT, [row(entry(seq, form=PLAIN * (seq % 2))) for seq in range(1, 9)])
    stretch = Stretch(tail, ((1, 8),))
    slow = iter(stretch)
    first = next(slow)
    tail.cut(8)
    assert [first, *slow] == [tail.entry(seq) for seq in range(1, 9)]
    assert shown_json(stretch.shown()) == shown_json(shown(entry(seq)) for seq in range(1, 9))
