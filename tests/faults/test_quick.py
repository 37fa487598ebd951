"""Every campaign in its quick form."""

from pathlib import Path

import pytest

from tests.faults.__main__ import campaigns
from tests.faults.campaign import Effort

ALONE = "nodes"
"""Takes a minute also in its quick form, most of it for databases: `make faults` has it."""


@pytest.mark.parametrize("name", [name for name in campaigns() if name != ALONE])
def test_no_guarantee_is_violated_by(name: str, tmp_path: Path) -> None:
    report = campaigns()[name](Effort(quick=True, folder=tmp_path))
    assert report.violations == []
    assert report.tried, "it tried nothing"
