"""What the tests of the runtime are made of: a store that fails as told, a watch, callers.

Time is trio's `MockClock`. It jumps when all tasks wait, and a task that waits for a worker thread
waits too; so `patient_threads` stops the jumping while a thread is at work. A test that blocks a
thread on purpose (`store.gate`) moves the time itself, with `clock.jump`; not before `until_held`
says that all before it is done, since nobody knows how long a thread takes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from threading import Event, Lock
from typing import Any, TypeVar
from unittest.mock import patch

import msgspec
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from persistence import MemoryStore
from runtime import (
    MESSAGE,
    AgentRuntimeError,
    Appended,
    DeltaRejected,
    Entry,
    Listing,
    ListPosition,
    Message,
    MiB,
    New,
    Runtime,
    RuntimeConfig,
    SessionPage,
    StoreUnavailable,
    open_runtime,
)
from runtime.actors.mailbox import Command
from runtime.saving import threads
from runtime.session.entries import forms
from runtime.session.kinds import message, settings
from runtime.session.kinds.message import from_python
from runtime.session.kinds.table import KINDS
from runtime.session.state import SessionState
from runtime.store.deltas import Committed, Delta
from runtime.store.entries import Row, Wanted
from runtime.store.steps import Change
from runtime.store.stored import StoredSession

T = TypeVar("T")

NOON = "2025-12-31T12:00:00.000Z"


def at(minute: int) -> str:
    """A moment in the hours after noon."""
    return f"2025-12-31T{12 + minute // 60:02}:{minute % 60:02}:00.000Z"


def user(content: str, message_id: str | None = None) -> Message:
    return Message(role="user", content=content, id=message_id)


def said(content: str, message_id: str | None = None) -> New:
    """A user's message, as a session takes it in."""
    return from_python(user(content, message_id))


class Watch:
    """A time of day that passes only when told, in either direction."""

    def __init__(self) -> None:
        self.moment = datetime(2025, 12, 31, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **by: float) -> None:
        self.moment += timedelta(**by)


_threads_held = 0
_holding = Lock()


class Gate(Event):
    """Lets threads through while it is set, as any event; and counts those that it holds."""

    def wait(self, timeout: float | None = None) -> bool:
        global _threads_held
        if self.is_set():
            return True
        with _holding:
            _threads_held += 1
        try:
            return super().wait(timeout)
        finally:
            with _holding:
                _threads_held -= 1


def from_entry(stored: StoredSession, first: int) -> StoredSession:
    """What is stored, with the entries from number `first` on alone; before, all are there."""
    gone = stored.entries[: max(0, first - 1)]
    return evolve(
        stored,
        entries=stored.entries[len(gone) :],
        before=gone[-1][5] if gone else stored.root,
        outline=[(*row[:4], row[7]) for row in gone if row[1] != MESSAGE],
    )


class FakeStore(MemoryStore):
    """The verified fake, failing as told and keeping a record of its calls."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0, resident_bytes: int = MiB) -> None:
        super().__init__()
        self.clock = clock
        self.resident_bytes = resident_bytes
        """How much of each session `running` keeps in memory."""
        self.commit_error: BaseException | None = None
        """Raised by every commit while it is set."""
        self.load_error: Exception | None = None
        self.find_error: Exception | None = None
        self.lost: set[int] = set()
        """Numbers of entries that it has no more, of any session."""
        self.rejected: set[str] = set()
        """Ids of sessions of which it takes nothing but an end for good."""
        self.resident: int | None = None
        """How many entries of a session it loads, the newest ones; `None`: all."""
        self.parts: dict[str, int] = {}
        """Of so many deltas of a session that come next it takes a part only."""
        self.leftovers = 0
        """So many commits more have a purge to go on with."""
        self.gate = Gate()
        """While clear, commits block their thread."""
        self.gate.set()
        self.load_gate = Gate()
        self.load_gate.set()
        self.find_gate = Gate()
        self.find_gate.set()
        self.afterwards: list[Callable[[], object]] = []
        """What happens right after the next commits, one after each, in the committing thread."""
        self.attempts: list[tuple[float, list[str]]] = []
        """When a commit was tried, and with which sessions."""
        self.batches: list[list[str]] = []
        """The sessions of each commit that was done."""
        self.brought = 0
        """Bytes of text that the commits which were done brought here."""
        self.loads: list[str] = []
        self.finds: list[Wanted] = []
        self.closed = 0

    def load(self, session_id: str, resident_bytes: int | None = None) -> StoredSession | None:
        self.loads.append(session_id)
        self.load_gate.wait()
        if self.load_error is not None:
            raise self.load_error
        stored = super().load(session_id, resident_bytes)
        if stored is None:
            return None
        if self.resident is not None:
            stored = from_entry(stored, stored.header.version + 1 - self.resident)
        return evolve(
            stored,
            entries=[row for row in stored.entries if row[0] not in self.lost],
            outline=[mark for mark in stored.outline if mark[0] not in self.lost],
        )

    def find(self, no: int, wanted: Wanted) -> Sequence[Row]:
        self.finds.append(wanted)
        assert len(self.finds) < 1_000, "a command asks again and again for what it was given"
        self.find_gate.wait()
        if self.find_error is not None:
            raise self.find_error
        return [row for row in super().find(no, wanted) if row[0] not in self.lost]

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        ids = [delta.session_id for delta in deltas]
        self.attempts.append((self.clock(), ids))
        self.gate.wait()
        if self.commit_error is not None:
            raise self.commit_error
        refused = {
            delta.session_id: DeltaRejected(f"{delta.session_id} is poison")
            for delta in deltas
            if delta.session_id in self.rejected and not _ends_for_good(delta)
        }
        unfinished = {name for name in ids if name not in refused and self.parts.get(name, 0)}
        for name in unfinished:
            self.parts[name] -= 1
        accepted = [
            delta
            for delta in deltas
            if delta.session_id not in refused and delta.session_id not in unfinished
        ]
        committed = self.write(accepted)
        self.batches.append([delta.session_id for delta in accepted])
        self.brought += sum(delta.size for delta in accepted)
        if self.afterwards:
            self.afterwards.pop(0)()
        leftover = self.leftovers > 0
        self.leftovers -= leftover
        return evolve(
            committed,
            rejected={**committed.rejected, **refused},
            leftover=leftover,
            unfinished=unfinished,
        )

    def write(self, deltas: Sequence[Delta]) -> Committed:
        """The transaction itself."""
        return super().commit(deltas)

    def list_sessions(
        self, listing: Listing, limit: int, after: ListPosition | None = None
    ) -> SessionPage:
        assert not self.closed, "used after it was closed"
        return super().list_sessions(listing, limit, after)

    def close(self) -> None:
        self.closed += 1

    # -- what a test asks ----------------------------------------------------------------------

    def texts(self, session_id: str) -> list[str] | None:
        """The contents of the living session's messages on the "disk"."""
        stored = MemoryStore.load(self, session_id)
        return None if stored is None else texts(Entry(*row) for row in stored.entries)

    def trash_texts(self, session_id: str) -> list[list[str]]:
        """The contents of the messages of each life in the trash, the newest first."""
        lives = MemoryStore.trash(self, 1_000, None, session_id).sessions
        return [
            texts(
                Entry(*row)
                for row in MemoryStore.find(
                    self, life.no, Wanted(seqs=range(1, life.info.version + 1))
                )
            )
            for life in lives
        ]

    def times(self, session_id: str) -> list[float]:
        """When the session was tried to be committed."""
        return [when for when, ids in self.attempts if session_id in ids]


def _ends_for_good(delta: Delta) -> bool:
    return all(isinstance(step, Change) and step.end == "purge" for step in delta.steps)


def texts(entries: Iterable[Entry]) -> list[str]:
    """The contents of the messages among the entries."""
    return [
        msgspec.json.decode(entry.body)["content"] for entry in entries if entry.kind == "message"
    ]


def sent(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """The messages among the entries, as they were sent."""
    return [msgspec.json.decode(forms.sent(e)) for e in entries if e.kind == "message"]


class Say(Command[Appended]):
    """Appends what a user says."""

    def __init__(self, content: str, message_id: str | None = None, *, confirm: bool = False):
        new = said(content, message_id)
        super().__init__(
            lambda state: message.append(state, [new], at=NOON),
            confirm=confirm,
            confirm_refusal=confirm,
        )


class Crash(Command[None]):
    """A command with a bug."""

    def __init__(self) -> None:
        super().__init__(_fail)


def _fail(state: SessionState) -> None:
    raise RuntimeError("a bug")


class Length(Command[int]):
    """Answers the version, also of an absent session."""

    def __init__(self) -> None:
        super().__init__(lambda state: state.version, is_read=True)


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
    """A runtime whose sessions are named `new-1`, `new-2`, … and whose time is a mock.

    Its words are not indexed unless it is asked for: while a thread works, time stands still, and
    one that comes behind each commit would have a say in when all else happens.
    """
    config.setdefault("search", False)
    assert isinstance(trio.lowlevel.current_clock(), MockClock), "ask for the `clock` fixture"
    if isinstance(store, FakeStore):
        config.setdefault("resident_bytes", store.resident_bytes)
    numbers = count(1)
    async with open_runtime(
        store,
        RuntimeConfig(**config),
        now=now or Watch(),
        new_session_id=lambda: f"new-{next(numbers)}",
    ) as runtime:
        try:
            yield runtime
        except BaseException:
            if isinstance(store, FakeStore):  # a test that fails must not hang as well
                for gate in (store.gate, store.load_gate, store.find_gate):
                    gate.set()
            raise


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


async def until_held() -> None:
    """Returns when every task waits, and each thread that works is held at a gate.

    Not where more calls wait for threads than there are threads, as those have not begun.
    """
    await wait_all_tasks_blocked()
    while _threads_held < _threads_at_work:
        await wait_all_tasks_blocked(0.0005)


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


def absent_state(session_id: str) -> SessionState:
    return SessionState(session_id=session_id, kinds=KINDS)


def state_of(session_id: str, *contents: str, when: str = NOON) -> SessionState:
    """A session with these messages, none of which is on the "disk"."""
    state = absent_state(session_id)
    if contents:
        message.append(state, [said(content) for content in contents], at=when)
    else:
        settings.create(state, settings.first_entry(), [], at=when)
    return state


def stored(session_id: str, *contents: str, active: str = NOON) -> Delta:
    """A delta that puts a session with these messages on the "disk"."""
    return state_of(session_id, *contents, when=active).delta()


def unavailable() -> StoreUnavailable:
    return StoreUnavailable("the disk is full")
