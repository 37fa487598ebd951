"""Measures everything that needs nothing but this program, and renews docs/performance.md.

The suites run one after the other, each in a process of its own: none inherits another's memory.
"""

import subprocess
import sys
from pathlib import Path

import click

from benchmarks.report import DOCUMENT, renew

SUITES = ("runtime", "growth", "compare")
ROOT = Path(__file__).parents[1]


@click.command(
    "python -m benchmarks",
    help=__doc__,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--rounds", type=click.IntRange(1), help="How often everything is measured; see each suite."
)
@click.option("--quick", is_flag=True, help="See that it runs; writes nothing.")
def main(rounds: int | None, *, quick: bool) -> None:
    options = [] if rounds is None else ["--rounds", str(rounds)]
    if quick:
        options.append("--quick")
    for suite in SUITES:
        command = ["-m", f"benchmarks.{suite}", *options]
        print(f"\npython {' '.join(command)}", flush=True)
        ended = subprocess.run([sys.executable, *command], cwd=ROOT, check=False)
        if ended.returncode != 0:
            raise SystemExit(
                f"benchmarks.{suite} failed with exit code {ended.returncode}; "
                "what comes after it was not run, and the document was not renewed"
            )
    if not quick:
        renew()
        print(DOCUMENT)


if __name__ == "__main__":
    main()
