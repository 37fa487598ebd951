"""A session of a gigabyte: its first use, its memory, its whole history, and calls deep within it.

Takes 3 GB of disk for as long as it runs. Linux only: memory is read from /proc.
"""

from pathlib import Path

from benchmarks import suite
from benchmarks.deep_calls import deep_calls
from benchmarks.first_uses import activations, last_pages, memory_taken
from benchmarks.gigabyte import Gigabyte
from benchmarks.results import Results
from benchmarks.suite import Effort, Work
from benchmarks.whole_histories import whole_histories


def any_length(effort: Effort, results: Results) -> None:
    """All of it on one database: making that takes longer than most of what is measured."""
    sessions = Gigabyte(
        path=effort.folder / "any_length.db",
        length=effort.of(full=100_000, quick=300),
        short=effort.of(full=1_000, quick=150),
    )
    sessions.make()
    activations(sessions, effort, results)
    memory_taken(sessions, effort, results)
    last_pages(sessions, effort, results)
    whole_histories(sessions, effort, results)
    deep_calls(sessions, effort, results)  # the last, since it changes the session


WORKS: tuple[Work, ...] = (any_length,)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out."""
    return suite.measured("any_length", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


main = suite.command("any_length", run, rounds=3, explanation=__doc__)

if __name__ == "__main__":
    main()
