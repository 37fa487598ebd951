"""A call's own id: one effect, the first answer again, and another call under it is refused."""

from typing import Any

import pytest

from runtime import Item, KeyConflict
from runtime.session.kinds import record
from runtime.session.kinds.switch import switch_agent
from tests.runtime.session.at_once import append_entries, put_records
from tests.runtime.session.builders import (
    NOON,
    absent,
    back_to,
    reloaded,
    said,
    session_with,
    texts,
    values,
)


def puts(**of: Any) -> list[Any]:
    return [record.put(key, value) for key, value in of.items()]


def test_a_call_that_rewinds_its_own_first_entry_has_one_effect() -> None:
    state = session_with("a")
    items = [said("draft"), back_to(1), said("final")]
    first = append_entries(state, items, at=NOON, call="c")
    for once_more in (state, reloaded(state)):
        again = append_entries(once_more, items, at=NOON, call="c")
        assert (again.seqs, again.applied, again.repeated) == (first.seqs, 0, True)
        assert texts(once_more) == ["a", "final"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_call_of_fewer_or_more_entries_is_another_one(count: int) -> None:
    state = session_with("a")
    items = [said("x"), said("y"), said("z")]
    append_entries(state, items[:2], at=NOON, call="c")
    for once_more in (state, reloaded(state)):
        with pytest.raises(KeyConflict, match="as entry 2"):
            append_entries(once_more, items[:count], at=NOON, call="c")


def test_records_that_were_put_under_an_id_are_not_put_again() -> None:
    state = session_with("a")
    first = put_records(state, at=NOON, put=puts(k=1, m=2), call="c")
    put_records(state, at=NOON, put=puts(k=3))
    for once_more in (state, reloaded(state)):
        again = put_records(once_more, at=NOON, put=puts(k=1, m=2), call="c")
        assert (again.seqs, again.applied, again.repeated) == (first.seqs, 0, True)
        assert values(once_more) == {"k": 3, "m": 2}


def test_records_that_were_removed_by_their_prefix_are_known_again() -> None:
    state = session_with("a")
    put_records(state, at=NOON, put=puts(**{"p/1": 1, "p/2": 2, "q": 3}))
    first = put_records(state, at=NOON, remove_prefix=["p/"], call="c")
    put_records(state, at=NOON, put=puts(**{"p/9": 9}))
    again = put_records(state, at=NOON, remove_prefix=["p/"], call="c")
    assert (again.seqs, again.repeated) == (first.seqs, True)
    assert values(state) == {"p/9": 9, "q": 3}


def test_other_records_under_a_known_id_are_refused() -> None:
    state = session_with("a")
    put_records(state, at=NOON, put=puts(k=1), call="c")
    with pytest.raises(KeyConflict):
        put_records(state, at=NOON, put=puts(k=2), call="c")
    assert values(state) == {"k": 1}


def test_a_call_that_begins_a_session_is_known_by_its_id() -> None:
    state = absent()
    items = [Item(kind="record", key="k", body={"value": 1})]
    append_entries(state, items, at=NOON, call="c")
    assert append_entries(state, items, at=NOON, call="c").repeated


def test_a_switch_to_the_present_agent_with_an_id_has_had_its_effect() -> None:
    state = session_with("a")
    switch_agent(state, "orchestrator", reason="", at=NOON, key="c")
    switch_agent(state, "coder", reason="", at=NOON)
    assert switch_agent(state, "orchestrator", reason="", at=NOON, key="c").current_agent == "coder"
