"""The index of a database, as the runtime knows it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

from attrs import define

from persistence.hits import page_of
from persistence.postgres.connections import Connection
from persistence.postgres.index import tables
from persistence.postgres.index.filling import forget_gone, take
from persistence.postgres.index.finding import behind, candidates, lately
from persistence.postgres.readers import Readers
from runtime import SHARDS, Behind, HitPage, HitPosition, Sought, StoreUnavailable, Taken, TextOf


@define(eq=False)
class PostgresIndex:
    """Finds entries of a database by their words. It implements `runtime.index.Index`."""

    _readers: Readers
    _own: Callable[[], Collection[int]]
    """The shards whose sessions this process takes."""
    _is_ready: bool = False
    """Whether the tables are there."""

    def take(self, session_ids: Collection[str], text_of: TextOf, room: int) -> Taken:
        with self._writing() as connection:
            return Taken(take(connection, session_ids, text_of, room))

    def behind(self, limit: int, after: int = 0) -> Behind:
        with self._writing() as connection:
            return behind(connection, self._own(), limit, after)

    def lately(self, since: str, limit: int) -> Sequence[str]:
        with self._readers.reader() as connection:
            return lately(connection, since, limit)

    def forget(self, limit: int) -> bool:
        with self._writing() as connection:
            return forget_gone(connection, limit)

    def scrub(self) -> None:
        """Rows that were removed are in the server's files until its vacuum has come round."""

    def search(self, sought: Sought, limit: int, after: HitPosition | None = None) -> HitPage:
        with self._readers.reader() as connection:
            if not (self._is_ready or tables.are_there(connection)):
                raise StoreUnavailable(
                    "Nothing can be searched yet: the index of words is made by the services that "
                    "use the database"
                )
            return page_of(candidates(connection, sought, after), sought, limit)

    def lags(self) -> bool:
        """Whether something is committed that it lacks; for who only looks. Raises `StoreError`."""
        with self._readers.reader() as connection:
            return bool(behind(connection, range(SHARDS), 1, 0).session_ids)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction. Raises `StoreError`."""
        with self._readers.reader() as connection:
            if not self._is_ready:
                tables.prepare(connection)
                self._is_ready = True
            with connection.transaction():
                yield connection
