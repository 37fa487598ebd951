"""Own tests and a framework's suite, each in a process of the framework's environment."""

import os
import subprocess
from pathlib import Path

from attrs import frozen

from tests.frameworks.about import HERE, ROOT
from tests.frameworks.counts import Counts
from tests.frameworks.environment import PLACE, python_of

REPORTS = PLACE / "reports"


@frozen
class Outcome:
    """What came of one framework."""

    own: Counts | None
    ours: Counts | None
    """Of its suite, on our adapter."""
    peer: Counts | None
    """Of its suite, on its own store."""
    is_good: bool


def run(name: str) -> Outcome:
    """Runs what a folder has."""
    reports = REPORTS / name
    reports.mkdir(parents=True, exist_ok=True)
    for old in reports.glob("*.xml"):
        old.unlink()
    tested = _python(name, "-m", "pytest", *pytest_arguments(reports / "own.xml"), HERE / name)
    is_good = tested == 0
    if (HERE / name / "suite.py").is_file():
        # Its exit code says what it says of our adapter: its own store may fail its own tests.
        is_good = _python(name, "-m", f"tests.frameworks.{name}.suite", reports) == 0 and is_good
    read = {one: Counts.read(reports / f"{one}.xml") for one in ("own", "ours", "peer")}
    return Outcome(**read, is_good=is_good)


def pytest_arguments(report: Path) -> list[str | Path]:
    """So that pytest runs these tests: with a file of settings of their own."""
    # The one above, and tests/conftest.py, want plugins that these environments do not have.
    return ["-c", HERE / "pytest.ini", "--junit-xml", report]


def _python(name: str, *arguments: str | Path) -> int:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [python_of(name), *arguments], cwd=ROOT, env=environment, check=False
    ).returncode
