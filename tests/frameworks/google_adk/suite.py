"""The checks on our store and on ADK's own: `python -m tests.frameworks.google_adk.suite REPORTS`.

The report `peer.xml` is that of its SQLite store; those of its two others lie beside it.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.frameworks.google_adk.stores import NAMES, OURS
from tests.frameworks.runs import pytest_arguments

CHECKS = Path(__file__).with_name("checks.py")

REPORTS = {OURS: "ours.xml", "SqliteSessionService": "peer.xml"}


def main() -> int:
    """Returns what pytest said of ours. ADK's own may fail: that is counted, and no failure."""
    reports = Path(sys.argv[1])
    said = {name: _run(name, reports / REPORTS.get(name, f"{name}.xml")) for name in NAMES}
    return said[OURS]


def _run(store: str, report: Path) -> int:
    sys.stdout.write(f"{store}:\n")
    sys.stdout.flush()
    return subprocess.run(
        [sys.executable, "-m", "pytest", *pytest_arguments(report), "--tb=line", CHECKS],
        env={**os.environ, "ADK_STORE": store},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
