"""How soon what has expired is deleted, and what was deleted is gone for good."""

from datetime import timedelta
from typing import Any, cast

import click
import pytest
import trio
from click.testing import CliRunner
from trio.testing import MockClock

from runtime import DAYS, Runtime, RuntimeConfig, StoreUnavailable
from web.cli.service import RETENTION_PAUSE, TIDY_PAUSE, _retain, _tidy
from web.cli.settings import service_config, service_options


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


class Tidied:
    """A runtime that notes when it is tidied up, in trio's time; the store fails the first time."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def tidy(self) -> None:
        self.times.append(trio.current_time())
        if len(self.times) == 1:
            raise StoreUnavailable("the disk is full")


async def test_the_trash_is_looked_at_again_and_again(autojump_clock: MockClock) -> None:
    runtime = Tidied()
    began = trio.current_time()
    with trio.move_on_after(2.5 * TIDY_PAUSE):
        await _tidy(cast(Runtime, runtime))
    assert runtime.times == pytest.approx([began, began + TIDY_PAUSE, began + 2 * TIDY_PAUSE])


@click.command()
@service_options
@click.pass_context
def told(ctx: click.Context, /, **settings: Any) -> None:
    """What the options say, left for the test to look at."""
    ctx.find_root().obj.append(service_config(settings).runtime)


def configured(*options: str) -> RuntimeConfig:
    found: list[RuntimeConfig] = []
    result = CliRunner().invoke(told, options, obj=found)
    assert result.exit_code == 0, result.output
    return found[0]


def test_what_is_deleted_can_come_back_for_30_days_and_records_for_ever() -> None:
    config = configured()
    assert config.trash_retention == 30 * DAYS
    assert config.record_retention is None


def test_both_ages_are_given_in_days() -> None:
    config = configured("--trash-days", "0", "--record-history-days", "0.5")
    assert config.trash_retention == 0
    assert config.record_retention == DAYS / 2


@pytest.mark.parametrize(
    "option", ["--trash-days=-1", "--trash-days=nan", "--record-history-days=0"]
)
def test_an_age_that_is_none_is_refused(option: str) -> None:
    assert CliRunner().invoke(told, [option], obj=[]).exit_code == 2
