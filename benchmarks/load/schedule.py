"""When requests are due: as soon as a client is free (closed loop), or at a fixed rate (open loop).

In a closed loop a service that stalls is asked less: a stall of a second costs each client one slow
answer, and hides all those that others would have had to wait for. That is called coordinated
omission. At a fixed rate requests come due whether or not the service keeps up, as they do from
people, and the latency of each counts from then on: also the time in which it waits for a client
that is free.

Clients take their requests here one by one, in the order in which they come due. A client that
takes one early waits for it, and one that takes it late, because all were busy, does not: so this
is a line in front of a counter, without there being a line.
"""

from math import inf

import trio
from attrs import define, field


@define
class Schedule:
    """The requests of one run, from now on. Times are trio's."""

    seconds: float
    """For how long requests come due."""
    rate: float | None = None
    """So many a second; `None`: a closed loop."""
    limit: float = inf
    """Requests at most."""
    taken: int = field(default=0, init=False)
    begun: float = field(factory=trio.current_time, init=False)

    @property
    def end(self) -> float:
        """After which nothing more comes due."""
        return self.begun + self.seconds

    def take(self) -> float | None:
        """When the next request is due, which is now the caller's; `None`: that was all."""
        due = self._moment(self.taken)
        if self.taken >= self.limit or due >= self.end:
            return None
        self.taken += 1
        return due

    def waiting(self) -> int:
        """How many are due that nobody has taken."""
        if self.rate is None:
            return 0
        due, until = self.taken, min(trio.current_time(), self.end)
        while due < self.limit and self._moment(due) < until:
            due += 1
        return due - self.taken

    def _moment(self, number: int) -> float:
        if self.rate is not None:
            return self.begun + number / self.rate
        # The first is due at once: so there is one, however late the machine lets a client begin.
        return trio.current_time() if number else self.begun
