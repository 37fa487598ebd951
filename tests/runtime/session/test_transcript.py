import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.session.message import Entry, Message
from runtime.session.transcript import Excerpt, Transcript
from tests.runtime.fakes import NOON, at, said

TIMES = st.integers(0, 600).map(at)


@st.composite
def conversations(draw: st.DrawFn) -> list[Entry]:
    """Messages, some with ids of their own, some with metadata."""
    texts = draw(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=12))
    return [
        Message(
            role="user",
            content=text,
            id=f"id-{number}" if draw(st.booleans()) else None,
            metadata={"n": number} if draw(st.booleans()) else None,
        ).encode(draw(TIMES))
        for number, text in enumerate(texts)
    ]


def settled_up_to(entries: list[Entry], count: int) -> Transcript:
    transcript = Transcript()
    transcript.extend(entries)
    transcript.settle(count)
    return transcript


@given(conversations(), st.data())
def test_it_is_a_list_of_its_messages_however_many_are_settled(
    entries: list[Entry], data: st.DataObject
) -> None:
    transcript = Transcript()
    for entry in entries:
        transcript.extend([entry])
        transcript.settle(data.draw(st.integers(0, len(transcript.fresh))))
    assert list(transcript) == entries
    assert list(transcript.fresh) == entries[transcript.settled :]
    numbers = {entry.id: number for number, entry in enumerate(entries, start=1) if entry.id}
    assert {message_id: transcript.number_of(message_id) for message_id in numbers} == numbers


@given(conversations(), st.data())
def test_an_excerpt_is_a_slice_of_that_list(entries: list[Entry], data: st.DataObject) -> None:
    transcript = settled_up_to(entries, data.draw(st.integers(0, len(entries))))
    place = data.draw(st.slices(len(entries)).filter(lambda s: s.step in (None, 1)))
    excerpt = transcript[place]
    assert list(excerpt) == entries[place]
    assert [excerpt[n] for n in range(len(excerpt))] == entries[place]
    assert list(excerpt[1:]) == entries[place][1:]
    bodies = [json.loads(entry.body) for entry in entries[place]]
    assert msgspec.json.decode(excerpt.json()) == bodies


@given(conversations(), st.data())
def test_an_excerpt_stays_what_it_is_whatever_comes_later(
    entries: list[Entry], data: st.DataObject
) -> None:
    early = data.draw(st.integers(0, len(entries)))
    transcript = settled_up_to(entries[:early], data.draw(st.integers(0, early)))
    excerpt = transcript[:]
    before = excerpt.json()
    transcript.extend(entries[early:])
    transcript.settle(data.draw(st.integers(0, len(transcript.fresh))))
    assert list(excerpt) == entries[:early]
    assert excerpt.json() == before


@given(conversations(), st.data())
def test_two_with_the_same_messages_are_equal(entries: list[Entry], data: st.DataObject) -> None:
    transcript = settled_up_to(entries, data.draw(st.integers(0, len(entries))))
    assert transcript == Transcript.of(entries)
    assert transcript != Transcript.of([*entries, said("one more")])
    assert transcript != entries


@given(conversations())
def test_what_a_store_has_in_columns_becomes_the_same(entries: list[Entry]) -> None:
    transcript = Transcript.of_columns(
        [entry.body for entry in entries],
        [entry.timestamp for entry in entries],
        [entry.id for entry in entries],
        [entry.metadata for entry in entries],
    )
    transcript.extend([said("the next one", "next")])
    assert list(transcript) == [*entries, said("the next one", "next")]
    assert transcript.settled == len(entries)
    for number, entry in enumerate(entries, start=1):
        assert entry.id is None or transcript.number_of(entry.id) == number


@pytest.mark.parametrize("timestamps", [[NOON[:-1]], [NOON[:-1], NOON + "0"]])
def test_a_stored_timestamp_of_another_form_is_refused(timestamps: list[str]) -> None:
    columns = [[None] * len(timestamps)] * 2
    with pytest.raises(ValueError, match="timestamp"):
        Transcript.of_columns([b"{}"] * len(timestamps), timestamps, *columns)


@pytest.mark.parametrize("step", [-1, 2])
def test_an_excerpt_is_of_consecutive_messages(step: int) -> None:
    with pytest.raises(ValueError, match="consecutive"):
        Transcript.of([said("a"), said("b")])[::step]


def test_it_can_be_read_in_another_thread_while_it_grows() -> None:
    transcript = Transcript.of([said(f"{n}") for n in range(1_000)])
    excerpt, whole, ended = transcript[:], list(transcript), Event()

    def read() -> bool:
        same = True
        while not ended.is_set():
            same = same and len(msgspec.json.decode(excerpt.json())) == 1_000
            # The border between what is packed and what is fresh moves meanwhile.
            last = [json.loads(entry.body)["content"] for entry in transcript[-3:]]
            numbers = [int(text.split()[-1]) for text in last]
            same = same and numbers == list(range(numbers[0], numbers[0] + 3))
            same = same and list(excerpt[:50]) == whole[:50]
        return same

    with ThreadPoolExecutor(2) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        for n in range(3_000):
            transcript.extend([said(f"{1_000 + n}")])
            transcript.settle(1)
        ended.set()
        assert [reader.result() for reader in readers] == [True, True]


def test_an_unknown_id_has_no_number() -> None:
    assert Transcript.of([said("a", "known")]).number_of("unknown") is None


def test_a_place_that_is_not_there_is_an_error() -> None:
    transcript = Transcript.of([said("a")])
    assert transcript[-1] == said("a")
    for place in (1, -2):
        with pytest.raises(IndexError):
            transcript[place]


def test_no_messages_are_an_empty_array() -> None:
    transcript = Transcript()
    assert transcript[:].json() == b"[]"
    assert list(transcript) == []
    assert isinstance(transcript[3:7], Excerpt)
