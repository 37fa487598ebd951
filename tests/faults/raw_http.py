"""10. Raw HTTP fuzz: whatever bytes come, the process goes on, and no answer is a 5xx.

The corpus of `tests/web/http/packets.py`, as it is and mutated from fixed seeds, one connection
each.
What two readers could split differently is refused, and nothing behind it taken for a request. 501
and 505 are counted on their own: RFC 9112 has a server answer an unknown transfer coding, and
another version of HTTP, so; both close the connection.
"""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing
from multiprocessing import get_context
from pathlib import Path
from random import Random

from attrs import define, field

from tests.faults.campaign import Clock, Effort, Report
from tests.faults.mutation import aim, mutant, seeds
from tests.faults.raw import Heard, connect, exchange, head, listen, say
from tests.service import Service, running
from tests.web.http.packets import AMBIGUOUS, PACKETS

CLIENTS = 2
"""Processes that send; the service has a third."""
ROUND = 2_500
"""Mutants of one seed; after them the service is asked whether it is well."""

AT_ONCE = 20
"""Connections that one client has open at a time: far below the service's limit."""

ALLOWED = {501, 505}
FOLLOWER = head("DELETE", "/api/v1/sessions/witness")
"""What a smuggler would like to have taken for a request: its effect would be seen."""


@define
class Tally:
    """What came back in one round."""

    sent: int = 0
    statuses: Counter[int] = field(factory=Counter)
    bad: list[str] = field(factory=list)
    """Answers that must not be, with the packets."""


def run(effort: Effort) -> Report:
    report = Report()
    clock = Clock()
    mutants = effort.of(full=100_000, quick=500)
    size = min(ROUND, mutants)
    with running(effort.folder, "--durability", "snapshot") as service:
        _witness(service)
        _send_corpus(service, report)
        with ProcessPoolExecutor(CLIENTS, mp_context=get_context("spawn")) as clients:
            urls = [service.url] * (mutants // size)
            statuses: Counter[int] = Counter()
            for tally in clients.map(fuzz, urls, range(len(urls)), [size] * len(urls)):
                report.count("mutated requests", tally.sent)
                statuses += tally.statuses
                report.violations += tally.bad
                report.expect(service.process.poll() is None, "the process has ended")
        _check_well(service, report)
        report.expect(service.end() == 0, "the service did not end in order")
    _check_log(effort.folder / "logs" / "agent-runtime.log", report)
    answered = sum(statuses.values())
    shares = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    report.figures["answers to mutants"] = f"{answered:,} ({shares})"
    report.figures["mutants per second"] = f"{report.tried['mutated requests'] / clock.seconds:.0f}"
    return report


def fuzz(url: str, seed: int, times: int) -> Tally:
    """Sends the mutants of one seed. Runs in a process of its own."""
    random = Random(seed)  # noqa: S311 -- the same seed is to give the same packets
    packets = seeds()
    tally = Tally()
    for first in range(0, times, AT_ONCE):
        batch = [mutant(random, packets) for _ in range(min(AT_ONCE, times - first))]
        with ExitStack() as open_ones:
            streams = [open_ones.enter_context(closing(connect(url))) for _ in batch]
            for stream, packet in zip(streams, batch, strict=True):
                say(stream, packet, end=True)
            for number, stream in enumerate(streams):
                what = f"seed {seed}, number {first + number}: {batch[number][:300]!r}"
                _judge(listen(stream, to_the_end=True), what, tally)
    health = exchange(url, head("GET", "/health", "Connection: close"))
    if health.final != 200:
        tally.bad.append(f"after the mutants of seed {seed}, /health says {health.final}")
    return tally


def _judge(heard: Heard, what: str, tally: Tally) -> None:
    tally.sent += 1
    tally.statuses.update(heard.statuses)
    if bad := [s for s in heard.statuses if s >= 500 and s not in ALLOWED]:
        tally.bad.append(f"{bad} to {what}")
    if not heard.closed:
        tally.bad.append(f"left open: {what}")


def _send_corpus(service: Service, report: Report) -> None:
    for name, packet, _ in PACKETS:
        heard = exchange(service.url, aim(packet))
        report.count("packets of the corpus")
        report.expect(heard.final > 0 and heard.closed, f"{name}: no answer, or left open")
        bad = [status for status in heard.statuses if status >= 500 and status not in ALLOWED]
        report.expect(not bad, f"{name}: {bad}")
    for name, packet in AMBIGUOUS:
        # Also with our side left open: refusing must not need the end of the input.
        for end in (True, False):
            heard = exchange(service.url, aim(packet) + FOLLOWER, end=end)
            report.count("request smuggling shapes")
            refused = heard.final in range(400, 500) or heard.final == 501
            report.expect(refused, f"smuggling by {name}: {heard.statuses}")
            report.expect(
                len(heard.statuses) == 1 and (heard.closed or not end),
                f"smuggling by {name}: what followed was read",
            )


def _witness(service: Service) -> None:
    with service.client() as client:
        created = client.post("/api/v1/sessions", json={"session_id": "witness"})
        created.raise_for_status()


def _check_well(service: Service, report: Report) -> None:
    with service.client() as client:
        there = client.get("/api/v1/sessions/witness").status_code
        report.expect(there == 200, "a smuggled request had an effect")
        message = {"role": "user", "content": "well", "id": "well"}
        written = client.post("/api/v1/sessions/witness/messages", json=message)
        report.expect(written.status_code == 201, f"no full service after: {written.status_code}")
        health = client.get("/health").json()
        report.expect(health["status"] == "healthy", f"after all that: {health}")


def _check_log(log: Path, report: Report) -> None:
    """Nothing in there failed: a bug that was contained is a bug."""
    for line in log.read_text().splitlines():
        report.expect(" ERROR " not in line, f"the log says: {line[:200]}")
