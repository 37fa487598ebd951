"""A runtime in a thread of this process is there for a block, and no longer, whatever happens."""

import os
import signal
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from persistence import MemoryStore
from runtime import RuntimeConfig, StoreBroken, StoreError
from tests.runtime.fakes import FakeStore
from web.api.dispatch import Api
from web.clients import AgentRuntimeClient
from web.clients.embedded import Portal, open_portal
from web.clients.errors import AgentRuntimeError, NotFound, ServiceUnreachable
from web.http.message import Request, Response

HELLO = {"role": "user", "content": "Hello"}
COMMIT = RuntimeConfig(durability="commit")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/own.db"


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert "agent-runtime" not in {thread.name for thread in threading.enumerate()}


def over(monkeypatch: pytest.MonkeyPatch, store: MemoryStore) -> str:
    """The portal's store is this one."""
    monkeypatch.setattr("web.clients.embedded.open_store", lambda _: store)
    return "memory://"


def tasks(portal: Portal) -> int:
    """How many answers are being read."""
    return len(portal._pumps.child_tasks)


def test_the_calls_are_those_of_a_service(url: str) -> None:
    with open_portal(url) as portal, AgentRuntimeClient(runtime=portal) as client:
        client.append_messages("s", [HELLO])
        assert client.history("s")["messages"] == [HELLO]
        assert client.health()["durability"] == "snapshot"
        assert "paths" in client.openapi()
        with pytest.raises(NotFound):
            client.history("..")


def test_what_was_written_is_there_the_next_time(url: str) -> None:
    for expected in (1, 2):
        with open_portal(url) as portal, AgentRuntimeClient(runtime=portal) as client:
            assert client.append_messages("s", [HELLO])["last_seq"] == expected


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_was_written_is_there_however_the_block_ended(
    url: str, error: type[BaseException]
) -> None:
    with pytest.raises(error), open_portal(url) as portal:
        raise error(AgentRuntimeClient(runtime=portal).append_messages("s", [HELLO]))
    with open_portal(url) as portal:
        assert AgentRuntimeClient(runtime=portal).get_session("s")["version"] == 1


def test_many_threads_use_it_at_one_time(url: str) -> None:
    with open_portal(url) as portal:
        client = AgentRuntimeClient(runtime=portal)
        threads = [
            threading.Thread(target=client.append_messages, args=(f"s{n % 3}", [HELLO] * 5))
            for n in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [client.get_session(f"s{n}")["version"] for n in range(3)] == [20, 20, 20]


# Beginning


@pytest.mark.parametrize("url", ["nonsense://", "sqlite:///{}/a file/x.db"])
def test_a_store_that_cannot_be_opened_is_told(url: str, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(Exception, match=r"nonsense|a file"), open_portal(url.format(tmp_path)):
        pytest.fail("it has begun")


def test_a_database_that_another_process_has_is_told(url: str) -> None:
    with open_portal(url), pytest.raises(StoreError), open_portal(url):
        pytest.fail("both have it")


def test_ctrl_c_while_it_opens_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = threading.Event()
    store = FakeStore()

    def open_slowly(_: str) -> MemoryStore:
        os.kill(os.getpid(), signal.SIGINT)
        interrupted.wait()
        return store

    def interrupt(*_: Any) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    monkeypatch.setattr("web.clients.embedded.open_store", open_slowly)
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), open_portal("memory://"):
            pytest.fail("it has begun")
    finally:
        signal.signal(signal.SIGINT, before)
    assert store.closed == 1


# Ending


def test_behind_the_block_nobody_answers(url: str) -> None:
    with open_portal(url) as portal:
        client = AgentRuntimeClient(runtime=portal)
        stream = client.follow_all()
    for work in (client.health, lambda: next(stream)):
        with pytest.raises(ServiceUnreachable, match="has ended") as caught:
            work()
        assert not caught.value.was_sent


def test_a_call_in_flight_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore()
    store.load_gate.clear()
    outcomes: list[object] = []

    def call() -> None:
        try:
            outcomes.append(AgentRuntimeClient(runtime=portal).append_messages("s", [HELLO]))
        except AgentRuntimeError as error:
            outcomes.append(error)

    with open_portal(over(monkeypatch, store), COMMIT) as portal:
        thread = threading.Thread(target=call)
        thread.start()
        wait_until(lambda: bool(store.loads))
        threading.Timer(0, store.load_gate.set).start()
    thread.join()
    [outcome] = outcomes
    is_there = store.texts("s") == ["Hello"]
    assert isinstance(outcome, AgentRuntimeError) or is_there


def test_a_runtime_that_breaks_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore()
    store.commit_error = StoreBroken("fsync failed")
    url = over(monkeypatch, store)
    with pytest.raises(StoreBroken, match="fsync failed"), open_portal(url, COMMIT) as portal:
        says_until_it_has_ended(AgentRuntimeClient(runtime=portal))


def test_an_error_of_the_block_goes_on_and_says_that_the_runtime_broke(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = FakeStore()
    store.commit_error = StoreBroken("fsync failed")
    url = over(monkeypatch, store)
    with pytest.raises(AgentRuntimeError) as caught, open_portal(url, COMMIT) as portal:
        AgentRuntimeClient(runtime=portal).append_messages("s", [HELLO])
    assert "fsync failed" in "".join(caught.value.__notes__)


def says_until_it_has_ended(client: AgentRuntimeClient) -> None:
    with pytest.raises(AgentRuntimeError):
        client.append_messages("s", [HELLO])
    wait_until(lambda: not is_reachable(client))


def is_reachable(client: AgentRuntimeClient) -> bool:
    try:
        client.health()
    except ServiceUnreachable:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        threading.Event().wait(0.001)


# Streams


def test_a_session_is_followed_to_its_end(url: str) -> None:
    with open_portal(url, COMMIT) as portal, AgentRuntimeClient(runtime=portal) as client:
        client.append_messages("s", [HELLO])
        seen = []
        for event in client.follow_session("s"):
            seen.append(event.name)
            if event.name == "message":
                client.delete_session("s")
        assert seen == ["message", "deleted"]
        assert tasks(portal) == 0


def test_a_stream_that_is_closed_early_leaves_no_task(url: str) -> None:
    with open_portal(url, COMMIT) as portal, AgentRuntimeClient(runtime=portal) as client:
        client.append_messages("s", [HELLO] * 3)
        with client.follow_session("s") as events, client.follow_all():
            next(events)
            assert tasks(portal) == 2
        assert tasks(portal) == 0
        assert list(events) == []


def test_a_stream_that_waits_ends_with_the_block(url: str) -> None:
    outcomes: list[Exception] = []
    begun = threading.Event()

    def follow() -> None:
        try:
            with AgentRuntimeClient(runtime=portal).follow_all() as events:
                begun.set()
                next(events)
        except ServiceUnreachable as error:
            outcomes.append(error)

    with open_portal(url) as portal:
        thread = threading.Thread(target=follow)
        thread.start()
        begun.wait()
    thread.join()
    assert "has ended" in str(outcomes[0])


def test_a_stream_in_the_middle_ends_with_the_block(url: str) -> None:
    with open_portal(url, COMMIT) as portal:
        client = AgentRuntimeClient(runtime=portal)
        client.append_messages("s", [HELLO] * 3)
        events = client.follow_session("s")
        next(events)
    with pytest.raises(ServiceUnreachable, match="has ended"):
        list(events)
    events.close()


def test_a_long_log_goes_out_and_comes_in(url: str) -> None:
    large = {**HELLO, "content": "x" * 100_000}
    with open_portal(url, COMMIT) as portal, AgentRuntimeClient(runtime=portal) as client:
        client.append_messages("s", [large] * 50)
        with client.export_session("s") as lines:
            next(lines)
        assert tasks(portal) == 0
        lines = client.export_session("s")
        assert client.import_session(lines, session_id="other")["applied"] == 50
        assert client.history("other")["messages"] == [large] * 50
        assert tasks(portal) == 0


def test_an_answer_that_breaks_in_the_middle_breaks_nothing_else(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"a line\n"
        raise RuntimeError("a bug")

    async def answer(_: Request) -> Response:
        return Response(200, pieces(), (("Content-Type", "application/jsonl"),))

    @asynccontextmanager
    async def open_answers(_: Api) -> AsyncIterator[Any]:
        yield answer

    monkeypatch.setattr("web.clients.embedded.open_answers", open_answers)
    with open_portal(url) as portal:
        lines = AgentRuntimeClient(runtime=portal).export_session("s")
        assert next(lines) == b"a line\n"
        with pytest.raises(ServiceUnreachable, match="a bug"):
            next(lines)
        assert next(AgentRuntimeClient(runtime=portal).export_session("s")) == b"a line\n"
