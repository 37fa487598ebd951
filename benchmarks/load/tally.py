"""What came of a run's requests: counted while it runs, and reported at its end."""

from array import array
from collections import Counter
from collections.abc import Mapping

from attrs import define, field, frozen

from benchmarks.measure import SHARES, percentile
from benchmarks.results import shown

NAMES = {0.5: "p50", 0.9: "p90", 0.99: "p99", 0.999: "p99.9", 1.0: "max"}


@define
class Tally:
    """The requests that have come to an end so far."""

    latencies: "array[float]" = field(factory=lambda: array("d"))
    """Seconds until each success: an answer of 2xx."""
    errors: Counter[str] = field(factory=Counter)
    """All others, by status or by what came instead."""
    sent: int = 0
    """Bytes of all requests."""
    received: int = 0
    """Bytes of all answers."""
    seconds: float = 0.0
    """From the begin to the last of them."""
    used: float = 0.0
    """Seconds of processor time that this process used from the begin to the end."""
    in_flight: int = 0

    @property
    def rate(self) -> float:
        """Successes per second."""
        return len(self.latencies) / self.seconds

    @property
    def busy(self) -> float:
        """The share of one core that this process used."""
        return self.used / self.seconds


@frozen(kw_only=True)
class Report:
    """One run of the load generator. Times are in seconds, sizes in bytes."""

    load: Mapping[str, object]
    """What was asked for."""
    seconds: float
    """How long it took."""
    successes: int
    per_second: float
    """Successes."""
    latency: Mapping[str, float]
    """Of the successes, by name: p50, p90, p99, p99.9, max."""
    errors: Mapping[str, int]
    """By status, or by what came instead of an answer."""
    sent: int | None
    """`None` if nobody has counted."""
    received: int
    busy: float | None
    """The share of one core that the generator used; `None` if nobody has measured."""

    @classmethod
    def of(cls, load: Mapping[str, object], tally: Tally) -> "Report":
        """At the end of a run."""
        ordered = sorted(tally.latencies)
        return cls(
            load=load,
            seconds=tally.seconds,
            successes=len(ordered),
            per_second=tally.rate if ordered else 0.0,
            latency={NAMES[share]: percentile(ordered, share) for share in SHARES if ordered},
            errors=dict(tally.errors.most_common()),
            sent=tally.sent,
            received=tally.received,
            busy=tally.busy,
        )

    def text(self) -> str:
        """For people."""
        values = [f"{name} {shown(value, 's')}" for name, value in self.latency.items()]
        errors = [f"{count:,} × {what}" for what, count in self.errors.items()]
        sent = "" if self.sent is None else f"{shown(self.sent, 'B')} sent, "
        lines = {
            "requests": f"{self.successes:,} answered in {shown(self.seconds, 's')}",
            "rate": shown(self.per_second, "/s"),
            "latency": ", ".join(values) or "none",
            "errors": "; ".join(errors) or "none",
            "traffic": f"{sent}{shown(self.received, 'B')} received",
        }
        if self.busy is not None:
            lines["generator"] = f"busy {self.busy:.0%} of one core"
        return "\n".join(f"{name:10} {value}" for name, value in lines.items())
