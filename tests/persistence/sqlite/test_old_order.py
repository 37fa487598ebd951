"""Messages and switches that were kept apart: how they become one log, and what that leaves out."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.sqlite.guide.old_order import forgotten, in_order, lacks_switch

MOMENT = "2025-12-31T12:00:00.000Z"


class Thing(NamedTuple):
    name: str
    at: str


def names(messages: list[Thing], switches: list[Thing]) -> list[str]:
    return [thing.name for thing in in_order(messages, switches, lambda thing: thing.at)]


def test_what_was_earlier_comes_first() -> None:
    messages = [Thing("m1", "1"), Thing("m3", "3")]
    switches = [Thing("s2", "2"), Thing("s4", "4")]
    assert names(messages, switches) == ["m1", "s2", "m3", "s4"]


def test_at_one_moment_what_was_said_comes_first() -> None:
    assert names([Thing("m1", "1"), Thing("m2", "1")], [Thing("s", "1")]) == ["m1", "m2", "s"]


def test_a_clock_that_went_backwards_moves_no_message() -> None:
    messages = [Thing("m5", "5"), Thing("m1", "1"), Thing("m6", "6")]
    assert names(messages, [Thing("s4", "4"), Thing("s2", "2")]) == ["s4", "s2", "m5", "m1", "m6"]


@given(st.lists(st.sampled_from("12345")), st.lists(st.sampled_from("12345")))
def test_each_of_the_two_keeps_its_order(messages: list[str], switches: list[str]) -> None:
    said = [Thing(f"m{n}", at) for n, at in enumerate(messages)]
    switched = [Thing(f"s{n}", at) for n, at in enumerate(switches)]
    found = list(in_order(said, switched, lambda thing: thing.at))
    assert [thing for thing in found if thing.name[0] == "m"] == said
    assert [thing for thing in found if thing.name[0] == "s"] == switched


def test_of_each_one_is_read_ahead_and_no_more() -> None:
    read: list[str] = []

    def reading(*things: Thing) -> Iterator[Thing]:
        for thing in things:
            read.append(thing.name)
            yield thing

    messages = reading(Thing("m1", "1"), Thing("m2", "2"), Thing("m3", "3"))
    next(in_order(messages, reading(Thing("s4", "4"), Thing("s5", "5")), lambda thing: thing.at))
    assert read == ["m1", "s4"]


@pytest.mark.parametrize(
    ("recorded", "is_lacking"), [(None, False), ("coder", False), ("architect", True), ("", True)]
)
def test_a_switch_is_lacking_if_the_recorded_ones_lead_elsewhere(
    recorded: str | None, is_lacking: bool
) -> None:
    assert lacks_switch(recorded, "coder") is is_lacking


@pytest.mark.parametrize(
    ("counted", "recorded", "last_switch_at", "number"),
    [
        (0, 0, None, None),
        (2, 2, MOMENT, None),
        (2, 3, MOMENT, None),  # one was added
        (5, 3, MOMENT, 2),
        (2, 0, None, 2),
        (0, 0, MOMENT, 0),  # when it was is known, and nothing else
    ],
)
def test_switches_known_by_their_number_only_are_named(
    counted: int, recorded: int, last_switch_at: str | None, number: int | None
) -> None:
    members = {"forgotten_switches": number, "last_switch_at": last_switch_at}
    assert forgotten(counted, recorded, last_switch_at) == ({} if number is None else members)
