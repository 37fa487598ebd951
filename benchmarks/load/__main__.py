"""A load generator for a running service on this machine.

Without `--rate`, each client asks again as soon as it is answered: that shows what the service can
do at most. With it, requests come due at that rate whether or not the service keeps up, and their
latency counts from then on, also while all clients are busy: that shows what people would wait. A
service that stalls does not hide it by being asked less meanwhile ("coordinated omission").
"""

import json
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import repeat
from math import inf
from pathlib import Path
from typing import Any

import click
import trio
from attrs import asdict, define, field, frozen

from benchmarks.client import Address, open_connections
from benchmarks.load.driving import Schedule, Tally, drive
from benchmarks.load.mix import MIXES, CannotPrepare, Requests, endless, prepare
from benchmarks.measure import SHARES, percentile
from benchmarks.processes import bare_server, unwinding_when_ended
from benchmarks.results import shown
from benchmarks.workload import conversation, encoded, transcripts

BUSY = 0.8
"""Share of a core beyond which the generator may have been slower than the service."""
CALIBRATION = 5.0
"""Seconds to find out what the generator can drive."""
NAMES = {0.5: "p50", 0.9: "p90", 0.99: "p99", 0.999: "p99.9", 1.0: "max"}


@frozen(kw_only=True)
class Load:
    """What is asked for: `requests` at most; `rate` a second, or a closed loop."""

    mix: str
    sessions: int
    clients: int
    duration: float
    requests: int | None = None
    rate: float | None = None


@define
class Progress:
    """What has happened since the last line."""

    schedule: Schedule
    tally: Tally
    _successes: int = field(default=0, init=False)

    async def show(self) -> None:
        """A line a second on standard error, until it is cancelled."""
        overwrite = sys.stderr.isatty()
        try:
            while True:
                await trio.sleep(1)
                line = f"\r{self.line():100}" if overwrite else f"{self.line()}\n"
                print(line, end="", file=sys.stderr, flush=True)
        finally:
            if overwrite:
                print(file=sys.stderr)

    def line(self) -> str:
        """How it stands. The next line is about what comes from here on."""
        recent = self.tally.latencies[self._successes :]
        self._successes += len(recent)
        passed = trio.current_time() - self.schedule.begun
        parts = [f"{passed:.0f} s of {self.schedule.seconds:g} s", f"{len(recent):,} answers"]
        if recent:
            parts.append(f"the slowest {shown(max(recent), 's')}")
        if waiting := self.schedule.waiting():
            parts.append(f"{waiting:,} waiting for a client")
        if errors := self.tally.errors.total():
            parts.append(f"{errors:,} errors so far")
        return ", ".join(parts)


async def generate(address: Address, load: Load, requests: Iterator[bytes]) -> Tally:
    """Makes the load, and shows how it stands. Raises `OSError` if nobody listens there."""
    async with open_connections(address, load.clients) as connections:
        tally = Tally()
        schedule = Schedule(load.duration, load.rate, load.requests or inf)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Progress(schedule, tally).show)
            await drive([(connection, requests) for connection in connections], schedule, tally)
            nursery.cancel_scope.cancel()
    return tally


def report(tally: Tally) -> dict[str, Any]:
    """What came of it. Times are in seconds, sizes in bytes; errors by what came instead."""
    ordered = sorted(tally.latencies)
    return {
        "seconds": tally.seconds,
        "successes": len(ordered),
        "per_second": tally.rate if ordered else 0.0,
        "latency": {NAMES[share]: percentile(ordered, share) for share in SHARES if ordered},
        "errors": dict(tally.errors.most_common()),
        "sent": tally.sent,
        "received": tally.received,
        "busy": tally.busy,
    }


def told(found: dict[str, Any]) -> str:
    """The same for people."""
    values = [f"{name} {shown(value, 's')}" for name, value in found["latency"].items()]
    errors = [f"{count:,} × {what}" for what, count in found["errors"].items()]
    lines = {
        "requests": f"{found['successes']:,} answered in {shown(found['seconds'], 's')}",
        "rate": shown(found["per_second"], "/s"),
        "latency": ", ".join(values) or "none",
        "errors": "; ".join(errors) or "none",
        "traffic": f"{shown(found['sent'], 'B')} sent, {shown(found['received'], 'B')} received",
        "generator": f"busy {found['busy']:.0%} of one core",
    }
    return "\n".join(f"{name:10} {value}" for name, value in lines.items())


def calibrate(clients: int) -> str:
    """What can be driven here, in words: by a server that does nothing, and by the generator."""
    load = Load(mix="bare", sessions=0, clients=clients, duration=CALIBRATION)
    with unwinding_when_ended(), bare_server() as (address, _):
        tally = trio.run(generate, address, load, repeat(address.get("/")))
    return (
        f"{told(report(tally))}\n"
        f"A server that does nothing else answers {shown(tally.rate, '/s')}. The generator, which "
        f"was busy for {tally.busy:.0%} of the time, could drive about "
        f"{shown(tally.rate / tally.busy, '/s')}."
    )


POSITIVE, COUNT = click.FloatRange(0, min_open=True), click.IntRange(1)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
THERE = click.Path(exists=True, dir_okay=False, path_type=Path)
MIX_HELP = """chat: mostly appends a message, sometimes reads a history or an agent, or switches the
agent. restore: reads histories and agents. list: reads pages of the list, sometimes all of it.
append: appends messages."""


@click.command(
    "python -m benchmarks.load",
    help=__doc__,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.option("--url", default="http://127.0.0.1:8001", help="The service.")
@click.option("--mix", type=click.Choice(list(MIXES)), default="chat", help=MIX_HELP)
@click.option("--clients", default=64, type=COUNT, help="Connections.")
@click.option("--duration", default=30.0, type=POSITIVE, help="Seconds.")
@click.option("--requests", type=COUNT, help="End after so many, if that is earlier.")
@click.option("--rate", type=POSITIVE, help="Requests per second; if absent, a closed loop.")
@click.option("--sessions", default=1_000, type=COUNT, help="Of the load; made first if need be.")
@click.option("--transcripts", type=FOLDER, help="Of .jsonl files, a message a line, to be used.")
@click.option("--token-file", type=THERE, help="The one that the service was started with.")
@click.option(
    "--json", "output", type=FILE, help="A file for the report, which is printed in any case."
)
@click.option("--calibrate", "calibrating", is_flag=True, help="Find out what this can drive.")
def main(
    url: str,
    transcripts: Path | None,
    token_file: Path | None,
    output: Path | None,
    *,
    calibrating: bool,
    **wanted: Any,
) -> None:
    load = Load(**wanted)
    if calibrating:
        print(calibrate(load.clients))
        return
    found = report(_loaded(_local(url, token_file), load, transcripts))
    print(told(found))
    if found["busy"] > BUSY:
        print("The generator may have been slower than the service: see --calibrate.")
    if output is not None:
        text = json.dumps({"load": asdict(load)} | found, indent=1, ensure_ascii=False)
        output.write_text(text + "\n", encoding="utf-8")
    if not found["successes"]:
        sys.exit("Every request failed: the errors above say how, the service's log may say why.")


def _loaded(address: Address, load: Load, folder: Path | None) -> Tally:
    conversations = (
        [conversation(20, seed) for seed in range(50)] if folder is None else transcripts(folder)
    )
    try:
        if load.mix != "append":
            trio.run(prepare, address, load.sessions, conversations)
        bodies = [encoded(message).encode() for messages in conversations for message in messages]
        requests = endless(load.mix, Requests(address, load.sessions, bodies))
        return trio.run(generate, address, load, requests)
    except CannotPrepare as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"No service on {address.url}: {error}. Start one with `agent-runtime serve`, or name "
            "the right place with --url."
        ) from error


def _local(url: str, token_file: Path | None) -> Address:
    """Where the service is. Raises `click.UsageError` unless that is on this machine."""
    token = None if token_file is None else token_file.read_text(encoding="ascii").strip()
    try:
        address = Address.of(url, token)
        local = address.host == "localhost" or ip_address(address.host).is_loopback
    except ValueError as error:
        raise click.UsageError(f"{url} is not on this machine: {error}") from error
    if not local:
        raise click.UsageError(
            f"{url} is not on this machine; load goes to 127.0.0.1, [::1] and localhost only. Run "
            "the generator where the service runs."
        )
    return address


if __name__ == "__main__":
    main()
