"""The store on a server.

One connection writes, from one thread at a time; what reads beside it is `PostgresReader`.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Self

from attrs import define, field

from persistence.parts import Part, Room, Written
from persistence.postgres.address import Address
from persistence.postgres.connections import Connection, connect, first_connection
from persistence.postgres.errors import is_data_fault, said_by
from persistence.postgres.nodes.fence import Fence
from persistence.postgres.nodes.membership import Membership, new_id
from persistence.postgres.nodes.writer import Writer
from persistence.postgres.readers import Readers
from persistence.postgres.reading.reader import PostgresReader
from persistence.postgres.schema import prepare, secret_in
from persistence.postgres.upgrading import upgrade
from persistence.postgres.writing.batch import (
    beginning,
    can_be_sent_at_once,
    give_up,
    write,
)
from persistence.postgres.writing.leavings import Heritage, Leavings, Tenures
from persistence.postgres.writing.numbers import Numbers
from persistence.postgres.writing.purging import purge
from persistence.postgres.writing.transaction import Transaction
from runtime import (
    Committed,
    Delta,
    DeltaRejected,
    Fork,
    Purge,
    Redact,
    Scrub,
    StoreUnavailable,
    shard_of,
)


@define(eq=False)
class PostgresStore(PostgresReader):
    """Keeps sessions in a PostgreSQL database. It implements `runtime.Store`."""

    _writer: Writer = field(kw_only=True)
    ownership: Membership = field(kw_only=True)
    node_secret: str = field(kw_only=True, repr=False)
    """What processes that share the database show to each other, and nobody else knows."""
    _heritage: Heritage = field(factory=Heritage, init=False)
    _purging: list[int] = field(factory=list, init=False)
    """Lives that go for good and are not gone yet, as the last transaction left them. Known here,
    so that commits need not look for them."""
    _parts: dict[str, Part] = field(factory=dict, init=False)
    """What is written ahead, by session id, as the last transaction left it."""
    _numbers: Numbers = field(factory=Numbers, init=False)
    _room: Room = field(factory=Room, init=False)

    @classmethod
    def open(cls, url: str, *, address: str | None = None, create: bool = True) -> Self:
        """Takes part in using the database; others reach this process at `address`.

        Creates the tables if they are not there, unless told not to. Raises `CannotOpenStore`,
        `StoreError`.
        """
        place, node = Address.of(url), new_id()
        with first_connection(place, node) as connection:
            upgrade(connection, place)
            prepare(connection, place, create=create)
            secret = secret_in(connection, place)
        connecting = partial(connect, place, node)
        writer = Writer(Fence(node), connecting)
        membership = Membership(node, connecting, writer)
        store = cls(
            place,
            readers=Readers(place, node),
            writer=writer,
            ownership=membership,
            node_secret=secret,
        )
        try:
            membership.join(address)
        except BaseException:
            store.close()
            raise
        return store

    def commit(self, deltas: Sequence[Delta]) -> Committed:
        shards, tenures = _shards_of(deltas), self.ownership.tenures
        leavings = self._heritage.of(shards, tenures)
        pipelined = (
            not self._purging
            and not leavings.unpurged
            and can_be_sent_at_once(deltas)
            and self._numbers.has(beginning(deltas))
        )
        parts = self._parts_without(leavings)
        try:
            with self._writer.transaction(shards, pipelined=pipelined) as connection:
                leavings.remove(connection)
                purging = self._to_be_purged(connection, leavings, parts)
                to = self._transaction(connection, parts)
                if not pipelined:
                    self._numbers.ensure(connection, beginning(deltas))
                write(to, deltas)
                purging += to.written.purged
                if purging and not pipelined:
                    purging = self._purge(connection, purging)
        except Exception as error:
            if not is_data_fault(error):
                raise
            # Some session's values are at fault, and nothing was written. Once more, so that only
            # the guilty one stays out.
            return self._commit_without_the_guilty(deltas, leavings, tenures)
        self._heritage.seen_to(leavings, tenures)
        return self._committed({}, to.written, parts, purging)

    def trashed_before(self, before: str, limit: int) -> Sequence[tuple[int, str]]:
        # A clean-up has come round: it is time to look, too, for what others have begun to purge in
        # this node's shards, and did not come to the end of.
        self._heritage.look_again()
        return super().trashed_before(before, limit)

    def close(self) -> None:
        """Leaves the other nodes, who then have what this one had."""
        super().close()
        self._writer.close()
        self.ownership.close()

    def _own(self) -> Collection[int]:
        return self.ownership.own()

    def _parts_without(self, leavings: Leavings) -> dict[str, Part]:
        """What of a shard is known from another time of owning it is not there any more."""
        gone = frozenset(leavings.written_ahead)
        return {
            session_id: part
            for session_id, part in self._parts.items()
            if shard_of(session_id) not in gone
        }

    def _to_be_purged(
        self, connection: Connection, leavings: Leavings, parts: Mapping[str, Part]
    ) -> list[int]:
        known = {*self._purging, *(part.no for part in parts.values())}
        return [*self._purging, *leavings.purging(connection, self.ownership.node, known)]

    def _commit_without_the_guilty(
        self, deltas: Sequence[Delta], leavings: Leavings, tenures: Tenures
    ) -> Committed:
        rejected: dict[str, DeltaRejected] = {}
        with self._writer.transaction(_shards_of(deltas), pipelined=False) as connection:
            leavings.remove(connection)
            parts = self._parts_without(leavings)
            lives = self._to_be_purged(connection, leavings, parts)
            to = self._transaction(connection, parts)
            self._write_apart(to, deltas, rejected)
            purging = self._purge(connection, [*lives, *to.written.purged])
        self._heritage.seen_to(leavings, tenures)
        return self._committed(rejected, to.written, to.ahead, purging)

    def _write_apart(
        self, to: Transaction, deltas: Sequence[Delta], rejected: dict[str, DeltaRejected]
    ) -> None:
        """Writes all but the guilty: half of them, and the other half, where all together fail.

        So one of a thousand takes twenty attempts, and not a thousand.
        """
        connection = to.connection
        connection.execute("SAVEPOINT attempt")
        attempt = self._transaction(connection, to.ahead.copy())
        try:
            self._numbers.ensure(connection, beginning(deltas))
            write(attempt, deltas)
        except Exception as error:
            if not is_data_fault(error):
                raise
            connection.execute("ROLLBACK TO SAVEPOINT attempt")
            connection.execute("RELEASE SAVEPOINT attempt")
            if len(deltas) > 1:
                half = len(deltas) // 2
                self._write_apart(to, deltas[:half], rejected)
                self._write_apart(to, deltas[half:], rejected)
                return
            [delta] = deltas
            rejection = DeltaRejected(f"Session {delta.session_id!r}: {said_by(error)}")
            rejection.__cause__ = error
            rejected[delta.session_id] = rejection
            # A session's own change comes again, with what is written ahead.
            if any(isinstance(step, Fork | Redact) for step in delta.steps):
                give_up(to, delta.session_id)
            return
        connection.execute("RELEASE SAVEPOINT attempt")
        to.ahead = attempt.ahead
        to.written.add(attempt.written)

    def _purge(self, connection: Connection, lives: Sequence[int]) -> list[int]:
        try:
            return purge(connection, lives) if lives else []
        except Exception as error:
            if not is_data_fault(error):
                raise
            # No delta brought these values: somebody else changed the tables.
            problem = f"What is to be purged cannot be removed: {said_by(error)}"
            raise StoreUnavailable(problem) from error

    def _transaction(self, connection: Connection, parts: dict[str, Part]) -> Transaction:
        return Transaction(connection, parts, self._room, self._numbers)

    def _committed(
        self,
        rejected: dict[str, DeltaRejected],
        written: Written,
        parts: dict[str, Part],
        purging: list[int],
    ) -> Committed:
        self._parts, self._purging = parts, purging
        return Committed(
            rejected,
            written.begun,
            written.expired,
            bool(purging),
            # What a scrub waits for is that nothing is left to purge; the rest is the server's.
            frozenset([*written.unfinished, *(written.scrubs if purging else ())]),
        )


def _shards_of(deltas: Sequence[Delta]) -> Collection[int]:
    """The shards that have to be this node's: a purge may be of anybody's."""
    return {
        shard_of(delta.session_id)
        for delta in deltas
        if not delta.steps or not all(isinstance(step, Purge | Scrub) for step in delta.steps)
    }
