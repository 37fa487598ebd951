"""The service over HTTP, beside bare routes on the same server.

Histories of three messages, appends of 64 clients, a list of 100,000 sessions and what others
notice of it. With `--peers`, the runtime beside other libraries instead: see `benchmarks.peers`.
"""

import tempfile
from functools import partial
from pathlib import Path

import click

from benchmarks import peers, suite
from benchmarks.long_lists import long_list
from benchmarks.results import Results
from benchmarks.same_server import history, posts
from benchmarks.suite import Effort, Work

WORKS: tuple[Work, ...] = (history, posts, long_list)


def run(folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant."""
    return suite.measured("compare", WORKS, Effort(folder=folder, rounds=rounds, quick=quick))


@click.command(
    "python -m benchmarks.compare",
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--peers",
    "python",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The interpreter of the peers' environment.",
)
@click.option(
    "--rounds",
    default=5,
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
def main(python: Path | None, rounds: int, *, quick: bool, folder: Path) -> None:
    measure = run if python is None else partial(peers.run, python)
    with tempfile.TemporaryDirectory(prefix="bench-compare-", dir=folder) as place:
        results = measure(Path(place), rounds, quick=quick)
    if not quick:
        print(results.write())


if __name__ == "__main__":
    main()
