"""Compactions: a summary stands for old messages, in a context alone."""

from typing import Any

import msgspec
import pytest

from runtime.errors import InvalidInput, KeyConflict, PreconditionFailed, SessionNotFound
from runtime.session.kinds.compaction import (
    MAX_SUMMARY,
    Compaction,
    compact,
    compaction,
    present_compaction,
)
from runtime.session.kinds.rewind import rewind
from runtime.session.replies import Written
from runtime.session.state import Condition, SessionState
from tests.runtime.session.builders import (
    NOON,
    absent,
    asking,
    at,
    forked,
    reloaded,
    session_with,
    texts,
    with_tail_only,
)

SUMMARY = {"role": "user", "content": "They said hello."}
TEXT = b'{"role":"user","content":"They said hello."}'


def summed_up(
    state: SessionState, through: int, summary: Any = SUMMARY, key: str | None = None, **more: Any
) -> Written:
    return compact(state, compaction(through, summary), at=NOON, key=key, **more)


def applies(state: SessionState) -> Compaction | None:
    return present_compaction(state.present())


def test_the_summary_stands_for_the_messages_up_to_an_entry() -> None:
    state = session_with("a", "b", "c")
    assert applies(state) is None
    written = summed_up(state, 2)
    assert (written.seqs, written.applied) == ([4], 1)
    assert applies(state) == Compaction(2, TEXT)


def test_the_history_keeps_all_messages() -> None:
    state = session_with("a", "b", "c")
    summed_up(state, 2)
    assert texts(state) == ["a", "b", "c"]
    assert state.present().message_count == 3


def test_the_newest_one_applies_alone() -> None:
    state = session_with("a", "b", "c")
    summed_up(state, 3)
    summed_up(state, 1, {"role": "system", "content": "less"})
    assert applies(state) == Compaction(1, b'{"role":"system","content":"less"}')


def test_the_summary_is_kept_as_it_was_sent() -> None:
    state = session_with("a")
    parts = [{"type": "text", "text": "Ümläut", "n": 2**70, "x": None}]
    sent = {"content": parts, "role": "user", "id": 5, "metadata": {"by": "model"}}
    summed_up(state, 1, sent)
    found = applies(state)
    assert found is not None
    assert msgspec.json.decode(found.summary) == sent


def test_a_rewind_takes_it_along_and_brings_it_back() -> None:
    state = session_with("a", "b", "c")
    summed_up(state, 2)
    rewind(state, 3, at=at(1))
    assert applies(state) is None
    rewind(state, 4, at=at(2))
    assert applies(state) == Compaction(2, TEXT)


def test_behind_a_rewind_the_one_before_it_applies() -> None:
    state = session_with("a", "b", "c")
    summed_up(state, 1)
    summed_up(state, 2)
    rewind(state, 4, at=at(1))
    assert applies(state) == Compaction(1, TEXT)


@pytest.mark.parametrize(("version", "expected"), [(4, Compaction(2, TEXT)), (3, None)])
def test_a_fork_has_it(version: int, expected: Compaction | None) -> None:
    state = session_with("a", "b", "c")
    summed_up(state, 2)
    assert applies(forked(state, version)) == expected


def test_an_id_has_one_effect() -> None:
    state = session_with("a", "b")
    first = summed_up(state, 1, key="once")
    again = summed_up(state, 1, key="once", condition=Condition(tags=frozenset(["other"])))
    assert (again.seqs, again.applied, again.repeated) == (first.seqs, 0, True)
    with pytest.raises(KeyConflict, match=r"Compaction id 'once'.*as entry 3"):
        summed_up(state, 2, key="once")
    assert state.version == 3


def test_it_may_be_refused_for_the_state_that_the_session_is_in() -> None:
    state = session_with("a", "b")
    with pytest.raises(PreconditionFailed):
        summed_up(state, 1, condition=Condition(tags=frozenset(["other"])))
    assert state.version == 2


@pytest.mark.parametrize("through", [3, 2**60])
def test_it_reaches_no_further_than_the_log(through: int) -> None:
    state = session_with("a", "b")
    with pytest.raises(InvalidInput, match="at most the session's version, 2"):
        summed_up(state, through)
    assert state.version == 2


@pytest.mark.parametrize("through", [0, -1, True, "1", 1.0, None])
def test_it_reaches_to_an_entry(through: Any) -> None:
    with pytest.raises(InvalidInput, match="through"):
        compaction(through, SUMMARY)


@pytest.mark.parametrize("summary", [None, "text", [], {}, {"role": ""}, {"role": 5}])
def test_a_summary_is_a_message(summary: Any) -> None:
    with pytest.raises(InvalidInput, match="summary"):
        compaction(1, summary)


@pytest.mark.parametrize(
    "summary",
    [
        {"role": "tool", "content": "sum"},
        {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
    ],
)
def test_a_summary_stands_alone(summary: Any) -> None:
    with pytest.raises(InvalidInput, match="summary: must neither"):
        compaction(1, summary)


def test_a_summary_has_a_limit() -> None:
    longest = {"role": "user", "content": "x" * (MAX_SUMMARY - 28)}
    assert compaction(1, longest).body.endswith(b'x"}}')
    longest["content"] += "x"
    with pytest.raises(InvalidInput, match=f"summary: {MAX_SUMMARY + 1} bytes.*{MAX_SUMMARY}"):
        compaction(1, longest)


def test_of_one_that_is_not_in_memory_only_the_newest_is_read() -> None:
    state = session_with("a", "b")
    for through in (1, 2):
        summed_up(state, through)
    again, store = with_tail_only(state, 6)
    assert asking(again, store, applies) == Compaction(2, TEXT)


def test_it_survives_a_restart() -> None:
    state = session_with("a", "b")
    summed_up(state, 1)
    assert applies(reloaded(state)) == Compaction(1, TEXT)


def test_there_has_to_be_a_session() -> None:
    with pytest.raises(SessionNotFound):
        summed_up(absent(), 1)
