"""A database that no node uses, and none can, until a transaction ends.

Every commit of a node begins by changing its row in `fence`, every beat its row in `node`, and who
joins adds both. So a lock on the two tables keeps all nodes out, and is gone with the transaction,
whatever becomes of whoever has it. Reading needs no row, and goes on.

A node that beats would wait for the lock, and lose what it owns. So first it is seen whether there
is one: for as long as nodes themselves take to find another one dead.
"""

import time
from collections.abc import Callable, Mapping

import psycopg
from attrs import field, frozen

from persistence.postgres.address import Address
from persistence.postgres.connections import Connection, take_time
from persistence.postgres.nodes.judge import TTL
from persistence.postgres.nodes.membership import PACE
from runtime import StoreInUse

_NODES = "SELECT id, address, pid, beats FROM agent_runtime.node ORDER BY id"
_PATIENCE = "SET LOCAL lock_timeout = '5s'"
_SHUT = "LOCK TABLE agent_runtime.node, agent_runtime.fence IN EXCLUSIVE MODE"

_Nodes = Mapping[str, tuple[str | None, int, int]]
"""Address, process and beats of each node, by its id."""


@frozen
class Alone:
    """The wish to have a database for oneself."""

    _connection: Connection
    _address: Address
    _clock: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    _sleep: Callable[[float], object] = field(default=time.sleep, kw_only=True)

    def wait(self) -> _Nodes:
        """Returns the nodes that have died there without a farewell. Raises `StoreInUse`.

        To be called outside of a transaction.
        """
        before = self._nodes()
        begun = self._clock()
        while before and self._clock() - begun < TTL:
            self._sleep(PACE)
            self._check(before)
        return before

    def shut(self, dead: _Nodes) -> None:
        """Keeps all nodes out of the database from now on, until the transaction ends.

        To be called at its begin. Raises `StoreInUse` if there is one that is not dead.
        """
        self._connection.execute(_PATIENCE)
        try:
            self._connection.execute(_SHUT)
        except psycopg.errors.LockNotAvailable as error:
            raise StoreInUse(
                f"{self._address} is in use", "Stop all services that use it, and other moves"
            ) from error
        take_time(self._connection)
        self._check(dead)

    def _check(self, before: _Nodes) -> None:
        alive = [node for name, node in self._nodes().items() if before.get(name) != node]
        if alive:
            who = " and ".join(address or f"process {pid}" for address, pid, _ in alive)
            raise StoreInUse(f"{self._address} is in use by {who}", "Stop all services that use it")

    def _nodes(self) -> _Nodes:
        found = self._connection.execute(_NODES).fetchall()
        return {name: (address, pid, beats) for name, address, pid, beats in found}
