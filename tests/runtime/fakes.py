"""What the tests of the runtime are made of: a store that fails as told, a watch, callers.

Time is trio's `MockClock`. It jumps when all tasks wait, and a task that waits for a worker thread
waits too; so `patient_threads` stops the jumping while a thread is at work. A test that blocks a
thread on purpose (`store.gate`) moves the time itself, with `clock.jump`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from threading import Event
from typing import Any, TypeVar
from unittest.mock import patch

import msgspec
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from persistence import MemoryStore
from runtime import (
    AgentRuntimeError,
    DeltaRejected,
    Message,
    Runtime,
    RuntimeConfig,
    SessionPage,
    StoreUnavailable,
    open_runtime,
)
from runtime.actors.commands import Command
from runtime.saving import threads
from runtime.session.message import Entry
from runtime.session.state import SessionState
from runtime.store import Committed, Delta, ListPosition, StoredSession

T = TypeVar("T")

NOON = "2025-12-31T12:00:00.000Z"


def at(minute: int) -> str:
    """A moment in the hours after noon."""
    return f"2025-12-31T{12 + minute // 60:02}:{minute % 60:02}:00.000Z"


def said(content: str, message_id: str | None = None, *, when: str = NOON) -> Entry:
    """A user's message, as a session keeps it."""
    return Message(role="user", content=content, id=message_id).encode(when)


def user(content: str, message_id: str | None = None) -> Message:
    return Message(role="user", content=content, id=message_id)


class Watch:
    """A time of day that passes only when told, in either direction."""

    def __init__(self) -> None:
        self.moment = datetime(2025, 12, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **by: float) -> None:
        self.moment += timedelta(**by)


class FakeStore(MemoryStore):
    """The verified fake, failing as told and keeping a record of its calls."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__()
        self.clock = clock
        self.commit_error: BaseException | None = None
        """Raised by every commit while it is set."""
        self.load_error: Exception | None = None
        self.rejected: set[str] = set()
        """Ids of sessions of which it takes nothing but an erasure."""
        self.gate = Event()
        """While clear, commits block their thread."""
        self.gate.set()
        self.load_gate = Event()
        self.load_gate.set()
        self.attempts: list[tuple[float, list[str]]] = []
        """When a commit was tried, and with which sessions."""
        self.batches: list[list[str]] = []
        """The sessions of each commit that was done."""
        self.loads: list[str] = []
        self.closed = 0

    def load(self, session_id: str) -> StoredSession | None:
        self.loads.append(session_id)
        self.load_gate.wait()
        if self.load_error is not None:
            raise self.load_error
        return super().load(session_id)

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        ids = [delta.session_id for delta in deltas]
        self.attempts.append((self.clock(), ids))
        self.gate.wait()
        if self.commit_error is not None:
            raise self.commit_error
        accepted = [
            delta
            for delta in deltas
            if delta.session_id not in self.rejected or delta.header is None
        ]
        committed = super().commit(accepted)
        refused = {i: DeltaRejected(f"{i} is poison") for i in ids if i in self.rejected}
        for delta in accepted:
            refused.pop(delta.session_id, None)
        self.batches.append([delta.session_id for delta in accepted])
        return Committed({**committed.rejected, **refused}, committed.erased)

    def list_sessions(
        self, limit: int | None = None, after: ListPosition | None = None
    ) -> SessionPage:
        assert not self.closed, "used after it was closed"
        return super().list_sessions(limit, after)

    def close(self) -> None:
        self.closed += 1

    # -- what a test asks ----------------------------------------------------------------------

    def texts(self, session_id: str) -> list[str] | None:
        """The contents of the session's messages on the "disk"."""
        stored = MemoryStore.load(self, session_id)
        return None if stored is None else texts(stored.entries)

    def times(self, session_id: str) -> list[float]:
        """When the session was tried to be committed."""
        return [when for when, ids in self.attempts if session_id in ids]


def texts(entries: Sequence[Entry]) -> list[str]:
    """The contents of the messages."""
    return [msgspec.json.decode(entry.body)["content"] for entry in entries]


class Crash(Command[None]):
    """A command with a bug."""

    def apply(self, session: SessionState) -> None:
        raise RuntimeError("a bug")


class Length(Command[int]):
    """Answers the number of messages, also of an absent session."""

    def apply(self, session: SessionState) -> int:
        return len(session.entries)


class Caller:
    """A call under way in the background, and what became of it."""

    def __init__(self) -> None:
        self._done = trio.Event()
        self._result: Any = None
        self._error: AgentRuntimeError | None = None
        self.scope = trio.CancelScope()

    async def run(self, call: Callable[[], Awaitable[object]]) -> None:
        with self.scope:
            try:
                self._result = await call()
            except AgentRuntimeError as error:
                self._error = error
            self._done.set()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    async def result(self) -> Any:
        """What the call returned; raises what it raised."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result

    async def error(self) -> AgentRuntimeError | None:
        await self._done.wait()
        return self._error


def call(nursery: trio.Nursery, work: Callable[..., Awaitable[object]], *args: object) -> Caller:
    """Starts a call; its errors stay with the caller."""
    caller = Caller()
    nursery.start_soon(caller.run, lambda: work(*args))
    return caller


@asynccontextmanager
async def running(
    store: MemoryStore, *, now: Callable[[], datetime] | None = None, **config: Any
) -> AsyncIterator[Runtime]:
    """A runtime whose sessions are named `new-1`, `new-2`, … and whose time is a mock."""
    assert isinstance(trio.lowlevel.current_clock(), MockClock), "ask for the `clock` fixture"
    numbers = count(1)
    async with open_runtime(
        store,
        RuntimeConfig(**config),
        now=now or Watch(),
        new_session_id=lambda: f"new-{next(numbers)}",
    ) as runtime:
        yield runtime


async def error_of(work: Awaitable[object]) -> AgentRuntimeError | None:
    """What the call raises on purpose, if it does."""
    try:
        await work
    except AgentRuntimeError as error:
        return error
    return None


def mock_run(main: Callable[[], Awaitable[T]]) -> T:
    """`trio.run` with the mock time, for tests that run many times."""
    return trio.run(main, clock=MockClock(autojump_threshold=0))


_threads_at_work = 0


async def until(condition: Callable[[], bool]) -> None:
    """Returns when this is so; time does not jump meanwhile."""
    while not condition():
        await wait_all_tasks_blocked(0.0005)


async def until_quiet() -> None:
    """Returns when every task waits, and no thread works."""
    await wait_all_tasks_blocked()
    while _threads_at_work:
        await wait_all_tasks_blocked(0.0005)
    await wait_all_tasks_blocked()


@contextmanager
def patient_threads() -> Iterator[None]:
    """Keeps a mock clock from jumping ahead while a worker thread is at work."""

    def patiently(call: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        async def patient(*args: Any, **options: Any) -> T:
            global _threads_at_work
            clock = trio.lowlevel.current_clock()
            if not isinstance(clock, MockClock):
                return await call(*args, **options)
            _threads_at_work += 1
            clock.autojump_threshold = inf
            try:
                return await call(*args, **options)
            finally:
                _threads_at_work -= 1
                if _threads_at_work == 0:
                    clock.autojump_threshold = 0

        return patient

    with (
        patch.object(trio.to_thread, "run_sync", patiently(trio.to_thread.run_sync)),
        patch.object(threads, "call_in_thread", patiently(threads.call_in_thread)),
    ):
        yield


def stored(session_id: str, *contents: str, active: str = NOON) -> Delta:
    """A delta that puts a session with these messages on the "disk"."""
    state = SessionState(session_id=session_id)
    if contents:
        state.append([said(content) for content in contents], create=True, at=active)
    else:
        state.create([], agent="orchestrator", metadata=b"{}", at=active)
    return state.delta()


def unavailable() -> StoreUnavailable:
    return StoreUnavailable("the disk is full")
