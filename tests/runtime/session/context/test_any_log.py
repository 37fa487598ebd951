"""Of any log comes a context that every provider takes, within its limits."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.errors import DoesNotFit
from tests.properties import examples
from tests.runtime.session.context.judge import (
    named,
    only_results,
    part_results,
    problems,
    role,
)
from tests.runtime.session.context.logs import (
    Json,
    any_log,
    assistant,
    chat,
    composed,
    item,
    legal_log,
    output,
    result,
    size_of,
    system,
    text,
    tool,
    use,
    user,
)

limits = st.fixed_dictionaries(
    {"max_bytes": st.integers(60, 3_000), "max_messages": st.none() | st.integers(1, 12)}
)
summaries = st.none() | st.sampled_from([user("sum"), system("sum"), assistant("sum")])


@settings(deadline=None, max_examples=examples(2))
@given(any_log, summaries)
def test_a_context_breaks_no_rule(log: list[Json], summary: Json | None) -> None:
    told, interrupted = composed(log, summary=summary, before=None if summary is None else user())
    assert not problems(told)
    assert len(interrupted) <= sum(len(named(message, "call")) for message in told)


@settings(deadline=None, max_examples=examples(2))
@given(any_log, limits, summaries)
def test_nor_does_a_part_of_it_which_is_within_its_limits(
    log: list[Json], limits: dict[str, Any], summary: Json | None
) -> None:
    before = None if summary is None else user()
    told: list[Json] = []
    refused: DoesNotFit | None = None
    try:
        told, _ = composed(log, summary=summary, before=before, **limits)
    except DoesNotFit as error:
        refused = error
    if refused is not None:
        most = limits["max_messages"]
        assert refused.size > limits["max_bytes"] or (most is not None and refused.count > most)
    assert not problems(told)
    assert size_of(told) <= limits["max_bytes"]
    assert len(told) <= (limits["max_messages"] or len(told))


@settings(deadline=None, max_examples=examples(2))
@given(any_log, limits, summaries)
def test_what_a_refusal_asks_for_is_enough(
    log: list[Json], limits: dict[str, Any], summary: Json | None
) -> None:
    before = None if summary is None else user()
    try:
        composed(log, summary=summary, before=before, **limits)
    except DoesNotFit as error:
        count = limits["max_messages"] and error.count
        composed(log, summary=summary, before=before, max_bytes=error.size, max_messages=count)


@settings(deadline=None, max_examples=examples(2))
@given(any_log, limits)
def test_what_is_told_is_the_end_of_the_whole_context(
    log: list[Json], limits: dict[str, Any]
) -> None:
    whole, _ = composed(log)
    front = [message for message in whole[: first_said(whole)] if role(message) == "system"]
    try:
        told, _ = composed(log, **limits)
    except DoesNotFit:
        return
    rest = told[len(front) :]
    same = 0
    while same < len(rest) and rest[-same - 1] == whole[-same - 1]:
        same += 1
    # What is not the end is what the user said in an exchange that does not fit.
    assert all(
        role(message) in ("user", "system", "developer") for message in rest[: len(rest) - same]
    )


@settings(deadline=None, max_examples=examples(2))
@given(legal_log())
def test_what_is_legal_comes_back_as_it_was_sent(log: list[Json]) -> None:
    assert problems(log) == []
    assert composed(log) == (log, [])


@settings(deadline=None, max_examples=examples(2))
@given(legal_log(), st.data())
def test_a_result_that_was_lost_is_filled_in_and_nothing_else_changes(
    log: list[Json], data: st.DataObject
) -> None:
    places: list[tuple[int, int | None]] = []
    for at, message in enumerate(log):
        parts = part_results(message)
        places += [(at, part) for part in parts] or [(at, None)] * len(named(message, "result"))
    if not places:
        return
    at, part = data.draw(st.sampled_from(places))
    lost, name = list(log), "parts" if "parts" in log[at] else "content"
    if part is None or len(log[at][name]) == 1:
        del lost[at]
    else:
        left = [one for place, one in enumerate(log[at][name]) if place != part]
        lost[at] = {**log[at], name: left}
    told, interrupted = composed(lost)
    assert not problems(told)
    assert len(interrupted) == 1
    # Beside what was said with it, it is a message of its own.
    changed = [message for message in told if message not in log]
    assert len(changed) == 1 + len(told) - len(log)


@settings(deadline=None, max_examples=examples(2))
@given(legal_log(), limits)
def test_a_legal_log_is_cut_between_exchanges(log: list[Json], limits: dict[str, Any]) -> None:
    front = first_said(log)
    try:
        told, interrupted = composed(log, **limits)
    except DoesNotFit:
        return
    assert interrupted == []
    assert told[:front] == log[:front]
    begins = len(log) - (len(told) - front)
    if not fits_the_last(log, front, limits):
        return
    assert told[front:] == log[begins:]
    assert begins == len(log) or begins_an_exchange(log, begins)
    older = max((at for at in range(front, begins) if begins_an_exchange(log, at)), default=None)
    if older is not None:
        assert not within([*log[:front], *log[older:]], limits), "one more would have fitted"


def first_said(log: list[Json]) -> int:
    return next((at for at, message in enumerate(log) if role(message) != "system"), len(log))


def begins_an_exchange(log: list[Json], at: int) -> bool:
    before = log[at - 1] if at else assistant()
    return is_said(log[at]) and not is_said(before)


def is_said(message: Json) -> bool:
    return role(message) == "user" and not named(message, "result") and not only_results(message)


def fits_the_last(log: list[Json], front: int, limits: dict[str, Any]) -> bool:
    """Whether the newest exchange, as a whole, is within the limits."""
    begins = [at for at in range(front, len(log)) if begins_an_exchange(log, at)]
    return within([*log[:front], *log[max(begins, default=len(log)) :]], limits)


def within(messages: list[Json], limits: dict[str, Any]) -> bool:
    count = limits["max_messages"]
    return size_of(messages) <= limits["max_bytes"] and len(messages) <= (count or len(messages))


def test_the_judge_sees_what_is_wrong() -> None:
    wrong: list[list[Json]] = [
        [assistant()],
        [user([result("t1")])],
        [user(), chat("c1")],
        [user(), chat("c1"), user(), tool("c1")],
        [user(), chat("c1"), tool("c1"), tool("c1")],
        [user(), chat("c1", "c2"), tool("c1")],
        [user(), tool("c1")],
        [user(), assistant([use("t1")]), user([text(), result("t1")])],
        [user(), assistant([use("t1"), use("t2")]), user([result("t1")]), user([result("t2")])],
        [user(), assistant([use("t1")]), assistant([use("t2")]), user([result("t1")])],
        [user(), *[assistant([use("t1")]), user([result("t1")])] * 2],
        [user(), item("i1"), user(), output("i1")],
        [user(), output("i1"), item("i1")],
    ]
    for messages in wrong:
        assert problems(messages), messages
