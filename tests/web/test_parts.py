"""Bodies that are taken apart: others run in between, as often as they need to, and no more."""

from collections.abc import Iterable

import pytest

from web.call.parts import LARGE, STRETCH, paced


class Work:
    """Items that take their time, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done: list[int] = []

    def do(self, items: Iterable[int], seconds: float) -> None:
        for item in items:
            self.done.append(item)
            self.now += seconds


def pauses_of(work: Work, count: int, size: int, seconds: float) -> list[int]:
    """How many items were done each time that others were let in."""
    pauses: list[int] = []

    def let_others() -> None:
        pauses.append(len(work.done))

    work.do(paced(range(count), size, let_others=let_others, now=lambda: work.now), seconds)
    assert work.done == list(range(count))
    return pauses


def test_behind_a_long_item_others_are_let_in() -> None:
    assert pauses_of(Work(), 3, LARGE, 2 * STRETCH) == [1, 2, 3]


def test_behind_short_items_others_are_let_in_once_it_has_been_long_enough() -> None:
    assert pauses_of(Work(), 12, LARGE, STRETCH / 3.9) == [4, 8, 12]


@pytest.mark.parametrize("seconds", [0, 2 * STRETCH])
def test_nobody_waits_for_a_small_body(seconds: float) -> None:
    assert pauses_of(Work(), 3, LARGE - 1, seconds) == []
