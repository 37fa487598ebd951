"""What a load consists of: requests without end, each about a session that chance picks.

The sessions have ids of their own, `load-0` and so on, and are made before the load begins, unless
they are there from an earlier one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from types import MappingProxyType

import trio
from attrs import field, frozen

from benchmarks.client import API, Address, BrokenAnswer, Connection, ensure, open_connections
from benchmarks.workload import Message, encoded

AGENTS = ("orchestrator", "architect", "coder", "tester")
MOST = 1_000
"""Messages that the service takes in one call; a longer transcript is cut there."""
CLIENTS = 16
"""That make the sessions."""


class CannotPrepare(Exception):
    """The service does not take a session; the text says why."""


@frozen
class Requests:
    """What requests are made of."""

    address: Address
    sessions: int
    bodies: Sequence[bytes]
    """Messages as JSON."""
    random: Random = field(factory=lambda: Random(0))  # noqa: S311 -- it only varies the load

    def about(self, path: str) -> str:
        """The path with a session that chance picks."""
        return f"{API}/{path.format(f'load-{self.random.randrange(self.sessions)}')}"

    def append(self) -> bytes:
        path = self.about("sessions/{}/messages")
        return self.address.post(path, self.random.choice(self.bodies))

    def history(self) -> bytes:
        return self.address.get(self.about("sessions/{}/history"))

    def current_agent(self) -> bytes:
        return self.address.get(self.about("agents/{}/current"))

    def switch(self) -> bytes:
        """Hands a session to another agent; or to the same, which changes nothing."""
        body = encoded({"agent": self.random.choice(AGENTS), "reason": "as the load has it"})
        return self.address.post(self.about("agents/{}/switch"), body.encode())

    def page(self) -> bytes:
        return self.address.get(f"{API}/sessions?limit=50")

    def whole_list(self) -> bytes:
        return self.address.get(f"{API}/sessions")


_R = Requests
MIXES: Mapping[str, Mapping[Callable[[Requests], bytes], int]] = MappingProxyType(
    {
        "chat": {_R.append: 85, _R.history: 8, _R.current_agent: 5, _R.switch: 2},
        "restore": {_R.history: 1, _R.current_agent: 1},
        "list": {_R.page: 9, _R.whole_list: 1},
        "append": {_R.append: 1},
    }
)
"""By name: requests, and how many parts of the load each is."""


def endless(mix: str, requests: Requests) -> Iterator[bytes]:
    """The requests of a mix."""
    parts = [make for make, weight in MIXES[mix].items() for _ in range(weight)]
    while True:
        yield requests.random.choice(parts)(requests)


async def prepare(
    address: Address, sessions: int, conversations: Sequence[Sequence[Message]]
) -> None:
    """Makes the sessions that are not there, each with a conversation.

    Raises `OSError` if nobody listens there, and `CannotPrepare` for a session that is not taken.
    """
    numbers = iter(range(sessions))
    failures: list[CannotPrepare] = []

    async def make(connection: Connection) -> None:
        for number in numbers:
            messages, said = conversations[number % len(conversations)][:MOST], ""
            try:
                answer = await ensure(connection, f"load-{number}", messages)
                if answer.status >= 300:
                    said = f"{answer.status} {answer.body.decode(errors='replace')}"
            except BrokenAnswer as error:
                said = str(error)
            if said:
                failures.append(CannotPrepare(f"load-{number} cannot be made: {said}"))
            if failures:
                return

    async with open_connections(address, CLIENTS) as connections, trio.open_nursery() as nursery:
        for connection in connections:
            nursery.start_soon(make, connection)
    if failures:
        raise failures[0]
