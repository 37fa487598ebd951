"""Who follows sessions, through the proxy and at each node, and comes back wherever somebody is."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from attrs import define

from tests.faults.cluster.clients.judge import Logs
from tests.faults.cluster.clients.ways import LATER, Way, Ways
from tests.faults.cluster.timeline import Timeline
from tests.faults.streaming import followed
from tests.faults.streaming.falsified import falsified
from tests.faults.streaming.followers import Follower
from tests.faults.streaming.lives import Life
from tests.faults.streaming.place import Place
from tests.faults.streaming.trial import Book

REFUSALS = frozenset({404, *LATER})
"""In place of a stream: the session is not there yet, or its owner is not."""


@define
class Following:
    """All who follow. Each has one address, as a window of an IDE has."""

    followers: list[tuple[Way, Follower]]
    book: Book
    """What they counted, and what they found at once."""

    @classmethod
    def of(cls, ways: Ways, sessions: Sequence[str], random: Random) -> "Following":
        """Most of them through the proxy, if there is one."""
        book = Book()
        proxies = [] if ways.balancer is None else [ways.balancer] * (len(ways.nodes) + 1)
        followers: list[tuple[Way, Follower]] = []
        for way in [*proxies, *ways.nodes]:
            place = Place()
            place.open(way.url)
            one = Random(random.random())  # noqa: S311 -- moments only
            session_id = random.choice(sessions)
            follower = Follower(place, book, session_id, "eager", one, REFUSALS)
            followers.append((way, follower))
        return cls(followers, book)

    def works(self) -> Iterator[Callable[[], None]]:
        """What each of them does until all is over."""
        for _, follower in self.followers:
            yield follower.follow

    def end(self) -> None:
        for _, follower in self.followers:
            follower.place.end()

    def judge(self, logs: Logs, names: Mapping[str, Sequence[str]], timeline: Timeline) -> None:
        """Each reads to the end, and then has what the log has. `names`: `<seq>-<chain>`."""
        for wrong in self.book.wrong:
            timeline.fault(f"a follower: {wrong}")
        for way, follower in self.followers:
            session_id = follower.session_id
            who = f"{session_id}: who follows it through {way.name}"
            if not names.get(session_id):
                continue
            lives = [Life(tuple(entry.text for entry in logs[session_id]), is_living=True)]
            if not follower.catch_up(way.url, names[session_id][-1]):
                timeline.fault(f"{who} never came to {names[session_id][-1]}")
            for fault in followed.judge(follower.record, lives, names[session_id])[:3]:
                timeline.fault(f"{who}: {fault}")
            for what, record in falsified(follower.record):
                if not followed.judge(record, lives, names[session_id]):
                    timeline.fault(f"the judge of followers does not find {what}")
