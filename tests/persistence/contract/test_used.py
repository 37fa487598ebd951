"""What was used: summed for each life, and told of all."""

import json

import pytest

from runtime.store.steps import Purge, Undelete
from runtime.store.store import Store
from runtime.store.used import Used, UsedPage
from tests.persistence.builders import Item, at, begins, born, delta, follows, fork, message
from tests.persistence.contract.stores import (
    MANY,
    begun,
    committed,
    finish_purges,
    reject,
)

NUL = "a\0b\1c"
LARGEST = 2**53 - 1


def usage(day: str = "2025-12-31", agent: str = "a", **numbers: float) -> Item:
    """A report."""
    return Item("usage", None, {"agent": agent, **numbers}, f"{day}T12:00:00.000Z")


def answer(text: str) -> Item:
    """A message that says what it took."""
    return message(text, metadata=b'{"model":"m","usage":{"input_tokens":7}}')


def used(store: Store, since: str = "0000-01-01", until: str = "9999-12-31") -> list[Used]:
    page = store.used(since, until, MANY)
    assert page.next is None
    return list(page.used)


def totals(store: Store) -> dict[str, float]:
    return dict(store.used("0000-01-01", "9999-12-31", 1).totals)


def test_nothing_was_used_at_first(store: Store) -> None:
    begun(store, born("s", "one"))
    assert store.used("0000-01-01", "9999-12-31", 10) == UsedPage({}, [], None)


def test_what_sessions_report_is_summed_by_day_agent_and_model(store: Store) -> None:
    items: list[Item | str] = [usage(n=1), usage("2026-01-01", n=2), answer("x")]
    begun(
        store,
        born("s", *items, reports=[(1, ""), (2, ""), (3, "coder")]),
        born("t", usage(n=10, cost=0.5), reports=[(1, "")]),
        born("u", "nothing"),
    )
    assert used(store) == [
        Used("2025-12-31", "a", None, {"n": 11, "cost": 0.5}),
        Used("2025-12-31", "coder", "m", {"input_tokens": 7}),
        Used("2026-01-01", "a", None, {"n": 2}),
    ]
    assert totals(store) == {"n": 13, "cost": 0.5, "input_tokens": 7}


def test_days_can_be_chosen_and_both_are_included(store: Store) -> None:
    days = ["2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02"]
    items: list[Item | str] = [usage(day, n=1) for day in days]
    begun(store, born("s", *items, reports=[(n, "") for n in range(1, 5)]))
    found = store.used("2025-12-31", "2026-01-01", MANY)
    assert ([one.day for one in found.used], found.totals) == (days[1:3], {"n": 2})


def test_a_change_adds_to_what_is_there(store: Store) -> None:
    [no] = begun(store, born("s", usage(n=1), reports=[(1, "")]))
    committed(store, delta("s", follows(no, 1, usage(n=1), "x")))
    more: list[Item | str] = [usage(n=1), "x", usage(n=2, m=1.5)]
    committed(store, delta("s", follows(no, 2, *more, reports=[(3, "")])))
    assert used(store) == [Used("2025-12-31", "a", None, {"n": 3, "m": 1.5})]


def test_integers_are_exact_however_large_their_sum(store: Store) -> None:
    items = [usage(n=LARGEST if sign else -LARGEST, m=-1) for sign in (1, 1, 1, 0)] * 600
    half, reports = len(items) // 2, [(n, "") for n in range(1, len(items) + 1)]
    [no] = begun(store, born("s", *items[:half], reports=reports[:half]))
    committed(store, delta("s", follows(no, half, *items, reports=reports[half:])))
    begun(store, born("t", *items, reports=reports))
    sums = {"n": 2 * 1_200 * LARGEST, "m": -4_800}
    assert used(store) == [Used("2025-12-31", "a", None, sums)]
    assert totals(store) == sums


def test_what_is_no_integer_makes_its_sum_a_double(store: Store) -> None:
    items: list[Item | str] = [usage(n=1), usage(n=0.25), usage(n=2)]
    begun(store, born("s", *items, reports=[(1, ""), (2, ""), (3, "")]))
    begun(store, born("t", usage(n=4.0), reports=[(1, "")]))
    [found] = used(store)
    assert (found.numbers, type(found.numbers["n"])) == ({"n": 7.25}, float)


def test_what_is_rejected_was_not_used(store: Store) -> None:
    [no] = begun(store, born("s", usage(n=1), reports=[(1, "")]))
    wrong = follows(no, 9, *["x"] * 9, usage(n=5), reports=[(10, "")])
    reject(store, delta("s", wrong))
    assert totals(store) == {"n": 1}


def test_a_fork_has_used_nothing_yet(store: Store) -> None:
    items: list[Item | str] = [usage(n=1), "x"]
    [no] = begun(store, born("s", *items, reports=[(1, "")]))
    [copy] = begun(store, delta("f", fork(no, 2, *items, "other")))
    assert totals(store) == {"n": 1}
    forked: list[Item | str] = [*items, "other", usage(n=10)]
    committed(store, delta("f", follows(copy, 3, *forked, reports=[(4, "")])))
    assert totals(store) == {"n": 11}


def test_it_was_used_wherever_its_session_goes(store: Store) -> None:
    [no] = begun(store, born("s", usage(n=1, c=0.5), reports=[(1, "")]))
    begun(store, born("t", usage(n=2, c=0.25), reports=[(1, "")]))
    before = used(store)
    committed(store, delta("s", follows(no, 1, usage(n=1, c=0.5), end="trash")))
    assert used(store) == before
    committed(store, delta("back", Undelete(no)))
    assert used(store) == before
    committed(store, delta("back", follows(no, 1, usage(n=1, c=0.5), end="trash")))
    finish_purges(store, committed(store, delta("gone", Purge(no))))
    assert used(store) == before
    begun(store, born("s", usage(n=1), reports=[(1, "")]))
    assert totals(store) == {"n": 4, "c": 0.75}


def test_a_life_that_ends_for_good_with_its_first_change_counts(store: Store) -> None:
    step = begins(usage(n=1), reports=[(1, "")], end="purge", ended_at=at(1))
    finish_purges(store, committed(store, delta("s", step)))
    assert totals(store) == {"n": 1}


def test_so_do_lives_of_many_sums(store: Store) -> None:
    items: list[Item | str] = [usage(agent=f"agent {n}", n=n, m=1) for n in range(700)]
    reports = [(n, "") for n in range(1, 701)]
    [no] = begun(store, born("s", *items, reports=reports))
    before = used(store)
    purged = follows(no, 700, *items, end="purge")
    finish_purges(store, committed(store, delta("s", purged)))
    assert used(store) == before


def test_sums_come_in_pages(store: Store) -> None:
    items: list[Item | str] = [usage(agent=name, n=1, m=2) for name in ("a", "b", "c", "d")]
    begun(store, born("s", *items, reports=[(n, "") for n in range(1, 5)]))
    begun(store, born("t", *items, reports=[(n, "") for n in range(1, 5)]))
    first = store.used("2025-01-01", "2025-12-31", 3)
    assert [one.agent for one in first.used] == ["a", "b", "c"]
    assert first.next == ("2025-12-31", "c", "")
    rest = store.used("2025-01-01", "2025-12-31", 3, first.next)
    assert rest == UsedPage(
        {"n": 8, "m": 16}, [Used("2025-12-31", "d", None, {"n": 2, "m": 4})], None
    )


@pytest.mark.parametrize("odd", [NUL, "\U0001f914" * 128, "\U0010ffff", "'"])
def test_names_may_be_any(store: Store, odd: str) -> None:
    used_odd = Item("usage", None, {"agent": odd, odd[:64]: 1})
    begun(store, born("s", used_odd, reports=[(1, "")]))
    [no] = begun(store, born("t", used_odd, reports=[(1, "")]))
    assert used(store) == [Used("2025-12-31", odd, None, {odd[:64]: 2})]
    after = ("2025-12-31", odd, "")
    assert store.used("2025-12-31", "2025-12-31", 5, after).used == []
    gone = follows(no, 1, used_odd, end="purge")
    finish_purges(store, committed(store, delta("t", gone)))
    assert totals(store) == {odd[:64]: 2}


def test_the_longest_names_have_room(store: Store) -> None:
    wide = "\U0001f914"
    usage = {"prompt_tokens": 1, "completion_tokens_details": {wide * 256: 2}}
    metadata = json.dumps({"model": wide * 256, "usage": usage}, ensure_ascii=False)
    item = message("x", metadata=metadata.encode())
    begun(store, born("s", item, reports=[(1, wide * 128)]))
    name = f"completion_tokens_details.{wide * 256}"
    numbers = {"prompt_tokens": 1, name: 2}
    assert used(store) == [Used("2025-12-31", wide * 128, wide * 256, numbers)]
