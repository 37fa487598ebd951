"""How the cost grows: with a session to 100,000 messages, with a database to 1,000,000 sessions.

Takes 1 GiB of disk for as long as it runs. Linux only: the bytes written, and the memory of the
service, are read from /proc.
"""

from pathlib import Path

from benchmarks import suite
from benchmarks.large_databases import large_databases
from benchmarks.long_sessions import latency, written
from benchmarks.results import Results
from benchmarks.suite import Effort, Work

WORKS: tuple[Work, ...] = (latency, written, large_databases)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out."""
    return suite.measured("growth", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


main = suite.command("growth", run, rounds=5, explanation=__doc__)

if __name__ == "__main__":
    main()
