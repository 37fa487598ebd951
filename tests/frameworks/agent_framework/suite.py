"""The checks on our history and on the framework's own.

`python -m tests.frameworks.agent_framework.suite REPORTS`. The report `peer.xml` is that of its
history in files; that in memory lies beside it.
"""

import os
import subprocess
import sys
from pathlib import Path

from tests.frameworks.agent_framework.stores import NAMES, OURS
from tests.frameworks.runs import pytest_arguments

CHECKS = Path(__file__).with_name("checks.py")

REPORTS = {OURS: "ours.xml", "FileHistoryProvider": "peer.xml"}


def main() -> int:
    """Returns what pytest said of ours. The framework's may fail: that is counted, no failure."""
    reports = Path(sys.argv[1])
    said = {name: _run(name, reports / REPORTS.get(name, f"{name}.xml")) for name in NAMES}
    return said[OURS]


def _run(store: str, report: Path) -> int:
    sys.stdout.write(f"{store}:\n")
    sys.stdout.flush()
    return subprocess.run(
        [sys.executable, "-m", "pytest", *pytest_arguments(report), "--tb=line", CHECKS],
        env={**os.environ, "AF_STORE": store},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
