"""Who worked when, and what was used: against a naive model, and however it is asked for."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given, settings

from runtime.session.asked.items import Item
from runtime.session.asked.working import Unread, ledger_of
from runtime.session.kinds.message import append, from_json
from runtime.session.kinds.rewind import rewind
from runtime.session.kinds.switch import switch_agent
from runtime.session.kinds.usage import report, report_usage
from runtime.session.state import SessionState
from runtime.session.work.ledger import Ledger
from runtime.store.stored import DEFAULT_AGENT
from tests.properties import examples
from tests.runtime.session.at_once import append_entries
from tests.runtime.session.builders import NOON, absent, forked, with_tail_only
from tests.runtime.session.work.plays import Sums, begun, play, steps


def ledger(state: SessionState) -> Ledger:
    found = ledger_of(state)
    assert isinstance(found, Ledger)
    return found


def sums_of(found: Ledger) -> Sums:
    sums: Sums = Counter()
    for used in found.sums.all:
        assert used.day == "2025-12-31"
        sums[used.agent, used.model] += int(used.numbers["input_tokens"])
    return sums


@settings(deadline=None)
@given(steps)
def test_it_says_who_worked_at_each_version_and_what_was_used(
    wanted: list[tuple[str, Any]],
) -> None:
    state = begun()
    worked, used = play(state, wanted)
    found = ledger(state)
    assert [found.agent_at(version) for version in range(1, len(worked) + 1)] == worked
    assert +sums_of(found) == +used
    assert sum(found.sums.totals.values()) == sum(used.values())


@settings(deadline=None)
@given(steps)
def test_its_stretches_are_the_log_and_their_sums_all_that_was_used(
    wanted: list[tuple[str, Any]],
) -> None:
    state = begun()
    worked, used = play(state, wanted)
    stretches = ledger(state).stretches(0, 100)
    told = [
        stretch.agent
        for stretch in stretches
        for _ in range(stretch.first, (stretch.last or len(worked)) + 1)
    ]
    assert told == worked
    assert all(one.agent != next_one.agent for one, next_one in pairwise(stretches))
    totals = [stretch.sums.totals.get("input_tokens", 0) for stretch in stretches]
    assert sum(totals) == sum(used.values())


@settings(deadline=None)
@given(steps, steps)
def test_it_goes_on_where_it_was(first: list[tuple[str, Any]], more: list[tuple[str, Any]]) -> None:
    state = begun()
    play(state, first)
    ledger(state)
    play(state, more)
    found = ledger(state)
    again, _ = with_tail_only(state, 1)
    anew = ledger(again)
    assert (found.through, sums_of(found), found._agents, found._firsts) == (
        anew.through,
        sums_of(anew),
        anew._agents,
        anew._firsts,
    )


@settings(deadline=None, max_examples=examples(1))
@given(steps, steps)
def test_a_fork_has_used_nothing_of_what_its_source_has(
    before: list[tuple[str, Any]], behind: list[tuple[str, Any]]
) -> None:
    state = begun()
    worked, _ = play(state, before)
    fork = forked(state)
    _, used = play(fork, behind)
    found = ledger(fork)
    assert +sums_of(found) == +used
    assert [found.agent_at(version) for version in range(1, len(worked) + 1)] == worked


def test_a_session_may_begin_with_a_message_or_with_a_switch() -> None:
    state = absent()
    append(state, [from_json({"role": "user", "content": "x"})], at=NOON)
    assert ledger(state).agent_at(1) == DEFAULT_AGENT
    state = absent()
    append_entries(state, [Item(kind="switch", body={"to": "b"})], at=NOON)
    found = ledger(state)
    assert (found.agent_at(1), len(found)) == ("b", 1)
    rewind(state, 0, at=NOON)
    assert (ledger(state).agent, state.present().current_agent) == (DEFAULT_AGENT, DEFAULT_AGENT)


def test_a_copy_stays_as_it_is() -> None:
    state = begun()
    report_usage(state, report({"n": 1}), at=NOON)
    copy = ledger(state).copy()
    report_usage(state, report({"n": 1}), at=NOON)
    switch_agent(state, "b", reason="", at=NOON)
    ledger(state)
    assert (copy.sums.totals, len(copy), copy.stretches(0, 9)[0].sums.totals) == (
        {"n": 1},
        1,
        {"n": 1},
    )


def test_what_is_not_in_memory_is_lacking() -> None:
    state = begun()
    for _ in range(10):
        report_usage(state, report({"n": 1}), at=NOON)
    again, _ = with_tail_only(state, 6)
    found = ledger_of(again)
    assert isinstance(found, Unread)
    assert found.has_gap
    assert (found.ledger.through, found.tail.first) == (0, 6)


def test_many_entries_are_not_added_at_once() -> None:
    state = begun()
    for _ in range(501):
        report_usage(state, report({"n": 1}), at=NOON)
    found = ledger_of(state)
    assert isinstance(found, Unread)
    assert not found.has_gap


def test_nor_is_large_metadata() -> None:
    state = begun()
    metadata = {"usage": {"input_tokens": 1}, "trace": "x" * 70_000}
    append(state, [from_json({"role": "user", "metadata": metadata})], at=NOON)
    report_usage(state, report({"n": 1}), at=NOON)
    found = ledger_of(state)
    assert isinstance(found, Unread)
    assert not found.has_gap
