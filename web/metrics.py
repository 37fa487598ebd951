"""What is counted, in Prometheus's format. The runtime's counters are read when asked for."""

from collections.abc import Iterator

import trio
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from quart import Request
from quart.typing import ResponseTypes

from runtime import Histogram as Measured
from runtime import Runtime
from web.endpoint import current_request

PREFIX = "agent_runtime"

LAG_PAUSE = 0.05
"""Seconds between two looks at the event loop: twenty a second cost nothing that one could measure,
and a loop that is held up for longer is caught for certain."""

LAG_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Bucket bounds in seconds; 50 ms is what the service promises while a disk fails."""


class Metrics:
    """One application's metrics, in a registry of their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, runtime: Runtime) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_RuntimeCollector(runtime))
        self._requests = Counter(
            f"{PREFIX}_http_requests",
            "HTTP requests by method, route and status",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._lag = Histogram(
            f"{PREFIX}_event_loop_lag_seconds",
            "How late the event loop does what is due, observed twenty times a second",
            buckets=LAG_SECONDS,
            registry=self._registry,
        )

    async def watch_lag(self) -> None:
        """Observes the event loop's lag until cancelled."""
        while True:
            due = trio.current_time() + LAG_PAUSE
            await trio.sleep_until(due)
            self._lag.observe(trio.current_time() - due)

    def note(self, request: Request, response: ResponseTypes) -> None:
        """Counts an answered request, by its route: a label per session would grow without end."""
        route = "unmatched" if request.url_rule is None else request.url_rule.rule
        method = request.method if request.url_rule else "any"
        labels = (method, route, response.status_code)
        counter = self._counters.get(labels)
        if counter is None:  # looking it up in the registry takes longer than a short answer
            counter = self._counters[labels] = self._requests.labels(*labels)
        counter.inc()

    async def count(self, response: ResponseTypes) -> ResponseTypes:
        """The same as a hook of Quart's."""
        self.note(current_request(), response)
        return response

    def render(self) -> bytes:
        """The current values, as text."""
        return generate_latest(self._registry)


class _RuntimeCollector(Collector):
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[Metric]:
        now = self._runtime.statistics()
        directory, persister = now.directory, now.persister
        gauges = {
            "active_sessions": ("Sessions in memory", directory.active_sessions),
            "dirty_sessions": ("Sessions not wholly on disk", persister.dirty_sessions),
            "undurable_bytes": ("Memory held by what is not on disk", persister.undurable_bytes),
            "oldest_undurable_seconds": (
                "Age of the oldest state that is not on disk",
                persister.oldest_undurable_age,
            ),
            "store_failing": ("1 while the store fails", persister.failing_since is not None),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value)
        counters = {
            "activations": ("Sessions loaded", directory.activations),
            "passivations": ("Idle or surplus sessions stopped", directory.passivations),
            "session_crashes": ("Sessions ended by a bug", directory.crashes),
            "mailbox_rejections": (
                "Commands refused by a full mailbox",
                directory.mailbox_rejections,
            ),
            "commit_failures": ("Commits that the store could not do", persister.commit_failures),
            "rejected_deltas": ("Sessions refused by the store", persister.rejected_deltas),
        }
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(f"{PREFIX}_{name}", text, value)
        yield _histogram("commit_seconds", "Duration of commits", persister.commit_seconds)
        yield _histogram("batch_sessions", "Sessions in a commit", persister.batch_sessions)


def _histogram(name: str, text: str, histogram: Measured) -> HistogramMetricFamily:
    total = 0
    buckets = []
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        total += count
        buckets.append((str(bound), float(total)))
    return HistogramMetricFamily(f"{PREFIX}_{name}", text, buckets, histogram.sum)
