"""Who is connected: how many may be, who makes room, and who has been silent for too long.

Rules:

- A connection beyond the limit takes the place of the one that has been idle the longest. Part of a
  head does not make it busy: that can be sent again.
- All that are idle have the same patience, so they end in the order in which they began, and one
  task watches them all. A deadline of its own for each wait would cost more than parsing does.
"""

from typing import Protocol

import trio
from attrs import define, field

from web.http.limits import ServerConfig, connection_limit

WATCH = 5.0
"""Seconds between two looks at who has gone from a silent stream. What sends notices it by itself;
for the others it is soon enough, and costs a hundred connections a millisecond."""


class Member(Protocol):
    """A connection, as the crowd sees it."""

    idle_until: float
    """On trio's clock; of an idle one."""

    @property
    def in_head(self) -> bool:
        """Idle, but a part of a head is here; a deadline of its own runs."""

    @property
    def has_input(self) -> bool:
        """Something has come that is not answered yet."""

    def dismiss(self) -> None:
        """End at once, without a word, whatever has just come. Only for an idle one."""

    def look(self) -> None:
        """End the answer, if its client has gone. Only for one that streams."""

    def hurry(self) -> None:
        """End the answer soon, if it has no end of its own. Only for one that streams."""


@define(eq=False)
class Crowd:
    """The open connections of one server."""

    config: ServerConfig
    size: int = field(default=0, init=False)
    leaving: bool = field(default=False, init=False)
    """Every next answer is its connection's last. Never becomes false again."""
    streaming: set[Member] = field(factory=set, init=False)
    """Those whose answer may be silent for as long as it likes."""
    _limit: int = field(init=False)
    _idle: dict[Member, None] = field(factory=dict, init=False)
    """Ordered: the one that has been idle the longest is first."""

    def __attrs_post_init__(self) -> None:
        self._limit = connection_limit(self.config)

    def enter(self) -> bool:
        """Whether there is room for one more, which is counted then until it `leave`s."""
        if self.size >= self._limit:
            if not self._idle:
                return False
            self._dismiss(next(iter(self._idle)))
        self.size += 1
        return True

    def leave(self, member: Member) -> None:
        self.size -= 1
        self._idle.pop(member, None)

    def rest(self, member: Member) -> None:
        """It is idle from now on."""
        member.idle_until = trio.current_time() + self.config.idle_timeout
        self._idle[member] = None

    def work(self, member: Member) -> None:
        """It is not idle any more."""
        self._idle.pop(member, None)

    def retire(self) -> None:
        """Let no connection outlive what it has already been asked."""
        self.leaving = True
        for member in [member for member in self._idle if not member.has_input]:
            self._dismiss(member)
        for member in self.streaming:
            member.hurry()

    async def watch(self) -> None:
        """End who is idle for too long, and the streams of those who have gone. Runs for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_idle)
            nursery.start_soon(self._watch_streams)

    def _dismiss(self, member: Member) -> None:
        del self._idle[member]
        member.dismiss()

    async def _watch_idle(self) -> None:
        while True:
            await trio.sleep_until(self._dismiss_the_late(trio.current_time()))

    def _dismiss_the_late(self, now: float) -> float:
        """When to do so again."""
        # No part of the task that waits: it would keep a connection in memory that has ended.
        for member in [member for member in self._idle if not member.in_head]:
            if member.idle_until > now:
                return member.idle_until
            self._dismiss(member)
        # Nobody who begins to be idle in the meantime has less patience than that.
        return now + self.config.idle_timeout

    async def _watch_streams(self) -> None:
        while True:
            await trio.sleep(WATCH)
            self._look_at_streams()

    def _look_at_streams(self) -> None:
        for member in list(self.streaming):
            member.look()
