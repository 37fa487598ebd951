"""Several services on one PostgreSQL database, for real: processes, ports, signals."""

import signal
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count, islice
from pathlib import Path
from threading import Event as Flag
from time import sleep

import httpx
import pytest
from attrs import define, field

from tests.service import COMMAND, Service, command, started
from tests.sse import Event, Stream

SESSIONS = [f"chat-{number}" for number in range(24)]
PATIENCE = 60.0
"""Seconds for what is done within a few."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@contextmanager
def nodes(folder: Path, database: str, size: int = 3) -> Iterator[list[Service]]:
    """So many of them, each with its share."""
    with ExitStack() as stack:
        running = []
        for number in range(size):
            options = ["--db", database, "--port", str(free_port())]
            options += ["--log-file", f"node-{number}.log"]
            service = started([COMMAND, "serve", *options], folder)
            running.append(stack.enter_context(service))
        wait_for(lambda: len(shares(running[0])) == size and are_even(shares(running[0])))
        yield running


def shares(service: Service) -> list[int]:
    """How many shards each node has."""
    with service.client() as client:
        return [node["shards"] for node in client.get("/api/v1/nodes").json()["nodes"]]


def are_even(numbers: Sequence[int]) -> bool:
    return max(numbers) - min(numbers) <= 1


def wait_for(is_so: object) -> None:
    assert callable(is_so)
    for _ in range(int(PATIENCE / 0.02)):
        if is_so():
            return
        sleep(0.02)
    raise AssertionError("it does not come to that")


@define
class Writer:
    """Writes to sessions by all nodes in turn, and sends again what was not answered."""

    urls: Sequence[str]
    wanted: Flag = field(factory=Flag)
    """Set when it has written enough."""
    acknowledged: dict[str, list[str]] = field(factory=dict)
    """What was, by session, in its order."""
    statuses: list[int] = field(factory=list)
    """Of all answers."""

    def run(self, session_ids: Sequence[str]) -> None:
        turns = count()
        with ExitStack() as stack:
            clients = [
                stack.enter_context(httpx.Client(base_url=url, timeout=30)) for url in self.urls
            ]
            for number in count():
                for session_id in session_ids:
                    if self.wanted.is_set():
                        return
                    self._say(clients, turns, session_id, f"{session_id} {number}")

    def _say(
        self, clients: Sequence[httpx.Client], turns: Iterator[int], session_id: str, text: str
    ) -> None:
        message = {"role": "user", "content": text, "id": text}
        while True:
            client = clients[next(turns) % len(clients)]
            try:
                answer = client.post(f"/api/v1/sessions/{session_id}/messages", json=message)
            except httpx.TransportError:
                continue  # nobody is there any more: the next node is asked
            self.statuses.append(answer.status_code)
            if answer.status_code in {200, 201}:
                self.acknowledged.setdefault(session_id, []).append(text)
                return
            sleep(0.05)


@contextmanager
def written(services: Sequence[Service], writers: int = 3) -> Iterator[list[Writer]]:
    """While the block runs, all sessions are written to, each by one writer."""
    urls = [service.url for service in services]
    crowd = [Writer([*urls[number:], *urls[:number]]) for number in range(writers)]
    with ThreadPoolExecutor(writers) as pool:
        running = [
            pool.submit(writer.run, SESSIONS[number::writers])
            for number, writer in enumerate(crowd)
        ]
        try:
            wait_for(lambda: all(len(writer.statuses) > 20 for writer in crowd))
            yield crowd
        finally:
            for writer in crowd:
                writer.wanted.set()
    for one in running:
        one.result()


def histories(service: Service) -> dict[str, list[str]]:
    found = {}
    with service.client() as client:
        for session_id in SESSIONS:
            history = client.get(f"/api/v1/sessions/{session_id}/history").json()
            found[session_id] = [message["content"] for message in history["messages"]]
    return found


def acknowledged(crowd: Sequence[Writer]) -> dict[str, list[str]]:
    """By session: each has one writer."""
    return {key: texts for writer in crowd for key, texts in writer.acknowledged.items()}


def go_on(crowd: Sequence[Writer], more: int = 40) -> None:
    """Returns when every writer has got so many more answers."""
    before = [len(writer.statuses) for writer in crowd]
    wait_for(lambda: all(len(w.statuses) > n + more for w, n in zip(crowd, before, strict=True)))


@pytest.mark.timeout(300)
def test_one_is_killed_and_every_history_is_whole_at_every_node(
    tmp_path: Path, database: str
) -> None:
    with nodes(tmp_path, database) as running:
        with written(running) as crowd:
            running[0].end(signal.SIGKILL)
            go_on(crowd)
        told = acknowledged(crowd)
        assert told.keys() == set(SESSIONS)
        for service in running[1:]:
            assert histories(service) == told
        assert command(tmp_path, "verify", "--db", database).returncode == 0
        assert [service.end() for service in running[1:]] == [0, 0]


@pytest.mark.timeout(300)
def test_one_is_asked_to_end_and_nobody_notices(tmp_path: Path, database: str) -> None:
    with nodes(tmp_path, database) as running:
        with written(running) as crowd:
            assert running[0].end() == 0
            go_on(crowd)
        assert {status for writer in crowd for status in writer.statuses} == {201}
        assert shares(running[1]) == [128, 128]
        told = acknowledged(crowd)
        assert histories(running[1]) == told
    log = (tmp_path / "node-0.log").read_text()
    assert "leaving: the other nodes are given the sessions" in log
    assert "shards given up: 0 now" in log


@pytest.mark.timeout(300)
def test_one_that_stood_still_ends_with_7_when_it_goes_on(
    tmp_path: Path, database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with nodes(tmp_path, database, 2) as running, running[1].client() as client:
        running[0].process.send_signal(signal.SIGSTOP)
        for session_id in SESSIONS:
            message = {"role": "user", "content": "x", "id": "x"}
            path = f"/api/v1/sessions/{session_id}/messages"
            answer = client.post(path, json=message)
            while answer.status_code == 503:  # it had the request when it was stopped
                answer = client.post(path, json=message)
            assert answer.status_code in {200, 201}
        running[0].process.send_signal(signal.SIGCONT)
        assert running[0].process.wait(PATIENCE) == 7
        assert "agent-runtime: This node has lost what it owned" in capfd.readouterr().err
        assert shares(running[1]) == [256]


@pytest.mark.timeout(300)
def test_who_follows_all_sessions_goes_on_at_another_node_and_misses_nothing(
    tmp_path: Path, database: str
) -> None:
    seen: set[str] = set()
    with nodes(tmp_path, database) as running:
        with Stream.opened(running[0].url, "/api/v1/events") as stream:
            say_once(running[1], SESSIONS)
            events = stream.events()
            while len(seen) < len(SESSIONS):
                event = next(events)
                if event.kind == "session":
                    seen.add(event.data["session_id"])
            place = event.id
        others = [f"other-{number}" for number in range(24)]
        say_once(running[2], others)
        with Stream.opened(running[1].url, "/api/v1/events", place) as stream:
            told = take(stream, len(others))
            assert {event.kind for event in told} == {"session"}
            assert {event.data["session_id"] for event in told} == set(others)
            running[2].end(signal.SIGKILL)
            assert next(event.kind for event in stream.events() if event.kind != "alive") == "reset"


def say_once(service: Service, session_ids: Sequence[str]) -> None:
    with service.client() as client:
        for session_id in session_ids:
            message = {"role": "user", "content": "hello"}
            answer = client.post(f"/api/v1/sessions/{session_id}/messages", json=message)
            assert answer.status_code == 201


def take(stream: Stream, size: int) -> list[Event]:
    """So many events; what only says where the stream is, is none."""
    return list(islice((event for event in stream.events() if event.kind), size))


@pytest.mark.timeout(300)
def test_a_password_is_said_nowhere_and_the_commands_look_at_what_runs(
    tmp_path: Path, database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    url = database.replace("postgres@", "postgres:s3cret@")
    assert "s3cret" in url
    with nodes(tmp_path, url, 2) as running:
        say_once(running[0], SESSIONS)
        listed = command(tmp_path, "sessions", "--db", url)
        assert f"{len(SESSIONS)} sessions" in listed.stdout
        shown = command(tmp_path, "show", SESSIONS[0], "--db", url)
        assert "\nhello\n" in shown.stdout
        verified = command(tmp_path, "verify", "--db", url)
        assert verified.returncode == 0
        said = [
            *(service.announcement for service in running),
            *(
                text
                for result in (listed, shown, verified)
                for text in (result.stdout, result.stderr)
            ),
            *(file.read_text() for file in tmp_path.glob("*.log")),
        ]
        assert [service.end() for service in running] == [0, 0]
    out, err = capfd.readouterr()
    assert "s3cret" not in "".join([*said, out, err])
