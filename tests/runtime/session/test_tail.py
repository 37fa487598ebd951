"""The entries in memory say the same however they came there, and to whoever reads beside."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import msgspec
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.entries import forms
from runtime.session.entries.chain import digest_of, dropped_body
from runtime.session.entries.counting import closed
from runtime.session.entries.forms import shown_json
from runtime.session.entries.stretch import Stretch
from runtime.session.entries.tail import Needs, Tail
from runtime.store.entries import DROPPED, MESSAGE, PLAIN, Entry
from runtime.store.stored import ALL
from tests.runtime.session.builders import NOON, entry
from tests.runtime.session.tails import ROOT, an_entry, extend, row, split


def shown(entries: list[Entry], low: int, high: int) -> Any:
    wanted = [one for one in entries if low <= one.seq <= high and one.kind == MESSAGE]
    return [msgspec.json.decode(forms.shown(one)) for one in wanted]


@given(split())
def test_every_entry_is_what_it_was(case: tuple[list[Entry], Tail]) -> None:
    entries, log = case
    assert [log.entry(seq) for seq in range(1, log.last + 1)] == entries
    assert [log.kind(one.seq) for one in entries] == [one.kind for one in entries]
    assert [log.chain(seq) for seq in range(log.last + 1)] == [ROOT, *(e.chain for e in entries)]
    assert list(log.fresh) == entries[log.settled :]


@given(split(), st.integers(1, 22), st.integers(0, 22))
def test_a_range_of_it_is_that_range(case: tuple[list[Entry], Tail], low: int, high: int) -> None:
    entries, log = case
    for kind in (MESSAGE, "record", "switch", "unheard of"):
        wanted = [one.seq for one in entries if low <= one.seq <= high and one.kind == kind]
        assert list(log.of_kind(kind, low, high)) == wanted
        assert log.count(kind, low, high) == len(wanted)
    assert msgspec.json.decode(shown_json(log.shown(low, high))) == shown(entries, low, high)


@given(split(), st.integers(1, 22), st.integers(0, 22))
def test_what_messages_say_is_read_backwards(
    case: tuple[list[Entry], Tail], low: int, high: int
) -> None:
    entries, log = case
    wanted = [one for one in entries if low <= one.seq <= high and one.kind == MESSAGE]
    for one, (body, key, metadata, form) in zip(reversed(wanted), log.said(low, high), strict=True):
        assert (body, metadata) == (one.body, one.metadata)
        assert forms.sent_of(body, key, metadata, form) == forms.sent(one)


@given(split())
def test_keys_and_calls_are_listed_with_their_numbers(case: tuple[list[Entry], Tail]) -> None:
    entries, log = case
    assert list(log.keyed()) == [(e.seq, e.kind, e.key) for e in entries if e.key is not None]
    assert sorted(log.calls()) == [(e.seq, e.call) for e in entries if e.call is not None]


@given(split(), st.lists(an_entry(), max_size=4), st.data())
def test_what_is_taken_back_was_never_there(
    case: tuple[list[Entry], Tail], more: list[Entry], data: st.DataObject
) -> None:
    entries, log = case
    last = data.draw(st.integers(log.settled, len(entries)))
    extend(log, [evolve(one, seq=log.last + place) for place, one in enumerate(more, 1)])
    log.take_back(last)
    assert [log.entry(seq) for seq in range(1, log.last + 1)] == entries[:last]
    extend(log, entries[last:])
    log.settle(log.last)
    assert [log.entry(seq) for seq in range(1, log.last + 1)] == entries


@given(split(), st.data())
def test_a_body_that_is_dropped_leaves_its_digest(
    case: tuple[list[Entry], Tail], data: st.DataObject
) -> None:
    entries, log = case
    log.settle(log.last)
    gone = data.draw(
        st.sets(st.sampled_from([e.seq for e in entries if e.kind == "record"] or [0]))
    )
    for seq in gone - {0}:
        log.drop(seq, dropped_body(log.entry(seq)))
    for one in entries:
        found = log.entry(one.seq)
        assert bool(found.form & DROPPED) == (one.seq in gone)
        assert digest_of(found) == digest_of(one)
        assert one.seq in gone or found == one


@given(split(), st.data())
def test_a_stretch_stays_what_it_was(case: tuple[list[Entry], Tail], data: st.DataObject) -> None:
    entries, log = case
    cut = data.draw(st.integers(0, len(entries)))
    stretch = Stretch(log, closed(((1, max(1, cut // 2)), (cut // 2 + 2, None)), log.last))
    before = list(stretch), shown_json(stretch.shown())
    extend(log, [entry(log.last + 1), entry(log.last + 2, form=0)])
    log.settle(data.draw(st.integers(log.settled, log.last)))
    assert (list(stretch), shown_json(stretch.shown())) == before
    assert len(stretch) == len(before[0])


def test_a_history_that_is_read_slowly_does_not_stop_the_log() -> None:
    log = Tail.of_rows(ROOT, [row(entry(seq, form=PLAIN if seq % 2 else 0)) for seq in range(1, 9)])
    slow = iter(Stretch(log, ((1, 8),)))
    first = next(slow)
    extend(log, [entry(9)])
    log.settle(9)
    assert [first, *slow] == [log.entry(seq) for seq in range(1, 9)]


def test_it_can_be_read_in_other_threads_while_it_grows() -> None:
    log = Tail.of_rows(ROOT, [row(entry(seq, key=f"k{seq}")) for seq in range(1, 1_001)])
    whole = [log.entry(seq) for seq in range(1, 1_001)]
    stretch, ended = Stretch(log, ((1, 1_000),)), Event()
    shown_before = shown_json(stretch.shown())

    def read() -> bool:
        same = True
        while same and not ended.is_set():
            # The border between what is packed and what is fresh moves meanwhile.
            last = log.last
            same = [log.entry(seq) for seq in range(last - 2, last + 1)] == [
                entry(seq, key=f"k{seq}") for seq in range(last - 2, last + 1)
            ]
            same = same and shown_json(stretch.shown()) == shown_before
            same = same and [log.entry(seq) for seq in range(1, 51)] == whole[:50]
            same = same and log.count(MESSAGE, 1, last) == last
        return same

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        for seq in range(1_001, 4_001):
            extend(log, [entry(seq, key=f"k{seq}")])
            log.settle(seq)
        ended.set()
        assert [reader.result() for reader in readers] == [True, True]


# -- of which only the end is in memory ---------------------------------------------------------


def tail() -> Tail:
    """Entries 5 to 8 of a longer log."""
    log = Tail.of_rows(ROOT, [row(entry(seq)) for seq in (5, 6, 7)])
    extend(log, [entry(8)])
    return log


def test_what_is_in_memory_is_found_by_its_number() -> None:
    log = tail()
    assert [log.entry(seq).seq for seq in (5, 7, 8)] == [5, 7, 8]
    assert (log.first, log.settled, log.last) == (5, 7, 8)
    assert list(log.of_kind(MESSAGE, 1, 6)) == [5, 6]
    assert log.chain(0) == ROOT


@pytest.mark.parametrize(
    ("read", "wanted"),
    [
        (lambda log: log.entry(4), [4]),
        (lambda log: log.chain(2), [2]),
        (lambda log: log.shown(3, 8), [3, 4]),
        (lambda log: log.shown(1, 3), [1, 2, 3]),
        (lambda log: log.shown(4, 4), [4]),
    ],
)
def test_what_is_not_in_memory_is_asked_for(read: Any, wanted: list[int]) -> None:
    with pytest.raises(Needs) as needs:
        read(tail())
    assert list(needs.value.wanted.seqs) == wanted


def test_nothing_is_asked_for_an_empty_range() -> None:
    assert tail().shown(3, 2) == []


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("seqs", [[1, 3], [2, 1], [1, 1]])
def test_stored_entries_that_do_not_follow_on_each_other_are_refused(seqs: list[int]) -> None:
    with pytest.raises(ValueError, match="follow on each other"):
        Tail.of_rows(ROOT, [row(entry(seq)) for seq in seqs])


@pytest.mark.parametrize("times", [[NOON[:-1]], [NOON[:-1], NOON + "0"]])
def test_a_stored_time_of_another_form_is_refused(times: list[str]) -> None:
    with pytest.raises(ValueError, match="time"):
        Tail.of_rows(ROOT, [row(entry(seq, at=time)) for seq, time in enumerate(times, 1)])


def test_a_log_without_entries_is_a_history_without_messages() -> None:
    log = Tail(ROOT)
    assert (log.last, log.settled, log.chain(0)) == (0, 0, ROOT)
    assert shown_json(Stretch(log, closed(ALL, 0)).shown()) == b"[]"


@pytest.mark.parametrize("at_once", [1, 3])
def test_messages_that_fill_many_pieces_are_found_again(at_once: int) -> None:
    tail = Tail(ROOT)
    entries = [
        entry(seq, body=b'"%d%s"' % (seq, b"x" * 400_000), form=PLAIN) for seq in range(1, 10)
    ]
    for place in range(0, len(entries), at_once):
        for one in entries[place : place + at_once]:
            tail.append(one)
        tail.settle(min(place + at_once, len(entries)))
    assert [tail.entry(seq) for seq in range(1, 10)] == entries
    assert shown_json(tail.shown(1, 9)) == b"[" + b",".join(one.body for one in entries) + b"]"


def test_a_history_copies_only_what_is_short() -> None:
    bodies = [b'"%s"' % (bytes([64 + seq]) * 4_000) for seq in range(1, 10)]
    rows = [row(entry(seq, body=body, form=PLAIN)) for seq, body in enumerate(bodies, 1)]
    tail = Tail.of_rows(ROOT, rows)
    (one,), (other,), (short,) = tail.shown(2, 8), tail.shown(3, 9), tail.shown(4, 6)
    assert isinstance(one, memoryview)
    assert isinstance(other, memoryview)
    assert one.obj is other.obj
    assert short == b",".join(bodies[3:6])
