"""What a load consists of: requests without end, each about a session that chance picks.

The sessions have ids of their own, `load-0` and so on, and are made before the load begins, unless
they are there from an earlier one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from types import MappingProxyType

import trio
from attrs import field, frozen

from benchmarks.answers import BrokenAnswer
from benchmarks.baselines import encoded
from benchmarks.client import Address, Connection, open_connections
from benchmarks.workload import Message, conversation

API = "/api/v1"
PAGE = 50
"""Sessions on a page of the list."""
AGENTS = ("orchestrator", "architect", "coder", "tester")
CONVERSATIONS, LENGTH = 50, 20
"""How many conversations are made up, and their messages."""
MOST = 1_000
"""Messages that the service takes in one call; a longer transcript is cut there."""
CLIENTS = 16
"""That make the sessions."""


class CannotPrepare(Exception):
    """The service does not take a session; the text says why."""


def made_up() -> list[list[Message]]:
    """Conversations for whoever has none."""
    return [conversation(LENGTH, seed) for seed in range(CONVERSATIONS)]


@frozen
class Requests:
    """The requests that there are."""

    address: Address
    sessions: int
    bodies: Sequence[bytes]
    """Messages as JSON."""
    random: Random = field(factory=lambda: Random(0))  # noqa: S311 -- it only varies the load

    def append(self) -> bytes:
        """One message."""
        path = f"{API}/sessions/{self._session_id()}/messages"
        return self.address.post(path, self.random.choice(self.bodies))

    def history(self) -> bytes:
        """A whole conversation."""
        return self.address.get(history_path(self._session_id()))

    def current_agent(self) -> bytes:
        """Who works on a session."""
        return self.address.get(f"{API}/agents/{self._session_id()}/current")

    def switch(self) -> bytes:
        """Hands a session to another agent; or to the same, which changes nothing."""
        body = encoded({"agent": self.random.choice(AGENTS), "reason": "as the load has it"})
        return self.address.post(f"{API}/agents/{self._session_id()}/switch", body.encode())

    def page(self) -> bytes:
        """The sessions that were used last."""
        return self.address.get(f"{API}/sessions?limit={PAGE}")

    def whole_list(self) -> bytes:
        """All sessions."""
        return self.address.get(f"{API}/sessions")

    def _session_id(self) -> str:
        return session_id(self.random.randrange(self.sessions))


MIXES: Mapping[str, Mapping[Callable[[Requests], bytes], int]] = MappingProxyType(
    {
        "chat": {
            Requests.append: 85,
            Requests.history: 8,
            Requests.current_agent: 5,
            Requests.switch: 2,
        },
        "restore": {Requests.history: 1, Requests.current_agent: 1},
        "list": {Requests.page: 9, Requests.whole_list: 1},
        "append": {Requests.append: 1},
    }
)
"""By name: requests, and how many parts of the load each is."""
READING = ("restore", "list")
"""The mixes that only read."""


def endless(mix: str, requests: Requests) -> Iterator[bytes]:
    """The requests of a mix."""
    parts = [make for make, weight in MIXES[mix].items() for _ in range(weight)]
    while True:
        yield requests.random.choice(parts)(requests)


def session_id(number: int) -> str:
    """Of one of the load's sessions."""
    return f"load-{number}"


def history_path(session_id: str) -> str:
    """Where a conversation is."""
    return f"{API}/sessions/{session_id}/history"


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
            messages = conversations[number % len(conversations)][:MOST]
            try:
                await ensure(connection, session_id(number), messages)
            except CannotPrepare as error:
                failures.append(error)
            if failures:
                return

    async with open_connections(address, CLIENTS) as connections, trio.open_nursery() as nursery:
        for connection in connections:
            nursery.start_soon(make, connection)
    if failures:
        raise failures[0]


async def ensure(connection: Connection, session_id: str, messages: Sequence[Message]) -> None:
    """Makes one session with these messages, unless it is there. Raises `CannotPrepare`."""
    address = connection.address
    try:
        answer = await connection.ask(address.get(f"{API}/sessions/{session_id}"))
        if answer.status == 404:
            path = f"{API}/sessions/{session_id}/messages"
            body = encoded({"messages": messages}).encode()
            answer = await connection.ask(address.post(path, body))
    except BrokenAnswer as error:
        raise CannotPrepare(f"{session_id} cannot be made: {error}") from error
    if answer.status >= 300:
        said = answer.body.decode(errors="replace")
        raise CannotPrepare(f"{session_id} cannot be made: {answer.status} {said}")
