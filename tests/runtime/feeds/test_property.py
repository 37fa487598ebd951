"""Whatever happens, who follows ends with the log that the store has, and was shown nothing else.

Readers connect again at random, read slowly, and begin anew after a reset. The session is written
to, rewound, deleted, made anew, brought back, replaced by a fork of itself, and leaves memory; the
store fails, stalls, and writes what is large in parts. In `commit` durability each entry is on disk
when it is shown.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import trio
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from persistence import MemoryStore
from runtime import (
    AgentRuntimeError,
    Change,
    Committed,
    Delta,
    Entry,
    Follower,
    Fork,
    MiB,
    News,
    Runtime,
    SessionNotFound,
    Told,
)
from tests.runtime.fakes import (
    Caller,
    FakeStore,
    call,
    mock_run,
    running,
    unavailable,
    until_held,
    until_quiet,
    user,
)
from tests.runtime.feeds.reading import Reader

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *["append", "read", "read all", "wait", "connect"] * 3,
                *("burst", "together", "record", "rewind", "title", "replace"),
                *("delete", "purge", "anew", "undelete", "expire"),
                *("rest", "fail", "work", "stall", "go on", "in parts"),
            ]
        ),
        st.integers(0, 2**16),
    ),
    max_size=40,
)


class NotingStore(FakeStore):
    """Knows each entry that was ever on the "disk", by its chain."""

    def __init__(self, resident_bytes: int) -> None:
        super().__init__(resident_bytes=resident_bytes)
        self.written: set[bytes] = set()

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        self.finds.clear()
        committed = super().commit(deltas)
        for delta in deltas:
            if delta.session_id not in committed.unfinished:
                for step in delta.steps:
                    if isinstance(step, Change):
                        self.written.update(entry.chain for entry in step.entries)
                    elif isinstance(step, Fork):
                        self.written.add(step.entry.chain)
        return committed

    def log(self) -> list[Entry]:
        """What is there of the session."""
        found = MemoryStore.load(self, "s")
        return [] if found is None else [Entry(*row) for row in found.entries]


@define
class Client:
    """One who follows; of these kinds, or all. Each entry is checked when it is shown."""

    runtime: Runtime
    check: Callable[[Entry], None]
    kinds: frozenset[str] = frozenset()
    reader: Reader = field(factory=Reader)
    follower: Follower | None = None
    at_it: Caller | None = None

    async def connect(self) -> None:
        await self.leave()
        follower = self.runtime.session("s").follow(after=self.reader.cursor, kinds=self.kinds)
        await follower.__aenter__()
        self.follower = follower

    async def leave(self) -> None:
        if self.follower is not None:
            await self.follower.__aexit__(None, None, None)
            self.follower = None

    async def read(self) -> bool:
        """One piece of what there is; whether there was one."""
        if self.follower is None:
            return False
        news = await self.follower.next(0)
        self.take(news)
        if self.follower.is_over:
            await self.leave()
        return bool(news)

    async def read_all(self) -> None:
        while await self.read():
            pass

    async def follow(self) -> None:
        """As a client does that stays connected, for ever."""
        while True:
            try:
                await self.connect()
                assert self.follower is not None
                while not self.follower.is_over:
                    self.take(await self.follower.next())
            except SessionNotFound:
                self.reader.is_told_of_the_end = True
                await trio.sleep(1)
            except AgentRuntimeError:
                await trio.sleep(0.1)

    def take(self, news: Sequence[News]) -> None:
        for one in news:
            if isinstance(one, Told):
                self.check(one.entry)
        self.reader.take(news)


@define
class Run:
    """A runtime, a session of it, and those who follow it."""

    runtime: Runtime
    store: NotingStore
    nursery: trio.Nursery
    clients: Sequence[Client]
    count: int = 0

    async def do(self, step: str, number: int) -> None:
        """Begins it, and waits until all that can happen then has happened."""
        client = self.clients[number % len(self.clients)]
        self.count += 1
        match step:
            case "read" | "read all" | "connect":
                if client.at_it is None or client.at_it.is_done:
                    work = {"read": client.read, "read all": client.read_all}
                    client.at_it = call(self.nursery, work.get(step, client.connect))
            case "wait":
                clock = trio.lowlevel.current_clock()
                assert isinstance(clock, MockClock)
                clock.jump(0.1 + number % 40 / 10)
            case "rest":
                directory = self.runtime._parts.directory
                if "s" in directory:
                    directory.passivate(directory.actor("s"))
            case "fail" | "work":
                self.store.commit_error = unavailable() if step == "fail" else None
            case "stall":
                self.store.gate.clear()
            case "go on":
                self.store.gate.set()
            case "in parts":
                self.store.parts["s"] = 2
            case _:
                call(self.nursery, self.write, step, number, f"{self.count}")
        await until_held()

    async def write(self, step: str, number: int, name: str) -> None:
        session = self.runtime.session("s")
        few = [user(f"{name} {n}") for n in range(1 + number % 5)]
        many = [user(f"{name} {n}") for n in range(60 + number % 150)]
        match step:
            case "append":
                await session.append(few[0], durable=False)
            case "together":
                await session.append(*few, durable=False)
            case "burst":
                await session.append(*many, durable=False)
            case "record":
                await session.put_records({"k": number % 3}, durable=False)
            case "title":
                await session.update({"title": f"{number % 3}"}, durable=False)
            case "rewind":
                version = (await session.summary()).version
                await session.rewind(number % (version + 1), durable=False)
            case "delete" | "purge":
                await session.delete(purge=step == "purge", durable=False)
            case "anew":
                await session.delete(durable=False)
                await session.append(*few, durable=False)
            case "undelete":
                await session.undelete()
            case "replace":
                version = (await session.summary()).version
                await session.fork(f"fork {name}", at=number % (version + 1))
                await session.delete(durable=False)
                await self.runtime.session(f"fork {name}").fork("s")
            case "expire":
                await self.runtime.cleanup(timedelta(hours=-1))


@pytest.mark.parametrize("resident_bytes", [MiB, 0])
@pytest.mark.parametrize("durability", ["commit", "snapshot"])
@given(steps=STEPS)
def test_who_follows_ends_with_the_log_that_the_store_has(
    durability: Any, resident_bytes: int, steps: list[tuple[str, int]]
) -> None:
    async def play() -> None:
        store = NotingStore(resident_bytes)

        def check(entry: Entry) -> None:
            assert durability == "snapshot" or entry.chain in store.written, "a crash could take it"

        async with (
            running(store, durability=durability) as runtime,
            trio.open_nursery() as followers,
        ):
            clients = [
                Client(runtime, check),
                Client(runtime, check),
                Client(runtime, check, frozenset({"message", "record"})),
            ]
            constant = Client(runtime, check)
            followers.start_soon(constant.follow)
            async with trio.open_nursery() as nursery:
                run = Run(runtime, store, nursery, clients)
                await run.do("append", 0)
                for step, number in steps:
                    await run.do(step, number)
                store.commit_error = None
                store.gate.set()
            await runtime.flush()
            await trio.sleep(10)
            await runtime.flush()
            await until_quiet()  # who is connected has been woken by now
            log = store.log()
            if log:
                assert constant.reader.entries == log
                for client in clients:
                    await client.connect()
                    await client.read_all()
                    wanted = [e for e in log if not client.kinds or e.kind in client.kinds]
                    assert client.reader.entries == wanted
                    if durability == "snapshot":
                        assert client.reader.durable == log[-1].seq
                    await client.leave()
            else:
                assert constant.reader.is_told_of_the_end or not constant.reader.entries
            followers.cancel_scope.cancel()

    mock_run(play)
