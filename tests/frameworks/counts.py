"""What came of a run of tests, as its report in JUnit's form has it."""

from pathlib import Path
from xml.etree import ElementTree as ET

from attrs import frozen


@frozen
class Counts:
    """Tests that ran, without those that were skipped."""

    passed: int
    failed: int

    @classmethod
    def read(cls, report: Path) -> "Counts | None":
        """`None`: there is no report."""
        if not report.is_file():
            return None
        # Written by pytest on this machine a moment ago.
        suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314
        ran, failed = (
            sum(int(suite.get(name, 0)) for suite in suites for name in members)
            for members in (("tests",), ("failures", "errors"))
        )
        skipped = sum(int(suite.get("skipped", 0)) for suite in suites)
        return cls(ran - skipped - failed, failed)

    def __str__(self) -> str:
        if not self.failed:
            return str(self.passed)
        return f"{self.passed} of {self.passed + self.failed}"
