"""Measures, and renews docs/performance.md.

Without the names of suites, all run that need nothing but this program: all but peers and adapters.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.processes import ROOT, unwinding_when_ended
from benchmarks.report import DOCUMENT, renew
from benchmarks.table import BUDGETS, SUITES, WITH_PEERS

PEERS = ROOT / ".venv-peers" / "bin" / "python"

_ABOUT = "\n\n".join(suite.about for suite in SUITES.values())


@click.command(
    "python -m benchmarks",
    help=f"{__doc__}\n\n{_ABOUT}",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("suites", nargs=-1, type=click.Choice(list(SUITES)), metavar="[SUITE]...")
@click.option(
    "--rounds", type=click.IntRange(1), help="How often everything is measured; default: 3 or 5."
)
@click.option("--quick", is_flag=True, help="See that it runs; writes nothing.")
@click.option(
    "--folder",
    default=".",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder on the disk to measure; default: the working directory.",
)
@click.option(
    "--python",
    default=PEERS,
    type=click.Path(path_type=Path),
    help="The interpreter of the peers' environment; default: .venv-peers/bin/python.",
)
def main(
    suites: tuple[str, ...], rounds: int | None, folder: Path, python: Path, *, quick: bool
) -> None:
    with unwinding_when_ended():
        if len(suites) == 1:
            _measure(suites[0], rounds, folder, python, quick=quick)
            return
        for suite in suites or (name for name in SUITES if name not in WITH_PEERS):
            # Each in a process of its own: none inherits another's memory.
            options = ["--folder", str(folder.absolute()), "--python", str(python.absolute())]
            options += ["--quick"] * quick + ([] if rounds is None else ["--rounds", str(rounds)])
            print(f"\npython -m benchmarks {suite}", flush=True)
            exit_code = _run([sys.executable, "-m", "benchmarks", suite, *options])
            if exit_code != 0:
                raise SystemExit(
                    f"{suite} failed with exit code {exit_code}; what comes after it was not run"
                )


def _measure(suite: str, rounds: int | None, folder: Path, python: Path, *, quick: bool) -> None:
    """One suite, in this process."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{suite}-", dir=folder) as place:
        # A virtual environment's interpreter is a link that must not be followed.
        peers = python.absolute()
        results = SUITES[suite].measured(
            Path(place), BUDGETS, rounds=rounds, quick=quick, peers=peers
        )
    if not quick:
        print(results.write())
        renew()
        print(DOCUMENT)


def _run(command: list[str]) -> int:
    # In a group of its own a suite gets a Ctrl-C from here only: once, and it is waited for.
    with subprocess.Popen(command, cwd=ROOT, process_group=0) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise


if __name__ == "__main__":
    main()
