"""What is counted, in Prometheus's text format. Imported when somebody asks: it takes 20 ms."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from runtime import Histogram, Runtime
from web.metrics import Metrics

PREFIX = "agent_runtime"

CONTENT_TYPE = CONTENT_TYPE_LATEST


def rendered(metrics: Metrics) -> bytes:
    """The current values, as text."""
    registry = CollectorRegistry()
    registry.register(_RuntimeCollector(metrics.runtime))
    registry.register(_WebCollector(metrics))
    return generate_latest(registry)


class _WebCollector(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        requests = CounterMetricFamily(
            f"{PREFIX}_http_requests",
            "HTTP requests by method, route and status",
            labels=("method", "route", "status"),
        )
        for (method, route, status), count in self._metrics.requests.items():
            requests.add_metric((method, route, str(int(status))), count)
        yield requests
        forwards = CounterMetricFamily(
            f"{PREFIX}_forwards",
            "Requests that other nodes were asked to answer, by what came of it",
            labels=("outcome",),
        )
        for outcome, count in self._metrics.forwards.items():
            forwards.add_metric((outcome,), count)
        yield forwards
        yield _histogram(
            "event_loop_lag_seconds",
            "How late the event loop does what is due, observed twenty times a second",
            self._metrics.lag,
        )


class _RuntimeCollector(Collector):
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[Metric]:
        now = self._runtime.statistics()
        directory, persister, ownership = now.directory, now.persister, now.ownership
        gauges = {
            "active_sessions": ("Sessions in memory", directory.active_sessions),
            "followers": ("Streams of events, and whoever else follows", now.followers),
            "dirty_sessions": ("Sessions not wholly on disk", persister.dirty_sessions),
            "undurable_bytes": ("Memory held by what is not on disk", persister.undurable_bytes),
            "oldest_undurable_seconds": (
                "Age of the oldest state that is not on disk",
                persister.oldest_undurable_age,
            ),
            "store_failing": ("1 while the store fails", persister.failing_since is not None),
            "shards": ("Of the 256 parts of all sessions, those of this node", ownership.shards),
        }
        if (index := now.index) is not None:
            gauges |= {
                "index_waiting_sessions": (
                    "Sessions that were written, and cannot wholly be found by search yet",
                    index.waiting_sessions,
                ),
                "index_lag_seconds": ("Age of the oldest that search cannot find yet", index.lag),
                "index_catching_up": (
                    "1 while search looks through all sessions for what it lacks",
                    index.is_catching_up,
                ),
                "index_failing": ("1 while search cannot be kept up to date", index.is_failing),
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
            "takeovers": ("Other nodes found dead, and ended", ownership.takeovers),
            "fence_refusals": (
                "Commits refused by the store, because others own what was in them",
                ownership.refusals,
            ),
        }
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(f"{PREFIX}_{name}", text, value)
        yield _histogram("commit_seconds", "Duration of commits", persister.commit_seconds)
        yield _histogram("batch_sessions", "Sessions in a commit", persister.batch_sessions)


def _histogram(name: str, text: str, histogram: Histogram) -> HistogramMetricFamily:
    total = 0
    buckets = []
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        total += count
        buckets.append((str(bound), float(total)))
    return HistogramMetricFamily(f"{PREFIX}_{name}", text, buckets, histogram.sum)
