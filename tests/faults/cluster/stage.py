"""A whole cluster with its crowd: who may hurt whom, and what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from threading import Lock, Thread
from time import monotonic

from attrs import define, field

from runtime.ownership import SHARDS, shard_of
from tests.faults.campaign import Effort, Report, comes_true
from tests.faults.cluster import balancer
from tests.faults.cluster.clients.crowd import Crowd
from tests.faults.cluster.clients.ways import Ways
from tests.faults.cluster.probing import Probe
from tests.faults.cluster.seats import Seat
from tests.faults.cluster.storage.clock import WallClock
from tests.faults.cluster.storage.pair import Pair
from tests.faults.cluster.storage.proxy import Gate
from tests.faults.cluster.timeline import Timeline
from tests.faults.cluster.turnstile import Turnstile
from tests.faults.lag import Lag
from tests.postgres.programs import Programs
from tests.postgres.server import ADMIN
from tests.service import COMMAND, PATIENCE

NODES = 4
PROBES = 2
"""Sessions of a dead node that are written to until that works."""


@define(eq=False)
class Stage:
    """What the faults need to know."""

    effort: Effort
    report: Report
    timeline: Timeline
    random: Random
    folder: Path
    """One that PostgreSQL's user may enter."""
    pair: Pair
    clock: WallClock | None
    seats: Sequence[Seat]
    ways: Ways
    turnstile: Turnstile = field(factory=Turnstile)
    times: dict[str, list[float]] = field(factory=dict)
    """What was measured, in seconds, by what it is."""
    pooled: ExitStack | None = None
    """There while the nodes reach the database through PgBouncer."""
    _hurt: set[int] = field(factory=set)
    _struck: dict[str, list[float]] = field(factory=dict)
    """When the node was hurt that had a session, in `monotonic` time."""
    _probes: int = 0
    _writing: Lock = field(factory=Lock)
    _crowd: Crowd | None = None

    @property
    def crowd(self) -> Crowd:
        assert self._crowd is not None
        return self._crowd

    # -- who is hurt -----------------------------------------------------------------------------

    @contextmanager
    def hurting(self) -> Iterator[Seat]:
        """One that nobody else hurts at the moment."""
        with self._writing:
            whole = [seat for seat in self.seats if seat.number not in self._hurt]
            seat = self.random.choice(whole)
            self._hurt.add(seat.number)
        try:
            yield seat
        finally:
            with self._writing:
                self._hurt.discard(seat.number)

    def lead(self, address: tuple[str, int]) -> None:
        """The nodes reach the database here from now on; all connections are lost."""
        for seat in self.seats:
            seat.gate.upstream = address
            seat.gate.cut()

    def lead_directly(self) -> None:
        """The same, without a pooler in between, if there is one. Nobody else hurts anybody now."""
        if self.pooled is not None:
            self.timeline.note("the nodes reach the database directly")
            self.lead(self.pair.primary.address)
            self.pooled.close()
            self.pooled = None

    # -- what the database knows -----------------------------------------------------------------

    def node_at(self, seat: Seat) -> str | None:
        """The id of the node that has this address."""
        rows = self.pair.primary.ask(
            "SELECT id FROM agent_runtime.node WHERE address = %s ORDER BY seen DESC LIMIT 1",
            seat.address,
        )
        return rows[0][0] if rows else None

    def sessions_of(self, node: str | None) -> list[str]:
        """Those of the crowd that the node owns."""
        rows = self.pair.primary.ask("SELECT shard FROM agent_runtime.shard WHERE owner = %s", node)
        shards = {shard for (shard,) in rows}
        return [one for one in self.crowd.sessions if shard_of(one) in shards]

    def is_gone(self, node: str | None) -> bool:
        """Whether the others have ended it."""
        return not self.pair.primary.ask("SELECT FROM agent_runtime.node WHERE id = %s", node)

    def is_balanced(self) -> bool:
        """Whether every node that runs has its share."""
        shares = self.pair.primary.ask(
            "SELECT count(shard) FROM agent_runtime.node LEFT JOIN agent_runtime.shard"
            " ON owner = id GROUP BY id"
        )
        running = sum(seat.is_running() for seat in self.seats)
        fair = SHARDS // max(1, running)
        return len(shares) == running and all(fair <= count <= fair + 1 for (count,) in shares)

    # -- what is measured ------------------------------------------------------------------------

    def took(
        self, what: str, seconds: float, limit: float | None = None, lag: Lag | None = None
    ) -> None:
        """Notes a time, and a violation if it is longer than allowed and the machine's lag."""
        with self._writing:
            self.times.setdefault(what, []).append(seconds)
        late = 0.0 if lag is None else lag.allowance
        if limit is not None and self.effort.is_timed and seconds > limit + late:
            allowed = f"{limit:g} s and {late:.1f} for the machine's lag"
            self.timeline.fault(f"{what}: {seconds:.1f} s, allowed are {allowed}")

    def count(self, what: str, times: int = 1) -> None:
        with self._writing:
            self.report.count(what, times)

    def lag(self) -> Lag:
        return Lag(self.folder)

    def written(
        self,
        sessions: Sequence[str],
        since: float,
        limit: float | None,
        lag: Lag,
        what: str = "that a dead node had",
    ) -> Sequence[Thread]:
        """Writes to some of these until that works, which should be within `limit` of `since`.

        Or of when whoever had them next was hurt as well, if that came before.
        """
        with self._writing:
            for one in sessions:
                self._struck.setdefault(one, []).append(since)

        def probe(session_id: str) -> None:
            ended = self._probe(session_id)
            lately = max(at for at in self._struck[session_id] if at <= ended)
            self.took(f"sessions {what} are writable again after", ended - lately, limit, lag)

        chosen = self.random.sample(list(sessions), min(PROBES, len(sessions)))
        threads = [Thread(target=probe, args=(one,)) for one in chosen]
        for thread in threads:
            thread.start()
        return threads

    def _probe(self, session_id: str) -> float:
        """When one message was taken."""
        with self._writing:
            self._probes += 1
            message_id = f"probe{self._probes}"
            whole = [seat.way for seat in self.seats if seat.number not in self._hurt]
        ways = Ways(whole, self.ways.balancer, self.ways.asked)
        ended = Probe(ways, self.crowd.book, session_id, message_id).send()
        if ended is None:
            self.timeline.fault(f"{session_id} is not writable again, not after {PATIENCE:g} s")
            return monotonic()
        return ended

    # -- the nodes -------------------------------------------------------------------------------

    def start_all(self) -> None:
        threads = [Thread(target=seat.start) for seat in self.seats]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(seat.is_running() for seat in self.seats), [s.said() for s in self.seats]
        assert comes_true(self.is_balanced), "the shards are not shared out"


@contextmanager
def staged(
    effort: Effort,
    report: Report,
    programs: Programs,
    folder: Path,
    seed: str,
    *,
    nodes: int = NODES,
    program: Sequence[str] = (COMMAND,),
    alone: bool = False,
) -> Iterator[Stage]:
    """All of it, running; the crowd not yet at work. `folder`: PostgreSQL's user may enter it.

    `alone`: the database has no standby.
    """
    with ExitStack() as stack:
        clock = WallClock.build(folder)
        environment = {} if clock is None else clock.environment
        pair = stack.enter_context(Pair.running(programs, folder, environment, alone=alone))
        seats = []
        for number in range(1, nodes + 1):
            gate = stack.enter_context(Gate.opened(pair.primary.address))
            seat = Seat(number, gate, effort.folder, ADMIN, program)
            stack.callback(seat.end)
            seats.append(seat)
        through = None
        if balancer.is_installed():
            ports = [seat.port for seat in seats]
            through = stack.enter_context(balancer.balancing(effort.folder, ports))
        ways = Ways([seat.way for seat in seats], through)
        timeline = Timeline()
        random = Random(seed)  # noqa: S311 -- it only varies what is done when
        stage = Stage(effort, report, timeline, random, folder, pair, clock, seats, ways)
        stage._crowd = Crowd.of(ways, timeline, seed)
        stage.start_all()
        try:
            yield stage
        finally:
            if stage.pooled is not None:
                stage.pooled.close()
