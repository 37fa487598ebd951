"""Measures everything that needs nothing but this program, and renews docs/performance.md.

The suites run one after the other, each in a process of its own: none inherits another's memory.
"""

import signal
import subprocess
import sys
from pathlib import Path

import click

from benchmarks.report import DOCUMENT, renew
from benchmarks.servers import ROOT, unwinding_when_ended
from benchmarks.suite import CONTEXT, common_options

SUITES = ("runtime", "growth", "any_length", "layouts", "compare", "limits", "stalls")


def measure(rounds: int | None, *, quick: bool, folder: Path) -> None:
    """Runs the suites. Raises `SystemExit` if one fails."""
    options = ["--folder", str(folder.absolute())]
    if rounds is not None:
        options += ["--rounds", str(rounds)]
    if quick:
        options.append("--quick")
    with unwinding_when_ended():
        for suite in SUITES:
            command = ["-m", f"benchmarks.{suite}", *options]
            print(f"\npython {' '.join(command)}", flush=True)
            exit_code = _run([sys.executable, *command])
            if exit_code != 0:
                raise SystemExit(
                    f"benchmarks.{suite} failed with exit code {exit_code}; "
                    "what comes after it was not run, and the document was not renewed"
                )
    if not quick:
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


main = click.Command(
    "python -m benchmarks",
    callback=measure,
    help=__doc__,
    params=common_options(None),
    context_settings=CONTEXT,
)

if __name__ == "__main__":
    main()
