"""Which messages a context is made of."""

from typing import Any

import msgspec

from runtime.session.asked.telling import MAX_INSTRUCTIONS, Telling, telling
from runtime.session.entries.stretch import Stretch
from runtime.session.kinds.compaction import compact, compaction
from runtime.session.kinds.rewind import rewind
from runtime.session.state import SessionState
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import (
    NOON,
    absent,
    asking,
    put,
    say,
    session_with,
    user,
    with_tail_only,
)


def seqs(stretch: Stretch) -> list[int]:
    return [entry.seq for entry in stretch]


def picture(told: Telling) -> tuple[list[Any], Any, list[int], list[int]]:
    """Instructions, summary, and the numbers of the messages before and behind it."""
    instructions = [msgspec.json.decode(text)["content"] for text in told.instructions]
    summary = None if told.summary is None else msgspec.json.decode(told.summary)["content"]
    return instructions, summary, seqs(told.earlier), seqs(told.messages)


def instructed(*instructions: str) -> SessionState:
    """A session of these instructions, a record among them, and messages 4 to 6 behind two."""
    state = absent()
    for place, said in enumerate(instructions):
        if place == 1:
            append_entries(state, [put("k", 1)], at=NOON)
        say(state, {"role": "system", "content": said})
    say(state, user("a"), user("b"), user("c"))
    return state


def summed_up(state: SessionState, through: int) -> None:
    compact(state, compaction(through, user("sum")), at=NOON)


def test_it_is_the_messages_that_count() -> None:
    state = session_with("a", "b", "c")
    rewind(state, 1, at=NOON)
    say(state, user("d"))
    assert picture(telling(state)) == ([], None, [], [1, 5])


def test_the_systems_first_messages_are_apart() -> None:
    state = instructed("one", "two")
    say(state, {"role": "developer", "content": "later"})
    assert picture(telling(state)) == (["one", "two"], None, [], [4, 5, 6, 7])


def test_so_many_at_the_most() -> None:
    state = instructed(*map(str, range(MAX_INSTRUCTIONS + 2)))
    instructions, _, _, told = picture(telling(state))
    assert len(instructions) == MAX_INSTRUCTIONS
    assert len(told) == 5


def test_they_are_told_though_a_summary_stands_for_what_is_behind_them() -> None:
    state = instructed("one", "two")
    summed_up(state, 5)
    say(state, user("d"))
    assert picture(telling(state)) == (["one", "two"], "sum", [4, 5], [6, 8])
    summed_up(state, 8)
    assert picture(telling(state)) == (["one", "two"], "sum", [4, 5, 6, 8], [])
    summed_up(state, 1)
    assert picture(telling(state)) == (["one", "two"], "sum", [], [4, 5, 6, 8])


def test_a_message_comes_back_as_it_was_sent() -> None:
    state = absent()
    say(state, {"role": "system", "id": 5, "metadata": {"a": 1}, "content": "p"}, user("a"))
    assert telling(state).instructions == [
        b'{"role":"system","content":"p","id":5,"metadata":{"a":1}}'
    ]


def test_of_a_session_without_messages_there_is_nothing() -> None:
    state = absent()
    append_entries(state, [put("k", 1)], at=NOON)
    assert picture(telling(state)) == ([], None, [], [])


def test_of_what_is_not_in_memory_only_the_beginning_is_read() -> None:
    state = instructed("one", "two")
    say(state, *(user(str(n)) for n in range(50)))
    summed_up(state, 5)
    again, store = with_tail_only(state, 40)
    told = asking(again, store, telling)
    assert len(told.instructions) == 2
    assert told.summary is not None
    assert told.messages.gaps() == [range(6, 40)]
    assert told.earlier.gaps() == [range(4, 6)]
