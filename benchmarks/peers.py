"""The same work on this runtime and on what a user would pick instead.

All contenders are started first, and only one works at a time. Each keeps its own defaults, but for
what its note says; its fsync setting, and what is true when it has acknowledged a message, is noted
with its figures.

In the process: appends to one session and to 64 at once, appends to a long session, reading that.
Over HTTP: the guide's design beside our service.

The peers come from an environment of their own, with what `benchmarks/peers-requirements.txt` has.
"""

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks import suite
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
    "commit": ("ours", "--durability", "commit"),
    "snapshot": ("ours", "--durability", "snapshot"),
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
    "commit": Share(alone=2_500, each=300, appends=2_000, reads=3),
    "snapshot": Share(alone=30_000, each=500, appends=5_000, reads=3),
    "bare": Share(alone=6_000, each=800, appends=4_000, reads=3),
    "openai": Share(alone=3_000, each=40, appends=3_000, reads=3),
    "guide": Share(alone=500, each=15, appends=10, reads=3),
    "langgraph": Share(alone=300, each=10, appends=6, reads=3),
    "google": Share(alone=250, each=3, appends=200, reads=1),
}
QUICK = Share(alone=2, each=2, appends=2, reads=1)


def run(folder: Path, rounds: int, *, python: Path, quick: bool = False) -> Results:
    """Measures in `folder`, an empty one on the disk that is meant; returns what came out.

    `python` is the interpreter of the peers' environment. Raises `SystemExit` if a contender does
    not do its work.
    """
    # A virtual environment's interpreter is a link that must not be followed.
    python = python.absolute()

    def peers(effort: Effort, results: Results) -> None:
        settings = _in_process(python, effort, results)
        over_http.measure(python, effort, results, guide=settings["guide"], ours=settings["commit"])

    effort = Effort(folder=folder, rounds=rounds, quick=quick)
    more = "" if rounds == ROUNDS else f" ARGS='--rounds {rounds}'"
    return suite.measured("peers", (peers,), effort, f"make bench-peers{more}")


def _in_process(python: Path, effort: Effort, results: Results) -> dict[str, str]:
    """Measures what needs no server. Returns what must be known of each contender."""
    with ExitStack() as stack:
        comparison = Comparison(
            processes={
                key: stack.enter_context(started(command))
                for key, command in _commands(python, effort.folder).items()
            },
            shares=effort.of(full=SHARES, quick=dict.fromkeys(SHARES, QUICK)),
            rounds=effort.rounds,
            results=results,
        )
        comparison.append(1)
        rates = comparison.append(SESSIONS)
        results.judge("append_64_openai", rates["commit"].over(rates["openai"]))
        length = effort.of(full=LONG, quick=20)
        comparison.fill_long(length)
        comparison.read_long(length)
        seconds = comparison.append_to_long(length)
        for durability in ("commit", "snapshot"):
            times = seconds["guide"].over(seconds[durability])
            results.judge(f"append_guide_{durability}", times)
        return {key: comparison.settings(key) for key in comparison.processes}


def _commands(python: Path, folder: Path) -> dict[str, list[str]]:
    return {
        key: [interpreter, "-m", f"benchmarks.contenders.{module}", *options, f"{folder / key}.db"]
        for interpreter, modules in ((sys.executable, OURS), (str(python), PEERS))
        for key, (module, *options) in modules.items()
    }


main = suite.command(
    "peers",
    run,
    rounds=ROUNDS,
    explanation=__doc__,
    options=[
        click.Option(
            ["--python"],
            required=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The interpreter of the peers' environment: .venv-peers/bin/python.",
        )
    ],
)

if __name__ == "__main__":
    main()
