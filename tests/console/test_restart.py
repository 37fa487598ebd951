"""The service dies and comes back while the page is open."""

import signal
from pathlib import Path

import httpx

from tests.browser.devtools import Browser
from tests.console.sample import say
from tests.service import running


def test_the_page_says_that_it_is_cut_off_and_goes_on_behind_what_it_has_seen(
    browser: Browser, tmp_path: Path
) -> None:
    tab = browser.tab()
    with running(tmp_path) as service:
        with httpx.Client(base_url=f"{service.url}/api/v1") as client:
            say(client, "kept", {"role": "user", "content": "before"})
            client.post("/sessions/kept/drafts/m-2", json={"append": "half an ans"})
            tab.go(f"{service.url}/#/kept")
            tab.sees("half an ans", "#drafts")
            # What is drafted is on disk when a message is that comes behind it.
            say(client, "kept", {"role": "user", "content": "and more"})
            tab.sees("and more", "#rows")
        service.end(signal.SIGKILL)
        tab.until("!document.querySelector('#connection').hidden")
        tab.until("!document.querySelector('#offline').hidden")
    port = service.url.rpartition(":")[2]
    with running(tmp_path, "--port", port) as service:
        with httpx.Client(base_url=f"{service.url}/api/v1") as client:
            say(client, "kept", {"role": "assistant", "content": "behind"})
            say(client, "new", {"role": "user", "content": "hello"})
        tab.sees("behind", "#rows")
        tab.sees("new", "#list")
        tab.sees("interrupted", "#drafts")
        tab.sees("half an ans", "#drafts")
        tab.until("document.querySelector('#connection').hidden")
        said = "[...document.querySelectorAll('#rows .prose')].map((one) => one.innerText).join()"
        assert tab.run(said) == "before,and more,behind"
        assert tab.complaints == []
        tab.call("Page.close")
