"""Takes the pictures of the page that the README shows: `python -m tests.console.screenshots`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.browser.devtools import Tab, driven
from tests.console.sample import OPEN, fill
from tests.service import running

FOLDER = Path(__file__).parents[2] / "docs"


def take(folder: Path) -> None:
    """The pictures: light with the panel, dark, and narrow with a list and with a session."""
    with (
        TemporaryDirectory() as name,
        running(Path(name)) as service,
        driven(Path(name)) as browser,
    ):
        with httpx.Client(base_url=f"{service.url}/api/v1") as client:
            fill(client)
        tab = browser.tab()
        tab.look(width=1120, height=720)
        tab.go(f"{service.url}/#/{OPEN}")
        shows_all(tab)
        tab.press("t")
        tab.sees("The cause is known", "#panel-body")
        tab.picture(folder / "page-light.png")
        tab.press("t")
        tab.look(width=1120, height=720, scheme="dark")
        tab.picture(folder / "page-dark.png")
        tab.look(width=390, height=720)
        tab.go(f"{service.url}/#/{OPEN}")
        shows_all(tab)
        tab.picture(folder / "page-narrow.png")


def shows_all(tab: Tab) -> None:
    """Waits until everything is there."""
    tab.until("performance.getEntriesByName('list shown').length > 0")
    tab.until("document.querySelectorAll('#rows .entry').length >= 8")
    tab.until("document.querySelector('.picture img').complete")
    if tab.run("innerWidth") > 760:
        tab.until("document.querySelector('#list .state.running') !== null")


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
