"""Where the service wants a token, the page asks for it, and keeps it for its tab alone."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.browser.devtools import Browser, Tab
from tests.console.sample import say
from tests.service import Service, running

TOKEN = "a-token-that-is-long-enough-for-anybody"  # noqa: S105 -- of this test alone


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Service]:
    """A service that asks for a token, with a session."""
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    with running(tmp_path, "--token-file", str(token)) as service:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"{service.url}/api/v1", headers=headers) as client:
            say(client, "secret", {"role": "user", "content": "Nobody else's"})
        yield service


def asked(tab: Tab) -> None:
    tab.until("document.querySelector('#token')?.open")


def give(tab: Tab, token: str) -> None:
    tab.type("#token-field", token)
    tab.press("Enter")


def test_a_token_is_asked_for_until_it_is_right_and_then_sent_in_heads(
    browser: Browser, locked: Service
) -> None:
    tab = browser.tab()
    tab.go(f"{locked.url}/#/secret")
    asked(tab)
    give(tab, "a-wrong-one-that-is-long-enough")
    tab.sees("refuses this token", "#token")
    give(tab, TOKEN)
    tab.sees("Nobody else's", "#rows")
    tab.sees("secret", "#list")
    assert not any(TOKEN in url for url in tab.requested)
    assert tab.run("Object.keys(localStorage).length") == 0
    assert tab.run("document.cookie") == ""
    assert TOKEN not in tab.run("document.body.innerHTML")
    assert tab.run("document.querySelector('#token-field').value") == ""
    tab.call("Page.close")


def test_the_tab_keeps_it_over_a_reload_and_another_does_not_have_it(
    browser: Browser, locked: Service
) -> None:
    tab = browser.tab()
    tab.go(f"{locked.url}/")
    asked(tab)
    give(tab, TOKEN)
    tab.sees("secret", "#list")
    tab.go(f"{locked.url}/")
    tab.sees("secret", "#list")
    other = browser.tab()
    other.go(f"{locked.url}/")
    asked(other)
    for one in (tab, other):
        one.call("Page.close")
