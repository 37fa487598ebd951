"""The service over HTTP, beside bare routes on the same server.

Histories of three messages, appends of 64 clients, a history that is asked for again, a list of
100,000 sessions and what others notice of it.
"""

from pathlib import Path

from benchmarks import suite
from benchmarks.conditional import unchanged_history
from benchmarks.long_lists import long_list
from benchmarks.results import Results
from benchmarks.same_server import history, posts
from benchmarks.suite import Effort, Work

WORKS: tuple[Work, ...] = (history, posts, unchanged_history, long_list)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out."""
    return suite.measured("compare", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


main = suite.command("compare", run, rounds=5, explanation=__doc__)

if __name__ == "__main__":
    main()
