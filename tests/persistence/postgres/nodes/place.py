"""A database that nodes share, with a table of what they have written."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

from attrs import define, field

from persistence.postgres.address import Address
from persistence.postgres.connections import Connection, connect
from persistence.postgres.nodes.fence import Fence
from persistence.postgres.nodes.holding import steady
from persistence.postgres.nodes.membership import Membership, new_id
from persistence.postgres.nodes.writer import Writer
from persistence.postgres.schema import prepare
from runtime import SHARDS, NotHere, shard_of
from tests.postgres.server import PATIENCE, wait_until

T = TypeVar("T")

WRITTEN = """
CREATE TABLE IF NOT EXISTS agent_runtime.written (
    number bigint GENERATED ALWAYS AS IDENTITY, text text PRIMARY KEY, node text)
"""


def id_in(shard: int) -> str:
    """A session's id that falls into this shard."""
    return next(name for name in map(str, range(100_000)) if shard_of(name) == shard)


IDS = [id_in(shard) for shard in range(SHARDS)]


@define(eq=False)
class Node:
    """One of those that share the database."""

    membership: Membership
    writer: Writer

    @property
    def id(self) -> str:
        return self.membership.node

    def write(self, *texts: str, shards: Collection[int] = (0,), pipelined: bool = True) -> None:
        """In one transaction, as of sessions of these shards."""
        with self.writer.transaction(shards, pipelined=pipelined) as sql:
            insert(sql, self.id, *texts)

    def owned(self) -> list[int]:
        """The shards whose sessions it serves now."""
        return [shard for shard in range(SHARDS) if self.serves(shard)]

    def serves(self, shard: int) -> bool:
        try:
            self.membership.check(IDS[shard])
        except NotHere:
            return False
        return True

    def give_up(self) -> Collection[int]:
        """What the runtime does with what is too much, when no session is in memory."""
        shards = self.membership.surplus()
        self.membership.let_go(shards)
        gone = self.membership.hand_over(shards)
        self.membership.take_back(set(shards).difference(gone))
        return gone


def insert(sql: Connection, node: str, *texts: str) -> None:
    for text in texts:
        sql.execute("INSERT INTO agent_runtime.written (text, node) VALUES (%s, %s)", [text, node])


@contextmanager
def beside(work: Callable[[], T]) -> Iterator[list[T]]:
    """Does it in a thread while the block runs; afterwards the list has what it has returned."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    yield results
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it does not come to its end"


@define(eq=False)
class Place:
    """The database, seen from outside."""

    url: str
    _stack: ExitStack
    _sql: Connection
    _nodes: list[Node] = field(factory=list)

    @classmethod
    @contextmanager
    def opened(cls, url: str) -> Iterator["Place"]:
        with ExitStack() as stack:
            sql = stack.enter_context(connect(Address.of(url)))
            prepare(sql, Address.of(url))
            sql.execute(WRITTEN.encode())
            sql.execute("TRUNCATE agent_runtime.written")
            place = cls(url, stack, sql)
            yield place
            place.close_nodes()

    def node(
        self,
        *,
        url: str | None = None,
        clock: Callable[[], float] = steady,
        fence: Callable[[str], Fence] = Fence,
        address: str | None = None,
        id_: str | None = None,
    ) -> Node:
        """One more node; it ends with the test."""
        id_ = id_ or new_id()
        open_ = partial(connect, Address.of(url or self.url), id_)
        writer = Writer(fence(id_), open_)
        membership = Membership(id_, open_, writer, clock=clock)
        membership.join(address)
        node = Node(membership, writer)
        self._nodes.append(node)
        return node

    def close_nodes(self) -> None:
        """All of them; those that are closed already are left alone."""
        while self._nodes:
            node = self._nodes.pop()
            node.writer.close()
            node.membership.close()

    def connection(self, node: str = "") -> Connection:
        """One more; with a node's id it is taken for one of that node's."""
        sql = connect(Address.of(self.url), node)
        self._stack.callback(sql.close)  # others may have ended it
        return sql

    def end_connections(self) -> None:
        """All but this one."""
        self.run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def end(self, node: Node) -> None:
        """What others do who have found it dead."""
        assert self.run("DELETE FROM agent_runtime.node WHERE id = %s", node.id) == 1

    def wait_until_somebody_waits(self, sql: Connection | None = None) -> None:
        """For a lock. `sql` is asked if the place's own connection is the one that may wait."""
        asking = sql or self._sql
        wait_until(
            lambda: bool(asking.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall()),
            "nobody waits",
        )

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._sql.execute(statement.encode(), values).fetchall()

    def run(self, statement: str, *values: object) -> int:
        """How many rows it has changed."""
        return self._sql.execute(statement.encode(), values).rowcount

    def written(self) -> list[str]:
        """The texts, in the order of their commits, as one node writes."""
        return [
            text for (text,) in self.rows("SELECT text FROM agent_runtime.written ORDER BY number")
        ]

    def owners(self) -> dict[int, str | None]:
        return dict(self.rows("SELECT shard, owner FROM agent_runtime.shard"))
