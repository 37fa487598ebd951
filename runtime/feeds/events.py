"""A session's entries as an iterator: for programs that embed the runtime."""

from collections.abc import Iterator
from types import TracebackType

from attrs import define, field

from runtime.errors import PreconditionFailed
from runtime.feeds.follower import Follower
from runtime.feeds.news import Deleted, News, Reset, Told
from runtime.store.entries import Entry


@define(eq=False)
class Events:
    """The entries behind a place in a session's log: those that are there, and those that come."""

    _follower: Follower
    _news: Iterator[News] = field(factory=lambda: iter(()))

    async def __aenter__(self) -> "Events":
        """Raises `SessionNotFound`, and as reads do."""
        await self._follower.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._follower.__aexit__(kind, error, traceback)

    def __aiter__(self) -> "Events":
        return self

    async def __anext__(self) -> Entry:
        """The next entry; the end, if the session is deleted.

        Raises `PreconditionFailed` where the place is of another log, `NotHere` if another process
        owns the session now, `RuntimeClosed`, `StoreError`.
        """
        while True:
            for news in self._news:
                match news:
                    case Told(entry=entry):
                        return entry
                    case Deleted():
                        raise StopAsyncIteration
                    case Reset():
                        raise PreconditionFailed(
                            f"Session {self._follower.session_id} is another one now: it was "
                            "deleted or restored since; forget what you have of it, and begin "
                            "again with after=0",
                            None,
                        )
            if self._follower.is_over:
                raise StopAsyncIteration
            self._news = iter(await self._follower.next())
