"""Every campaign in its quick form, two at a time: most of their time is Python starting."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.faults.__main__ import campaigns
from tests.faults.campaign import Effort, Report


@pytest.fixture(scope="module")
def reports(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Mapping[str, Future[Report]]]:
    """What each campaign comes to."""
    lanes = ThreadPoolExecutor(2)
    try:
        yield {
            name: lanes.submit(run, Effort(quick=True, folder=tmp_path_factory.mktemp(name)))
            for name, run in campaigns().items()
        }
    finally:
        lanes.shutdown(cancel_futures=True)  # where only some of them are asked for


@pytest.mark.parametrize("name", campaigns())
def test_no_guarantee_is_violated_by(name: str, reports: Mapping[str, Future[Report]]) -> None:
    report = reports[name].result()
    assert report.violations == []
    assert report.tried, "it tried nothing"
