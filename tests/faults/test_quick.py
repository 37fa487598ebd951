"""Every campaign in its quick form."""

from pathlib import Path

import pytest

from tests.faults.__main__ import campaigns
from tests.faults.campaign import Effort


@pytest.mark.parametrize("name", campaigns())
def test_no_guarantee_is_violated_by(name: str, tmp_path: Path) -> None:
    report = campaigns()[name](Effort(quick=True, folder=tmp_path))
    assert report.violations == []
    assert report.tried, "it tried nothing"
