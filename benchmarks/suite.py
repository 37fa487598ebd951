"""A suite: works measured one after the other, each in a folder of its own, in so many rounds."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import click
from attrs import evolve, frozen

from benchmarks import machine
from benchmarks.results import Results

T = TypeVar("T")


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


class Run(Protocol):
    """A suite: measures in `folder`, an empty one, and returns what came out."""

    def __call__(self, folder: Path, rounds: int, *, quick: bool = False) -> Results: ...


def measured(suite: str, works: Sequence[Work], effort: Effort) -> Results:
    """The results of all the works. What they made on the disk is removed."""
    results = Results(
        suite=suite,
        command=f"python -m benchmarks.{suite} --rounds {effort.rounds}",
        machine=machine.describe(effort.folder),
    )
    for work in works:
        folder = effort.folder.resolve() / work.__name__
        folder.mkdir()
        work(evolve(effort, folder=folder), results)
        shutil.rmtree(folder)
    return results


def command(suite: str, run: Run, rounds: int, explanation: str) -> click.Command:
    """The suite as a command line."""

    @click.command(
        f"python -m benchmarks.{suite}",
        help=explanation,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    @click.option(
        "--rounds",
        default=rounds,
        show_default=True,
        type=click.IntRange(1),
        help="How often everything is measured.",
    )
    @click.option("--quick", is_flag=True, help="See that it runs; writes no results.")
    @click.option(
        "--folder",
        default=".",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder on the disk to measure; default: the working directory.",
    )
    def main(rounds: int, *, quick: bool, folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix=f"bench-{suite}-", dir=folder) as place:
            results = run(Path(place), rounds, quick=quick)
        if not quick:
            print(results.write())

    return main
