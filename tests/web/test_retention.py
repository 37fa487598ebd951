"""How soon what has expired is deleted."""

from datetime import timedelta
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from runtime import Runtime
from web.running import RETENTION_PAUSE, _retain


class Cleaned:
    """A runtime that notes when it is cleaned up, in trio's time."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def cleanup(self, age: timedelta) -> int:
        self.times.append(trio.current_time())
        return 0


@pytest.mark.parametrize(
    ("age", "pause"),
    [(timedelta(hours=24), RETENTION_PAUSE), (timedelta(minutes=1), 6.0)],
)
async def test_a_session_outlives_its_retention_by_a_tenth_at_most(
    age: timedelta, pause: float, autojump_clock: MockClock
) -> None:
    runtime = Cleaned()
    began = trio.current_time()
    with trio.move_on_after(2.5 * pause):
        await _retain(cast(Runtime, runtime), age)
    assert runtime.times == pytest.approx([began, began + pause, began + 2 * pause])
