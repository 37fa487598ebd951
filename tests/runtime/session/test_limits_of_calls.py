"""What one call may ask for, so that no client holds up the others; and what it cannot get past."""

import pytest

from runtime import ExpectationFailed, InvalidInput, Item, PreconditionFailed
from runtime.session.asked.calls import MAX_REWINDS
from runtime.session.kinds import record
from runtime.session.kinds.record import Records
from runtime.session.kinds.settings import summary, update
from runtime.session.kinds.switch import switch_agent
from runtime.session.rules import MAX_METADATA
from runtime.session.state import Condition, SessionState
from tests.runtime.session.at_once import append_entries, put_records
from tests.runtime.session.builders import NOON, absent, back_to, put, reloaded, said, session_with

STALE = Condition(tags=frozenset({"9-0123456789abcdef"}))


def begun_with(metadata: object) -> SessionState:
    state = absent()
    append_entries(state, [Item(kind="settings", body={"metadata": metadata})], at=NOON)
    return state


def test_a_session_that_begins_with_null_metadata_has_none() -> None:
    for state in (begun_with(None), reloaded(begun_with(None))):
        assert summary(state, NOON).metadata == {}
        assert update(state, {"metadata": {"a": 1}}, at=NOON).metadata == {"a": 1}


def test_what_a_session_begins_with_is_limited_with_what_a_patch_would_take_out() -> None:
    with pytest.raises(InvalidInput, match=f"the limit is {MAX_METADATA}"):
        begun_with({f"k{number:05}": None for number in range(MAX_METADATA // 10)})


def test_a_call_may_not_rewind_too_often() -> None:
    state = session_with("a")
    append_entries(state, [back_to(1)] * MAX_REWINDS, at=NOON)
    with pytest.raises(InvalidInput, match=f"at most {MAX_REWINDS}"):
        append_entries(state, [back_to(1)] * (MAX_REWINDS + 1), at=NOON)


def test_of_many_rewinds_in_one_call_the_folds_are_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = session_with("a")
    put_records(state, at=NOON, put=[record.put(f"k{n}", n) for n in range(10)])
    added: list[str | None] = []
    monkeypatch.setattr(Records, "add", lambda _, entry: added.append(entry.key))
    items = [entry for n in range(20) for entry in (said(f"m{n}"), back_to(state.version))]
    append_entries(state, items, at=NOON)
    assert summary(state, NOON).message_count == 1
    assert len(added) == 10


def test_a_prefix_is_looked_for_once_however_often_it_is_given() -> None:
    fold = Records(seqs=dict.fromkeys(("a", "ab", "abc", "b"), 1))
    looked: list[str] = []

    class Counted(Records):
        def with_prefix(self, prefix: str):  # type: ignore[no-untyped-def]
            looked.append(prefix)
            return Records.with_prefix(fold, prefix)

    found = list(Counted().with_prefixes(["ab", "a", "ab", "a", "c"]))
    assert (found, looked) == (["a", "ab", "abc"], ["a", "c"])


def test_a_stale_etag_is_refused_although_everything_is_as_asked() -> None:
    state = session_with("a")
    put_records(state, at=NOON, put=[record.put("k", 1)])
    with pytest.raises(PreconditionFailed) as refused:
        put_records(state, at=NOON, put=[record.put("k", 1)], expect={"k": 2}, condition=STALE)
    assert not isinstance(refused.value, ExpectationFailed)
    with pytest.raises(PreconditionFailed):
        append_entries(state, [put("k", 1)], at=NOON, expect={"k": 2}, condition=STALE)


def test_who_repeats_what_has_been_done_is_no_stale_writer() -> None:
    state = session_with("a")
    update(state, {"title": "T"}, at=NOON)
    switch_agent(state, "coder", reason="", at=NOON)
    assert update(state, {"title": "T"}, at=NOON, condition=STALE).title == "T"
    assert switch_agent(state, "coder", reason="", at=NOON, condition=STALE)
    with pytest.raises(PreconditionFailed):
        update(state, {"title": "U"}, at=NOON, condition=STALE)
    with pytest.raises(PreconditionFailed):
        switch_agent(state, "tester", reason="", at=NOON, condition=STALE)


@pytest.mark.parametrize("body", [{"removed": 1}, {"removed": "true"}])
def test_only_true_removes(body: object) -> None:
    with pytest.raises(InvalidInput):
        append_entries(session_with("a"), [Item(kind="record", key="k", body=body)], at=NOON)
