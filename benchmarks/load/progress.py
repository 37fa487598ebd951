"""A line a second on standard error while a load runs."""

import sys

import trio
from attrs import define, field

from benchmarks.load.schedule import Schedule
from benchmarks.load.tally import Tally
from benchmarks.results import shown


@define
class Progress:
    """What has happened since the last line."""

    schedule: Schedule
    tally: Tally
    _successes: int = field(default=0, init=False)

    async def show(self) -> None:
        """Until it is cancelled."""
        overwrite = sys.stderr.isatty()
        try:
            while True:
                await trio.sleep(1)
                line = self.line()
                if overwrite:
                    print(f"\r{line:100}", end="", file=sys.stderr, flush=True)
                else:
                    print(line, file=sys.stderr, flush=True)
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
