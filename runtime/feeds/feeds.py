"""All feeds of a runtime, and what they are told of.

Two tell: an actor, of each command that changed its session; and the persister, of each batch that
is on disk, with the errands in it, which change sessions that no actor has. Both do so within the
stretch in which it came to be, so that whoever looks sees one state. Where nobody follows, all that
this costs is to look whether a dictionary is empty.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from attrs import define, field

from runtime.errors import RuntimeClosed
from runtime.feeds.changes import Changes
from runtime.feeds.feed import Feed
from runtime.feeds.waking import Waker
from runtime.ownership import shard_of
from runtime.session.state import SessionState
from runtime.store.deltas import Committed, Delta
from runtime.store.listing import SessionInfo


@define(eq=False)
class Feeds:
    """The sessions that somebody follows."""

    _commits: bool
    """Whether the runtime's durability is `commit`."""
    by_session: dict[str, Feed] = field(factory=dict)
    """Invariant: those that have a follower."""
    waker: Waker = field(factory=Waker)
    changes: Changes = field(init=False)
    is_closed: bool = False

    def __attrs_post_init__(self) -> None:
        self.changes = Changes(self.waker)

    @property
    def are_followed(self) -> bool:
        """Whether anybody wants to know what becomes of any session."""
        return bool(self.by_session) or self.changes.is_open

    @property
    def followers(self) -> int:
        """How many follow a session, or all of them."""
        of_sessions = sum(feed.followers for feed in self.by_session.values())
        return of_sessions + self.changes.followers

    def changed(self, state: SessionState) -> None:
        """A command has changed this session. Never yields."""
        feed = self.by_session.get(state.session_id)
        if feed is None:
            return
        feed.state = state
        if state.mark > state.firm_mark:  # drafts, and nothing that an answer rests on
            self.waker.ring_soon(feed.bell)
        elif feed.changed(state):
            self.waker.ring(feed.bell)

    def passivated(self, session_id: str) -> None:
        """No actor has this session any more. Never yields."""
        feed = self.by_session.get(session_id)
        if feed is not None:
            feed.state = None

    def settled(
        self,
        delta: Delta,
        committed: Committed,
        state: SessionState | None = None,
        info: SessionInfo | None = None,
    ) -> None:
        """What is in `delta` is on disk. Never yields.

        `state`: of a session that is in memory; `info`: of one that came back from the trash.
        """
        feed = self.by_session.get(delta.session_id)
        if feed is not None and feed.settled(delta, committed, state):
            self.waker.ring(feed.bell)
        if self.changes.is_open:
            self.changes.settled(delta, committed, state, info)

    def join(self, session_id: str) -> Feed:
        """The session's feed, for one more follower. Raises `RuntimeClosed`."""
        if self.is_closed:
            raise RuntimeClosed
        feed = self.by_session.get(session_id)
        if feed is None:
            feed = self.by_session[session_id] = Feed(self._commits)
        feed.followers += 1
        return feed

    def leave(self, session_id: str, feed: Feed) -> None:
        """The follower has gone."""
        feed.followers -= 1
        if not feed.followers and not feed.has_moved:
            del self.by_session[session_id]

    def move(self, shards: Collection[int]) -> None:
        """The sessions of these shards are other processes' now. Never yields.

        Whoever follows one of them is to go there. Also if it comes back here at once: what was
        done elsewhere meanwhile, its feed was not told.
        """
        for session_id in [name for name in self.by_session if shard_of(name) in shards]:
            feed = self.by_session.pop(session_id)
            feed.has_moved = True
            self.waker.ring(feed.bell)

    @contextmanager
    def watching(self, session_id: str) -> Iterator[Feed]:
        """A feed whose bell rings with news of the session; or never, if there will be none.

        For who looks by himself what is new: first he watches, then he looks.
        """
        if self.is_closed:
            yield Feed(self._commits)
            return
        feed = self.join(session_id)
        try:
            yield feed
        finally:
            self.leave(session_id, feed)

    def close(self) -> None:
        """Ends all following, and lets nobody begin: there will be no more news. Harmless twice."""
        self.is_closed = self.changes.is_closed = True
        for feed in self.by_session.values():
            feed.bell.wake_all()
        self.changes.bell.wake_all()
