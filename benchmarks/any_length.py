"""A session of a gigabyte: its first use, its memory, its whole history, and calls deep within it.

All of it on one database: making that takes longer than most of what is measured.
"""

import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import cached_property
from itertools import count, islice, pairwise
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

import trio
from attrs import frozen

from benchmarks.bench import Bench
from benchmarks.client import API, Address, Connection, asked, history_of, open_connections
from benchmarks.measure import Spread, Timer, in_turn, timed, worst
from benchmarks.processes import forget, peak_bytes, resident_bytes, service
from benchmarks.sessions import bytes_each
from benchmarks.stores import OURS, fill, running
from benchmarks.workload import Message, text
from runtime import RuntimeConfig
from runtime.config import MINUTES
from runtime.session.kind import New
from runtime.session.kinds.message import from_json

SIZE = 10_000
"""Characters of a message: what a tool returns. A hundred thousand of them are a gigabyte."""
LONG, OTHERS = "long-0", tuple(f"other-{number}" for number in range(5))
SYNCED = "answered when committed and synced"
PAGE = 50
"""Messages that an IDE shows when it opens a session."""
SLOW = 10_000_000
"""Bytes per second of the slow reader: a twentieth of what comes to a fast one, or less."""
ONE_ACTIVE = 1
"""Sessions in memory: whichever is used takes the place of the one before."""


@frozen(slots=False)
class Gigabyte:
    """A database with one very long session, and others that are short beside it."""

    path: Path
    length: int
    """Messages of the long session."""
    short: int
    """Messages of each of the others. So many that these, too, are not all in memory."""

    def make(self) -> None:
        """Fills the database, 10 MB or so in a transaction."""
        fill(self.path, "long-", [self._news(self.length)], piece=1_000)
        fill(self.path, "other-", [self._news(self.short) for _ in OTHERS], piece=1_000)

    def message(self, seq: int) -> Message:
        """The message of this number, from 1 on; of all numbers another one, and as long."""
        start = seq * 7919 % SIZE  # a prime that divides no power of ten
        content = f"{seq:06}{self._prose[start : start + SIZE - 6]}"
        return {"role": "user", "content": content, "id": f"message-{seq:08x}"}

    def _news(self, length: int) -> Iterator[New]:
        return (from_json(self.message(seq)) for seq in range(1, length + 1))

    @cached_property
    def _prose(self) -> str:
        return text(2 * SIZE, Random(0))  # noqa: S311 -- it only varies the text


async def any_length(bench: Bench) -> None:
    """All that is measured of a very long session."""
    sessions = Gigabyte(bench.new(), *bench.of((100_000, 1_000), (300, 150)))
    sessions.make()
    await activations(bench, sessions)
    await memory_taken(bench, sessions)
    await last_pages(bench, sessions)
    await whole_histories(bench, sessions)
    await deep_calls(bench, sessions)  # the last, since it changes the session


async def activations(bench: Bench, sessions: Gigabyte) -> None:
    """How long the first question about a session takes, by its length."""
    steps, (rest, other, *_) = bench.of(30, 2), OTHERS
    found: dict[str, list[float]] = {LONG: [], other: []}
    for _ in range(bench.rounds):
        seconds: dict[str, list[float]] = {LONG: [], other: []}
        async with running(sessions.path, RuntimeConfig(max_active=ONE_ACTIVE)) as runtime:
            for _, session_id in in_turn((LONG, other), steps):
                await runtime.session(rest).summary()  # the one before leaves memory
                seconds[session_id].append(await timed(runtime.session(session_id).summary()))
            activated = runtime.statistics().directory.activations
        assert activated == 4 * steps, f"{activated} activations in {4 * steps} calls"
        for session_id, each in seconds.items():
            found[session_id].append(median(each))
    note = (
        "the first `summary()` of a session in an open runtime; the file is in the system's page "
        "cache"
    )
    work = "activation, by length"
    long = bench.add(work, OURS, "s", found[LONG], note, x=sessions.length)
    short = bench.add(work, OURS, "s", found[other], note, x=sessions.short)
    bench.judge("long_activation", long.over(short))


async def memory_taken(bench: Bench, sessions: Gigabyte) -> None:
    """What the long session takes of memory once it is active."""
    work, others = "memory of an active session of any length", len(OTHERS)
    note = (
        f"growth of the resident set, with {others} others of {sessions.short:,} messages in "
        "memory before"
    )
    sizes = [bytes_each(sessions.path, "long-", 1, 0, others) for _ in range(bench.rounds)]
    spread = bench.add(work, OURS, "B", sizes, note, x=sessions.length)
    bench.judge("long_memory", Spread(value / 2**20 for value in spread.values))


async def last_pages(bench: Bench, sessions: Gigabyte) -> None:
    """How long the newest messages take, in a new process, and after the session left memory."""

    async def ask_twice() -> tuple[float, float]:
        """The seconds of the first request of a process, and later, when others were asked for."""
        with service(sessions.path, "--max-active", f"{ONE_ACTIVE}") as (address, _):
            async with open_connections(address, 1) as (connection,):
                first = await _last_page(connection, LONG)
                for other in OTHERS:
                    await _last_page(connection, other)
                return first, await _last_page(connection, LONG)

    new, again = "the first request of a new process", "after it left memory"
    from_disk = f"{new}, the file not in the page cache"
    found: dict[str, list[float]] = {new: [], again: [], from_disk: []}
    for _ in range(bench.rounds):
        for what, seconds in zip((new, again), await ask_twice(), strict=True):
            found[what].append(seconds)
        forget(sessions.path)
        found[from_disk].append((await ask_twice())[0])
    work, note = f"GET messages?last={PAGE} of a long session", f"of {sessions.length:,} messages"
    spreads = {what: bench.add(f"{work}: {what}", OURS, "s", v, note) for what, v in found.items()}
    bench.judge("long_last", worst((spreads[new], spreads[again])))


async def _last_page(connection: Connection, session_id: str) -> float:
    path = f"{API}/sessions/{session_id}/messages?last={PAGE}"
    return await timed(connection.expect(connection.address.get(path), keep=False))


async def whole_histories(bench: Bench, sessions: Gigabyte) -> None:
    """What a client gets of it in a second over HTTP, and what memory the service takes for that.

    Each is read in a new service.
    """
    # Whatever were gathered for a slow reader in this time would be hundreds of megabytes.
    patience = bench.of(3.0, 0.1)

    async def read_all(address: Address) -> int:
        answer = await asked(address, history_of(LONG), keep=False)
        assert answer.size > sessions.length * SIZE, f"only {answer.size:,} bytes"
        return answer.size

    async def read_slowly(address: Address) -> int:
        size, timer = 0, Timer()
        with socket.create_connection((address.host, address.port)) as peer:
            peer.sendall(address.get(history_of(LONG)))
            while timer.seconds < patience and (data := peer.recv(64 * 1024)):
                size += len(data)
                await trio.sleep(max(0, size / SLOW - timer.seconds))
        return size

    readers: dict[str, tuple[Callable[[Address], Awaitable[int]], str]] = {
        "as fast as it comes": (read_all, f"all {sessions.length:,} messages"),
        "a slow reader": (
            read_slowly,
            f"{SLOW / 1e6:.0f} MB/s at the most, for {patience:g} s; then it goes",
        ),
    }
    work, peaks = "GET history of a long session", []
    for who, (read, note) in readers.items():
        rates, memory = [], []
        for _ in range(bench.rounds):
            with service(sessions.path) as (address, process):
                await asked(address, f"{API}/sessions/{LONG}")
                before, timer = resident_bytes(process.pid), Timer()
                size = await read(address)
                rates.append(size / timer.seconds)
                memory.append(peak_bytes(process.pid) - before)
        bench.add(work, who, "B/s", rates, note)
        note = "the most at one time (VmHWM), less what it had after its first answer"
        peaks.append(bench.add(f"{work}: memory of the service", who, "B", memory, note))
    bench.judge("long_history", Spread(value / 1e6 for value in worst(peaks).values))


async def deep_calls(bench: Bench, sessions: Gigabyte) -> None:
    """How long calls take that need what is not in memory, while the session is active."""
    steps, length, numbers = bench.of(20, 2), sessions.length, count()
    notes: dict[str, tuple[str, bool | None]] = {
        "a page in the middle": (f"`messages(limit={PAGE})` behind other numbers each time", None),
        "a message sent again, under its old id": ("answered with the number that it has", None),
        "an append under a new id": (
            f"{SYNCED}; that no entry has the id is asked of the store",
            True,
        ),
        "a rewind to the middle": (SYNCED, True),
        "the last messages after that": (f"`messages(last={PAGE})`", None),
        "a rewind back to the end": (SYNCED, True),
    }
    found: dict[str, list[float]] = {what: [] for what in notes}
    # A fork copies half a gigabyte in one transaction, and is waited for.
    async with running(sessions.path, RuntimeConfig(commit_timeout=10 * MINUTES)) as runtime:
        session = runtime.session(LONG)
        for _ in range(bench.rounds):
            seconds = []
            for number in islice(numbers, steps):  # each asks for other entries
                far = number * 7919 % (length // 2)  # a prime that divides no length here
                moments = [perf_counter()]
                page = await session.messages(after=length // 4 + far, limit=PAGE)
                moments.append(perf_counter())
                repeated = await session.append(sessions.message(far + 1))
                moments.append(perf_counter())
                new = sessions.message(length) | {"id": f"new-{number}"}
                appended = await session.append(new, durable=True)
                moments.append(perf_counter())
                await session.rewind(length // 2, durable=True)
                moments.append(perf_counter())
                last = await session.messages(last=PAGE)
                moments.append(perf_counter())
                await session.rewind(appended.version, durable=True)
                moments.append(perf_counter())
                assert len(page.entries) == PAGE
                assert list(repeated.seqs) == [far + 1], f"message {far + 1}: {repeated.seqs}"
                assert last.entries[-1].seq == length // 2
                seconds.append([after - before for before, after in pairwise(moments)])
            for values, each in zip(found.values(), zip(*seconds, strict=True), strict=True):
                values.append(median(each))
        fork = "a fork of its first half"
        found[fork] = [await timed(session.fork("fork", at=length // 2))]
    notes[fork] = "half of the entries are copied, in one transaction; on disk", True
    for what, values in found.items():
        note, durable = notes[what]
        work = f"session of {length:,} messages: {what}"
        bench.add(work, OURS, "s", values, note, durable=durable)
