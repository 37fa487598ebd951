"""One browser for all files, and one service for each; each test has a tab of its own."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.chromium import needs_chromium
from tests.browser.devtools import Browser, Tab, driven
from tests.service import Service, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    for item in items:  # which are those of all folders
        if str(item.path).startswith(here):
            item.add_marker(needs_chromium)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with driven(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def client(service: Service) -> Iterator[httpx.Client]:
    """A client of the API: `client.post("/sessions", …)`."""
    with httpx.Client(base_url=f"{service.url}/api/v1", timeout=None) as client:  # noqa: S113 -- the test is bounded
        yield client


@pytest.fixture
def tab(browser: Browser, service: Service) -> Iterator[Tab]:
    """A tab that shows the page; at its end, nobody may have complained."""
    tab = browser.tab()
    tab.go(f"{service.url}/")
    tab.until("document.querySelector('#count').textContent !== ''")
    yield tab
    assert tab.complaints == []
    tab.call("Page.close")
