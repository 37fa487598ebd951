"""Streams of events from a real service: across `kill -9`, and at an orderly end."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import running
from tests.web.streams import Event, events_of

PLACE = "/api/v1/sessions/s/events"


def say(client: httpx.Client, *contents: str) -> None:
    messages = [{"role": "user", "content": content} for content in contents]
    answer = client.post("/api/v1/sessions/s/messages", json={"messages": messages})
    assert answer.status_code == 201, answer.text


def log_of(client: httpx.Client) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = client.get("/api/v1/sessions/s/log").json()["entries"]
    return entries


def some(events: Iterator[Event], count: int) -> list[Event]:
    return [next(events) for _ in range(count)]


def test_what_was_seen_before_a_kill_and_what_is_seen_after_it_is_the_log(tmp_path: Path) -> None:
    with running(tmp_path) as service, service.client() as client:
        say(client, "one", "two")
        with client.stream("GET", PLACE) as stream:
            events = events_of(stream.iter_lines())
            seen = some(events, 2)
            say(client, "three")
            seen += some(events, 1)
            say(client, "four", "five")  # answered, and not read any more
            service.end(signal.SIGKILL)
    with running(tmp_path) as service, service.client() as client:
        say(client, "six")
        with client.stream("GET", PLACE, headers={"Last-Event-ID": f"{seen[-1].id}"}) as stream:
            events = events_of(stream.iter_lines())
            seen += some(events, 3)
            say(client, "seven")
            seen += some(events, 1)
        assert [event.data for event in seen] == log_of(client)
    assert len({event.id for event in seen}) == 7


def test_what_a_crash_took_is_told_with_a_reset(tmp_path: Path) -> None:
    lost = ("--durability", "snapshot", "--snapshot-interval", "3600")
    with running(tmp_path, "--durability", "commit") as service, service.client() as client:
        say(client, "one")
        service.end()
    with running(tmp_path, *lost) as service, service.client() as client:
        say(client, "taken by the crash")
        with client.stream("GET", PLACE) as stream:
            seen = some(events_of(stream.iter_lines()), 2)
            service.end(signal.SIGKILL)
    with running(tmp_path) as service, service.client() as client:
        say(client, "another", "third")
        with client.stream("GET", PLACE, headers={"Last-Event-ID": f"{seen[-1].id}"}) as stream:
            events = events_of(stream.iter_lines())
            assert next(events) == Event("reset", {}, "0")
            assert [event.data for event in some(events, 3)] == log_of(client)


@pytest.mark.parametrize("server", ["own", "hypercorn"])
def test_an_orderly_end_ends_streams_at_once_and_as_a_whole(tmp_path: Path, server: str) -> None:
    # It would wait for them for an hour.
    options = ("--server", server, "--grace", "3600")
    with running(tmp_path, *options) as service, service.client() as client:
        say(client, "one")
        with (
            client.stream("GET", PLACE) as one,
            client.stream("GET", "/api/v1/events") as all_of_them,
        ):
            lines, others = one.iter_lines(), all_of_them.iter_lines()
            assert next(events_of(lines)).name == "message"
            assert next(others).startswith("retry: ")
            assert service.end() == 0
            assert list(events_of(lines)) == []  # a cut would raise
            assert not any(line.startswith("event") for line in others)
