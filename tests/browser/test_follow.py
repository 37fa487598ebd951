"""A page of another origin, in a real browser, follows a session through a restart."""

import signal
from pathlib import Path
from typing import Any

import httpx

from tests.browser.chromium import needs_chromium, showing
from tests.browser.pages import serving
from tests.service import Service, running

SESSION = "сессия/1"
PLACE = "/api/v1/sessions/%D1%81%D0%B5%D1%81%D1%81%D0%B8%D1%8F%2F1"
TOKEN = "a-token-that-is-long-enough-for-anybody"  # noqa: S105 -- of this test alone


def write(client: httpx.Client, *keys: str) -> None:
    """Messages of these ids, and a record and a switch before the last."""
    for key in keys:
        if key == keys[-1]:
            record = {"put": [{"key": "state", "value": {"at": key}}]}
            client.post(f"{PLACE}/records", json=record).raise_for_status()
            agent = {"agent": f"agent-of-{key}"}
            place = PLACE.replace("/sessions/", "/agents/")
            client.post(f"{place}/switch", json=agent).raise_for_status()
        message = {"role": "user", "content": f"{key}: Привет 👋\n\n日本語", "id": key}
        client.post(f"{PLACE}/messages", json=message).raise_for_status()


def log_of(client: httpx.Client) -> list[Any]:
    entries: list[Any] = client.get(f"{PLACE}/log").raise_for_status().json()["entries"]
    return entries


def port_of(service: Service) -> str:
    return service.url.rpartition(":")[2]


@needs_chromium
def test_an_event_source_has_exactly_the_log_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    with serving("event_source.js", {"session": SESSION}) as site:
        options = ("--cors-origin", site.origin)
        with running(tmp_path, *options) as service, service.client() as client:
            site.settings["service"] = service.url
            write(client, "one", "two")
            with showing(site.origin, tmp_path):
                seen = site.entries_until("two")
                write(client, "three")
                seen += site.entries_until("three")
                service.end(signal.SIGKILL)
                site.until("error")
                with (
                    running(tmp_path, *options, "--port", port_of(service)) as again,
                    again.client() as client,
                ):
                    write(client, "four", "five")
                    seen += site.entries_until("five")
                    assert [told["data"] for told in seen] == log_of(client)
                    tag = client.get(PLACE).headers["ETag"].strip('"')
                    assert seen[-1]["id"] == tag
                    client.delete(PLACE).raise_for_status()
                    assert site.next() == {"what": "deleted"}
                    assert again.end() == 0


@needs_chromium
def test_fetch_with_a_token_has_exactly_the_log_after_a_restart(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    with serving("fetched.js", {"session": SESSION, "token": TOKEN}) as site:
        options = ("--cors-origin", site.origin, "--token-file", str(token))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with running(tmp_path, *options) as service, service.client() as client:
            client.headers.update(headers)
            site.settings["service"] = service.url
            write(client, "one", "two")
            with showing(site.origin, tmp_path):
                assert site.next() == {"what": "without a token", "status": 401}
                assert site.next() == {"what": "open", "status": 200}
                seen = site.entries_until("two")
                assert service.end() == 0
                with (
                    running(tmp_path, *options, "--port", port_of(service)) as again,
                    again.client() as client,
                ):
                    client.headers.update(headers)
                    write(client, "three", "four")
                    seen += site.entries_until("four")
                    assert [told["data"] for told in seen] == log_of(client)
                    assert [told["what"] for told in seen] == [e["kind"] for e in log_of(client)]
                    assert again.end() == 0
