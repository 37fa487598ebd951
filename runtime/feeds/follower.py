"""What one reader of a session gets next.

Rules:

- Each entry behind its place, once and in order; none that may not be shown.
- It has joined the feed before it looks for the first time. So whatever happens after that look is
  told to the feed, and nothing is missed in between.
- Its place is a number and the chain there. What the feed has at hand is taken if the place is in
  it; else the actor is asked for a page. If the place fits the log no more, the reader is told so,
  and begins anew.
- Only the first look waits for the disk, as every read does (I2). Later ones show what is on disk
  already, and hurry nobody: when there is more, the persister tells. Refusals do wait, in either
  durability: that a session is gone, or another one, is told when it is on disk.
- Nothing is kept for a reader beyond the page that it is being given.
- Drafts are told of to whoever has all entries, beside them: what there is, then the rest.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from math import inf
from types import TracebackType

import trio
from attrs import define, field

from runtime.config import KiB
from runtime.errors import NotHere, PreconditionFailed, RuntimeClosed, SessionNotFound
from runtime.feeds.feed import Feed
from runtime.feeds.feeds import Feeds
from runtime.feeds.news import Deleted, Durable, News, Reset, Told
from runtime.session.asked.reading import Cursor, Following, following
from runtime.session.drafts.seen import Seen
from runtime.session.state import SessionState

PAGE = 100
"""Entries that the actor is asked for at a time."""

PAGE_BYTES = 256 * KiB
"""Bytes of their text, or one entry's more. It is what a reader who takes nothing more keeps in
memory, and there may be hundreds; to read so much again costs a thousandth of a second."""

DRAFT = "draft"
"""Among the kinds that are wanted: news of drafts. They are no entries, but a reader may choose."""

Look = Callable[[SessionState], Following]

Ask = Callable[[Look, bool], Awaitable[Following]]
"""Has the session's actor take a look, the first one or a later one. Raises as a read does."""


@define(eq=False)
class Follower:
    """Follows one session while its block lasts."""

    session_id: str
    _feeds: Feeds
    _ask: Ask
    _cursor: Cursor
    _kinds: Collection[str]
    _commits: bool
    is_over: bool = False
    """Whether nothing follows: the session was deleted."""
    _feed: Feed = field(init=False)
    _found: Sequence[News] = ()
    """What the first look has found."""
    _durable: int = 0
    """What was told last of what is on disk."""
    _seen: Seen = field(factory=Seen)
    """Of the drafts."""

    async def __aenter__(self) -> "Follower":
        """Raises `SessionNotFound`, and as reads do."""
        self._feed = self._feeds.join(self.session_id)
        try:
            self._found = await self._first_look()
        except BaseException:
            self._feeds.leave(self.session_id, self._feed)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._feeds.leave(self.session_id, self._feed)

    async def next(self, timeout: float = inf) -> Sequence[News]:
        """What comes next, at least one; nothing, if there is no news for so many seconds.

        Behind `Deleted` nothing comes. Raises `RuntimeClosed`; `NotHere` if another process owns
        the session now, which goes on from this place; and `StoreError` if what was asked for has
        to be read and cannot be: asked again, it goes on where it was.
        """
        assert not self.is_over, "it was told of the end"
        if self._found:
            found, self._found = self._found, ()
            return found
        feed, deadline = self._feed, trio.current_time() + timeout
        while True:
            # From here to the wait nothing yields, but for a look at the log; and if anything was
            # told since `rung` was read, there is no wait. So what is told wakes this one up, or
            # is seen.
            if self._feeds.is_closed:
                raise RuntimeClosed
            rung = feed.bell.rung
            news = self._at_hand()
            if news is None and not feed.has_moved:
                news = await self._look()
            if news:
                return news
            if feed.has_moved:
                raise NotHere(self.session_id, None)
            if feed.bell.rung == rung:
                if trio.current_time() >= deadline:
                    return ()
                await feed.bell.wait(deadline)
            # To here.

    # -- inside ------------------------------------------------------------------------------

    def _at_hand(self) -> Sequence[News] | None:
        """What the feed has behind this place; `None`: the actor has to be asked."""
        feed = self._feed
        behind = feed.behind(self._cursor)
        if behind is None and not feed.is_deleted:
            return None
        news: list[News] = [told for told in behind or () if self._wants(told.entry.kind)]
        if feed.is_deleted:
            self.is_over = True
            return [*news, Deleted()]
        self._cursor = feed.end
        if not self._commits and feed.durable > self._durable:
            self._durable = feed.durable
            news.append(Durable(feed.durable))
        if self._wants(DRAFT):
            news += feed.drafts(self._seen, trio.current_time())
        return news

    def _wants(self, kind: str) -> bool:
        return not self._kinds or kind in self._kinds

    async def _first_look(self) -> Sequence[News]:
        try:
            return self._took(await self._ask(self._behind, True))
        except PreconditionFailed:
            return [self._begin_anew()]

    async def _look(self) -> Sequence[News]:
        try:
            async with self._feed.looks:
                return self._took(await self._ask(self._behind, False))
        except PreconditionFailed:
            return [self._begin_anew()]
        except SessionNotFound:
            self.is_over = True
            return [Deleted()]

    def _behind(self, state: SessionState) -> Following:
        """In the actor: what lies behind this place."""
        state.present()
        self._feed.see(state)
        return following(
            state,
            self._cursor,
            kinds=self._kinds,
            limit=PAGE,
            room=PAGE_BYTES,
            settled=self._commits,
        )

    def _took(self, found: Following) -> Sequence[News]:
        self._cursor = found.end
        return [Told(entry) for entry in found.entries]

    def _begin_anew(self) -> Reset:
        self._cursor, self._durable = Cursor(0), 0
        return Reset()
