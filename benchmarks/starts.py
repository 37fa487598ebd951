"""A service as a user starts it: how long until its first answer, and its memory right then."""

from pathlib import Path

import msgspec
import trio
from attrs import frozen

from benchmarks import servers
from benchmarks.client import Address, Answer, open_connections
from benchmarks.load.mix import API
from benchmarks.measure import Timer
from benchmarks.proc import resident_bytes

FIRST = f"{API}/sessions?limit=20"


@frozen
class Start:
    """One start of the service."""

    seconds: float
    """From the start of the process to the last byte of the first answer."""
    memory: int
    """Bytes of the process's resident set right after that."""
    sessions: int
    """How many the service says there are."""


def start(path: Path) -> Start:
    """Starts the service on this database, asks for a list of 20 sessions, and ends it."""
    timer = Timer()
    with servers.started(servers.service_command(path), path.parent) as (address, process):
        answer = trio.run(_first_answer, address)
        seconds = timer.seconds
        memory = resident_bytes(process.pid)
    assert process.returncode == 0, f"it ended with exit code {process.returncode}"
    return Start(seconds, memory, msgspec.json.decode(answer.body)["total"])


async def _first_answer(service: Address) -> Answer:
    async with open_connections(service, 1) as (connection,):
        answer = await connection.ask(service.get(FIRST))
    assert answer.status == 200, f"GET {FIRST}: {answer.status}"
    return answer
