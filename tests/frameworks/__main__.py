"""`python -m tests.frameworks [NAME …] [--write docs/frameworks.md]`: runs their tests."""

import argparse
import sys
from pathlib import Path

from tests.frameworks.about import about, names
from tests.frameworks.environment import install
from tests.frameworks.runs import Outcome, run
from tests.frameworks.table import row, write


def main() -> int:
    """Returns 1 if anything of ours failed."""
    asked = _arguments()
    rows: dict[str, str] = {}
    bad = []
    for name in asked.names or names():
        its = about(name)
        print(f"{its.title}:", flush=True)
        install(name, its)
        outcome = run(name)
        print(f"{its.title}: {_said(outcome)}", flush=True)
        if its.in_table:
            rows[its.title] = row(its, outcome)
        if not outcome.is_good:
            bad.append(name)
    if asked.write and not bad:
        write(asked.write, rows)
    if bad:
        print(f"failed: {', '.join(bad)}")
    return 1 if bad else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.frameworks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}")
    parser.add_argument("--write", type=Path, help="the document whose table gets the counts")
    asked = parser.parse_args()
    if strange := sorted(set(asked.names).difference(names())):
        parser.error(f"{strange[0]!r} is none of {', '.join(names())}")
    return asked


def _said(outcome: Outcome) -> str:
    found = {"own tests": outcome.own, "suite": outcome.ours, "on its own store": outcome.peer}
    return ", ".join(f"{name} {counts}" for name, counts in found.items() if counts is not None)


if __name__ == "__main__":
    sys.exit(main())
