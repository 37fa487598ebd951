"""The list of all sessions, on its way from the store to whoever asked: encoded, in chunks.

It is read ahead into memory, at the store's speed: a reader who is slow keeps no transaction open.
(It would stop the store from reusing its log of writes.) So each reader may have the whole list in
memory; which is why the metadata, which may be large, comes in pages only.

A list that fits into one chunk is kept until the store changes: windows ask for it again and again.
"""

from collections import deque
from collections.abc import Callable, Collection
from contextlib import closing
from math import inf

import trio
from attrs import define, field

from runtime.errors import InvalidInput, RuntimeClosed, StoreUnavailable
from runtime.store.listing import INCLUDABLE, STREAMABLE, ListChunk, Listing
from runtime.store.store import Store

MAX_LIMIT = 2**31
"""Of a page: more than any store has."""


def check_limit(limit: int) -> None:
    """Raises `InvalidInput` if no page can be of so many."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit: must be 1 to {MAX_LIMIT}")


def check_streamable(include: Collection[str]) -> None:
    """Raises `InvalidInput` if the list of all cannot have one of these members."""
    for name in sorted(set(include).difference(STREAMABLE)):
        if name in INCLUDABLE:
            raise InvalidInput(f"include: {name!r} comes in pages only; ask for one, with a limit")
        raise InvalidInput(f"include: {name!r} is none of {', '.join(STREAMABLE)}")


KEPT = 8
"""Short lists that are kept, of 130 KB each: with and without titles, archived or not, of some
prefixes. Whoever asks for more in turn has them read."""

Asked = tuple[Listing, Collection[str]]
"""Which list, and which members it includes."""


@define(eq=False)
class ShortLists:
    """The short lists that were asked for since the last commit."""

    _are_kept: bool = True
    """Whether every change of the store is a commit of this process: else nobody knows for how long
    a list is true."""
    _commits: int = 0
    _chunks: dict[Asked, ListChunk] = field(factory=dict)

    def find(self, asked: Asked, commits: int) -> ListChunk | None:
        """The whole list, if it was read after so many commits."""
        return self._chunks.get(asked) if commits == self._commits else None

    def keep(self, asked: Asked, commits: int, chunk: ListChunk) -> None:
        """Takes note of a list that was begun to be read after so many commits, and not before.

        It may show more than these had written: then another one is being counted, and who comes
        after that reads it anew.
        """
        if not self._are_kept:
            return
        if commits != self._commits or len(self._chunks) >= KEPT:
            self._commits, self._chunks = commits, {}
        self._chunks[asked] = chunk


@define(eq=False)
class SessionList:
    """The chunks, in order; an async iterator. Close it, unless it was read to the end.

    Where the list breaks off it raises why: `StoreError`, `RuntimeClosed`, or a bug's own error.
    Only a list that is complete comes to an end.
    """

    _arrived: deque[ListChunk] = field(factory=deque, init=False)
    _stirred: trio.Event = field(factory=trio.Event, init=False)
    _failure: Exception | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    """Whether nothing more comes, or nobody wants it. Never becomes false again."""
    _patience: trio.CancelScope = field(factory=trio.CancelScope, init=False)

    @classmethod
    def of(cls, chunk: ListChunk) -> "SessionList":
        """A list that was read before, and is in one chunk."""
        listed = cls()
        listed._arrived.append(chunk)
        listed._end()
        return listed

    def __aiter__(self) -> "SessionList":
        return self

    async def __anext__(self) -> ListChunk:
        while not self._arrived and not self._ended:
            self._stirred = trio.Event()
            await self._stirred.wait()
        if self._arrived:
            return self._arrived.popleft()
        if self._failure is not None:
            raise self._failure
        raise StopAsyncIteration

    def close(self) -> None:
        """Nothing more is wanted."""
        self._arrived.clear()
        self._end()

    async def read_ahead(
        self,
        store: Store,
        listing: Listing,
        include: Collection[str],
        readers: trio.CapacityLimiter,
        timeout: float,
        keep: Callable[[ListChunk], object],
    ) -> None:
        """Reads all of it, in a worker thread; `timeout` is what each chunk may take, in seconds.

        A list of one chunk is given to `keep`. A thread that is left behind in the store goes on
        counting as a reader.
        """
        token = trio.lowlevel.current_trio_token()

        def read() -> list[ListChunk]:
            """The first chunks, two at the most."""
            first: list[ListChunk] = []
            with closing(store.stream_sessions(listing, include)) as chunks:
                for chunk in chunks:
                    if self._ended:
                        break
                    first = [*first, chunk][:2]
                    token.run_sync_soon(self._put, chunk, timeout)
            return first

        self._failure = RuntimeClosed()  # if this is cancelled from outside
        try:
            with self._patience:
                self._patience.deadline = trio.current_time() + timeout
                first = await trio.to_thread.run_sync(read, limiter=readers, abandon_on_cancel=True)
                self._failure = None
                if len(first) == 1 and not self._ended:
                    keep(first[0])
            if self._patience.cancelled_caught:
                self._failure = StoreUnavailable("The store did not answer a read in time")
        except Exception as error:  # whoever reads the list is told, and nobody else
            self._failure = error
        finally:
            self._end()

    def _put(self, chunk: ListChunk, timeout: float) -> None:
        if not self._ended:
            self._patience.deadline = trio.current_time() + timeout
            self._arrived.append(chunk)
            self._stirred.set()

    def _end(self) -> None:
        self._ended = True
        self._patience.deadline = inf
        self._stirred.set()
