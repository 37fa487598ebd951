"""The embedded runtime: what it costs, beside a bare channel and a bare database.

Asks and appends, activation, passivation, memory, lists, bulk writes, batches beside the tables of
the first release, forks, the end. Linux only: memory is read from /proc.
"""

from pathlib import Path

from benchmarks import suite
from benchmarks.activations import activation, passivation
from benchmarks.appends import many_callers, one_caller
from benchmarks.batches import batches
from benchmarks.flushes import bulk, shutdown
from benchmarks.forks import forks
from benchmarks.listing import listing
from benchmarks.memory import memory
from benchmarks.pages import pages
from benchmarks.results import Results
from benchmarks.rich import rich
from benchmarks.stages import stages
from benchmarks.suite import Effort, Work

WORKS: tuple[Work, ...] = (
    one_caller,
    many_callers,
    pages,
    rich,
    activation,
    passivation,
    memory,
    listing,
    bulk,
    batches,
    forks,
    stages,
    shutdown,
)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out."""
    return suite.measured("runtime", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


main = suite.command("runtime", run, rounds=5, explanation=__doc__)

if __name__ == "__main__":
    main()
