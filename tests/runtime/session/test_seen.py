"""A reader of drafts is given what there is, then the rest, without a seam."""

import random
from typing import Any

import pytest
from attrs import define, field

from persistence import MemoryStore
from runtime.session.asked import drafting
from runtime.session.drafts.draft import SILENCE
from runtime.session.drafts.seen import AT_ONCE, DraftNews, Seen
from runtime.session.state import SessionState
from tests.runtime.session.builders import NOON, reloaded, say, session_with, user


def delta(state: SessionState, key: str, text: str, **more: Any) -> None:
    drafting.append(state, drafting.new_text(key, text, **more), at=NOON)


@define
class Reader:
    """A client that puts together what it is told."""

    seen: Seen = field(factory=Seen)
    drafts: dict[str, dict[str, str]] = field(factory=dict)
    interrupted: dict[str, bool] = field(factory=dict)
    lengths: list[int] = field(factory=list)

    def read(self, state: SessionState, room: int = AT_ONCE) -> list[DraftNews]:
        drafts = state.life.drafts if state.life else None
        told = self.seen.news(drafts, state.now, room)
        for news in told:
            if news.dropped:
                del self.drafts[news.message_id]
                continue
            if news.offset == 0:
                self.drafts[news.message_id] = {}
            parts = self.drafts[news.message_id]
            assert news.offset == sum(map(len, parts.values()))
            if news.part is not None:
                parts[news.part] = parts.get(news.part, "") + news.text
            self.interrupted[news.message_id] = news.interrupted
            self.lengths.append(len(news.text))
        return told


def drafts(state: SessionState) -> dict[str, dict[str, str]]:
    return {view.message_id: view.parts for view in drafting.drafts_of(state)}


def test_who_comes_late_is_given_what_there_is_and_then_the_rest() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "Let me ")
    assert reader.read(state) == [
        DraftNews(message_id="m", role="assistant", part="content", offset=0, text="Let me ")
    ]
    delta(state, "m", "see")
    assert reader.read(state) == [
        DraftNews(message_id="m", role="assistant", part="content", offset=7, text="see")
    ]
    assert reader.read(state) == []


def test_a_draft_that_has_no_character_yet_is_told_once() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "", role="model")
    assert reader.read(state) == [DraftNews(message_id="m", role="model")]
    assert reader.read(state) == []
    assert reader.drafts == {"m": {}}


def test_what_ends_is_told_once() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "half")
    delta(state, "n", "half")
    reader.read(state)
    say(state, user("whole", "m"))
    drafting.drop(state, "n")
    assert reader.read(state) == [
        DraftNews(message_id="m", dropped=True),
        DraftNews(message_id="n", dropped=True),
    ]
    assert reader.read(state) == []


def test_a_session_that_is_gone_has_no_drafts() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "half")
    reader.read(state)
    state.delete(at=NOON)
    assert reader.read(state) == [DraftNews(message_id="m", dropped=True)]


def test_what_ended_before_a_reader_came_is_not_told() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "half")
    drafting.drop(state, "m")
    assert reader.read(state) == []


def test_a_draft_that_began_anew_between_two_looks_begins_anew_for_the_reader() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "old")
    reader.read(state)
    drafting.drop(state, "m")
    delta(state, "m", "older")
    [news] = reader.read(state)
    assert (news.offset, news.text, reader.drafts) == (0, "older", {"m": {"content": "older"}})


def test_a_draft_that_comes_back_from_the_store_begins_anew_for_the_reader() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "half")
    reader.read(state)
    state = reloaded(state, MemoryStore())
    reader.read(state)
    assert (reader.drafts, reader.interrupted) == ({"m": {"content": "half"}}, {"m": True})


def test_a_silence_is_told_and_its_end() -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "m", "half")
    reader.read(state)
    state.now += SILENCE
    assert reader.read(state) == [
        DraftNews(message_id="m", role="assistant", offset=4, interrupted=True)
    ]
    assert reader.read(state) == []
    delta(state, "m", "")
    assert reader.read(state) == [DraftNews(message_id="m", role="assistant", offset=4)]


@pytest.mark.parametrize("room", [1, 3, 1000])
def test_a_long_draft_is_given_in_parts(room: int) -> None:
    state, reader = session_with("hello"), Reader()
    delta(state, "a", "x" * 700)
    delta(state, "a", "y" * 300, part="reasoning")
    delta(state, "b", "z" * 5)
    looks = 0
    while reader.read(state, room=room):
        looks += 1
    assert reader.drafts == drafts(state)
    assert (looks, max(reader.lengths)) == (-(-1005 // room), min(room, 700))


@pytest.mark.parametrize("seed", range(20))
def test_readers_that_come_and_look_at_any_time_have_the_same_in_the_end(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    state, store = session_with("hello"), MemoryStore()
    readers = [Reader()]
    for step in range(300):
        key = dice.choice("abc")
        match dice.randrange(12):
            case 0:
                drafting.drop(state, key)
            case 1:
                say(state, user("whole", f"{key}{step}"))
            case 2:
                state = reloaded(state, store)
            case 3:
                readers.append(Reader())
            case 4:
                state.now += dice.choice([1.0, SILENCE])
            case _:
                text = dice.choice("xyz") * dice.randrange(5)
                delta(state, key, text, part=dice.choice(["content", "reasoning"]))
        dice.choice(readers).read(state, room=dice.choice([1, 10, 1000]))
    for reader in readers:
        while reader.read(state, room=7):
            pass
        assert {
            key: {p: t for p, t in parts.items() if t} for key, parts in reader.drafts.items()
        } == {key: {p: t for p, t in parts.items() if t} for key, parts in drafts(state).items()}
