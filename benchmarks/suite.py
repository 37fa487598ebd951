"""A suite: works measured one after the other, each in a folder of its own, in so many rounds."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import evolve, frozen

from benchmarks import machine
from benchmarks.measure import Timer
from benchmarks.results import Results
from benchmarks.servers import unwinding_when_ended

T = TypeVar("T")

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Of the command lines."""


@frozen(kw_only=True)
class Effort:
    """How hard to measure, and where."""

    folder: Path
    """An empty folder, on the disk that is measured."""
    rounds: int
    quick: bool
    """Only to see that everything runs: the figures mean nothing."""

    def of(self, full: T, quick: T) -> T:
        """`full`, or `quick` if there is no time."""
        return quick if self.quick else full


Work = Callable[[Effort, Results], None]
"""Measures something, and adds what came out to the results."""


def measured(
    suite: str, works: Sequence[Work], effort: Effort, command: str | None = None
) -> Results:
    """The results of all the works. What they made on the disk is removed.

    `command` is what to type to get such results again, where that is not the suite's own.
    """
    results = Results(
        suite=suite,
        command=command or f"python -m benchmarks.{suite} --rounds {effort.rounds}",
        machine=machine.describe(effort.folder, quick=effort.quick),
        quick=effort.quick,
    )
    timer = Timer()
    for work in works:
        folder = effort.folder.resolve() / work.__name__
        folder.mkdir()
        print(f"# {work.__name__}", flush=True)
        work(evolve(effort, folder=folder), results)
        shutil.rmtree(folder)
    results.seconds = timer.seconds
    return results


def command(
    suite: str,
    run: Callable[..., Results],
    rounds: int,
    explanation: str,
    options: Sequence[click.Parameter] = (),
) -> click.Command:
    """The suite as a command line. `run` is given the values of the options, too."""

    def main(rounds: int, *, quick: bool, folder: Path, **more: Any) -> None:
        with (
            unwinding_when_ended(),
            tempfile.TemporaryDirectory(prefix=f"bench-{suite}-", dir=folder) as place,
        ):
            results = run(Path(place), rounds, quick=quick, **more)
        if not quick:
            print(results.write())

    return click.Command(
        f"python -m benchmarks.{suite}",
        callback=main,
        help=explanation,
        params=[*options, *common_options(rounds)],
        context_settings=CONTEXT,
    )


def common_options(rounds: int | None) -> list[click.Parameter]:
    """Of every suite. `rounds`: how many are usual; `None` if each has its own number."""
    return [
        click.Option(
            ["--rounds"],
            default=rounds,
            show_default=True,
            type=click.IntRange(1),
            help="How often everything is measured.",
        ),
        click.Option(["--quick"], is_flag=True, help="See that it runs; writes nothing."),
        click.Option(
            ["--folder"],
            default=".",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="A folder on the disk to measure; default: the working directory.",
        ),
    ]
