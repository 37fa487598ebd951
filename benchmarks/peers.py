"""The same work on this runtime and on what a user would pick instead.

All contenders are started first, and only one works at a time. Each keeps its own defaults; its
fsync setting, and what is true when it has acknowledged a message, is noted with its figures.

In the process: appends to one session and to 64 at once, appends to a long session, reading that.
Over HTTP: the guide's design beside our service.

The peers come from an environment of their own, with what `benchmarks/peers-requirements.txt` has.
"""

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks import machine
from benchmarks.contenders import over_http
from benchmarks.contenders.comparison import Comparison, Share
from benchmarks.contenders.process import started
from benchmarks.results import Results
from benchmarks.suite import Effort

ROUNDS = 5
SESSIONS = 64
"""That append at the same time."""
LONG = 5_000
"""Messages of the long session, before some are appended to it in each round."""

OURS: Mapping[str, tuple[str, ...]] = {
    "commit": ("ours", "commit"),
    "snapshot": ("ours", "snapshot"),
    "bare": ("bare_sqlite",),
}
PEERS: Mapping[str, tuple[str, ...]] = {
    "openai": ("openai_agents",),
    "guide": ("guide_design",),
    "langgraph": ("langgraph",),
    "google": ("google_adk",),
}
"""The modules of the contenders, each with its arguments before the file."""

SHARES: Mapping[str, Share] = {
    "commit": Share(alone=500, each=100, appends=50, reads=3),
    "snapshot": Share(alone=2_000, each=100, appends=50, reads=3),
    "bare": Share(alone=1_000, each=100, appends=50, reads=3),
    "openai": Share(alone=500, each=100, appends=50, reads=3),
    "guide": Share(alone=200, each=25, appends=10, reads=3),
    "langgraph": Share(alone=100, each=10, appends=5, reads=3),
    "google": Share(alone=100, each=5, appends=20, reads=1),
}
QUICK = Share(alone=2, each=2, appends=2, reads=1)


def run(python: Path, folder: Path, rounds: int, *, quick: bool = False) -> Results:
    """Measures in `folder`, which is on the disk that is meant, and is empty.

    `python` is the interpreter of the peers' environment. Raises `SystemExit` if a contender does
    not do its work.
    """
    effort = Effort(folder=folder.resolve(), rounds=rounds, quick=quick)
    results = Results(
        suite="peers",
        command=f"python -m benchmarks.peers --python {python} --rounds {rounds}",
        machine=machine.describe(folder),
    )
    with ExitStack() as stack:
        comparison = Comparison(
            processes={
                key: stack.enter_context(started(command))
                for key, command in _commands(python, effort.folder).items()
            },
            shares=effort.of(full=SHARES, quick=dict.fromkeys(SHARES, QUICK)),
            rounds=rounds,
            results=results,
        )
        _in_process(comparison, effort.of(full=LONG, quick=20))
        settings = {key: comparison.settings(key) for key in ("guide", "commit")}
    over_http.measure(python, effort, results, **settings)
    return results


def _commands(python: Path, folder: Path) -> dict[str, list[str]]:
    return {
        key: [interpreter, "-m", f"benchmarks.contenders.{module}", *options, f"{folder / key}.db"]
        for interpreter, modules in ((sys.executable, OURS), (str(python.absolute()), PEERS))
        for key, (module, *options) in modules.items()
    }


def _in_process(comparison: Comparison, length: int) -> None:
    comparison.append(1)
    rates = comparison.append(SESSIONS)
    comparison.results.judge("append_64_openai", rates["commit"].over(rates["openai"]))
    seconds = comparison.append_to_long(length)
    for durability in ("commit", "snapshot"):
        times = seconds["guide"].over(seconds[durability])
        comparison.results.judge(f"append_guide_{durability}", times)
    comparison.read_long(length)


@click.command(
    "python -m benchmarks.peers",
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--python",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The interpreter of the peers' environment: .venv-peers/bin/python.",
)
@click.option(
    "--rounds",
    default=ROUNDS,
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
def main(python: Path, rounds: int, *, quick: bool, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-peers-", dir=folder) as place:
        results = run(python, Path(place), rounds, quick=quick)
    if not quick:
        print(results.write())


if __name__ == "__main__":
    main()
