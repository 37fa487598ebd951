"""A history of a gigabyte over HTTP: how fast it comes, and what the service has in memory."""

import socket
import time
from collections.abc import Callable

import trio
from attrs import frozen

from benchmarks import servers
from benchmarks.client import Address, open_connections
from benchmarks.gigabyte import LONG, SIZE, Gigabyte
from benchmarks.load.mix import API, history_path
from benchmarks.measure import Spread, Timer
from benchmarks.proc import peak_bytes, resident_bytes
from benchmarks.results import Results
from benchmarks.suite import Effort

SLOW = 10_000_000
"""Bytes per second of the slow reader: a twentieth of what comes to a fast one, or less."""
SECONDS = 3.0
"""How long it reads. Whatever were gathered for it in that time would be hundreds of megabytes."""
RECEIVED = 64 * 1024

Reading = Callable[[Address], int]
"""Reads of the history, all or as much as there is time for; returns the bytes."""


@frozen
class Read:
    """What came of one reading."""

    rate: float
    """Bytes per second."""
    memory: int
    """Bytes: the most that the service had in memory, less what it had before."""


def whole_histories(sessions: Gigabyte, effort: Effort, results: Results) -> None:
    """What a client gets in a second, and what the service takes for that."""
    seconds = effort.of(full=SECONDS, quick=0.1)
    readers: dict[str, tuple[Reading, str]] = {
        "as fast as it comes": (
            lambda address: trio.run(_read_all, address, sessions.length),
            f"all {sessions.length:,} messages",
        ),
        "a slow reader": (
            lambda address: _read_slowly(address, seconds),
            f"{SLOW / 1e6:.0f} MB/s at the most, for {seconds:g} s; then it goes",
        ),
    }
    peaks = []
    for who, (reading, note) in readers.items():
        rounds = [_read(sessions, reading) for _ in range(effort.rounds)]
        results.add(
            "GET history of a long session", who, "B/s", [r.rate for r in rounds], note=note
        )
        peaks.append(
            results.add(
                "GET history of a long session: memory of the service",
                who,
                "B",
                [r.memory for r in rounds],
                note="the most at one time (VmHWM), less what it had after its first answer",
            )
        )
    worst = map(max, *(spread.values for spread in peaks))
    results.judge("long_history", Spread(value / 1e6 for value in worst))


def _read(sessions: Gigabyte, reading: Reading) -> Read:
    """In a new service."""
    command = servers.service_command(sessions.path)
    with servers.started(command, sessions.path.parent) as (address, process):
        trio.run(_ask_first, address)
        before = resident_bytes(process.pid)
        timer = Timer()
        size = reading(address)
        seconds = timer.seconds
        return Read(size / seconds, peak_bytes(process.pid) - before)


async def _ask_first(address: Address) -> None:
    async with open_connections(address, 1) as (connection,):
        answer = await connection.ask(address.get(f"{API}/sessions/{LONG}"))
    assert answer.status == 200, f"{LONG}: {answer.status}"


async def _read_all(address: Address, length: int) -> int:
    async with open_connections(address, 1) as (connection,):
        answer = await connection.ask(address.get(history_path(LONG)), keep=False)
    assert answer.status == 200, f"GET history: {answer.status}"
    assert answer.size > length * SIZE, f"GET history: only {answer.size:,} bytes"
    return answer.size


def _read_slowly(address: Address, seconds: float) -> int:
    size = 0
    with socket.create_connection((address.host, address.port)) as peer:
        peer.sendall(address.get(history_path(LONG)))
        timer = Timer()
        while timer.seconds < seconds and (data := peer.recv(RECEIVED)):
            size += len(data)
            time.sleep(max(0, size / SLOW - timer.seconds))
    return size
