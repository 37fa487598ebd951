"""What has to come out: the product's promises of speed, each as a ratio within one run.

Absolute promises are made only where a person waits, and they are generous. Where something has to
stay as it is, whatever the size, the limit is the noise that is let pass: 1.3 for what an append
takes and writes, 1.1 for the memory after the start.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from attrs import frozen


@frozen(kw_only=True)
class Budget:
    """One promise."""

    work: str
    limit: float
    best: Literal["low", "high"]
    """Whether the measured value may be at most, or must be at least, `limit`."""
    of: str
    """What `limit` is counted in: "× a bare ask and reply"."""
    suite: str
    """Whose results hold the measured value."""
    words: str = ""
    """The promise itself, where the measured value is a share of what it allows."""

    @property
    def bound(self) -> str:
        """The promise in words."""
        return self.words or f"{'≤' if self.best == 'low' else '≥'} {self.limit:g} {self.of}"

    def is_met(self, value: float) -> bool:
        """Whether the promise is kept."""
        return value <= self.limit if self.best == "low" else value >= self.limit

    def shown(self, value: float) -> str:
        """A measured value as it stands in the table."""
        digits = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        return f"{digits} {self.of.split(' ', 1)[0]}"


BUDGETS: Mapping[str, Budget] = MappingProxyType(
    {
        "append_snapshot": Budget(
            work="embedded append, `snapshot`",
            limit=3,
            best="low",
            of="× a bare trio memory-channel ask and reply",
            suite="runtime",
        ),
        "append_commit_thread": Budget(
            work="embedded append, `commit`, one caller",
            limit=1.15,
            best="low",
            of="× one bare SQLite FULL commit of a row through `trio.to_thread.run_sync`",
            suite="runtime",
        ),
        "append_commit": Budget(
            work="the same",
            limit=2.5,
            best="low",
            of="× one bare SQLite FULL commit of a row",
            suite="runtime",
        ),
        "append_pages": Budget(
            work="the same, with its client's id: pages written to the WAL",
            limit=5,
            best="low",
            of="pages",
            suite="runtime",
        ),
        "append_commit_64": Budget(
            work="the same, 64 sessions at once",
            limit=8,
            best="high",
            of="× one caller's rate",
            suite="runtime",
        ),
        "append_commit_64_bare": Budget(
            work="the same, 64 sessions at once",
            limit=0.75,
            best="high",
            of="× the rate of bare SQLite that commits 64 rows at a time",
            suite="runtime",
        ),
        "append_64_openai": Budget(
            work="the same, 64 sessions at once",
            limit=4,
            best="high",
            of="× OpenAI `SQLiteSession` under the same 64",
            suite="peers",
        ),
        "append_rich": Budget(
            work="append of a message with parts and reasoning",
            limit=1.2,
            best="low",
            of="× of a plain one of as many bytes",
            suite="runtime",
        ),
        "append_long": Budget(
            work="append into a session of 100,000 messages",
            limit=1.3,
            best="low",
            of="× into an empty one",
            suite="growth",
        ),
        "bytes_long": Budget(
            work="bytes written per append into a session of 100,000 messages",
            limit=1.3,
            best="low",
            of="× into an empty one",
            suite="growth",
        ),
        "append_guide_commit": Budget(
            work="append at 5,000 messages, `commit`",
            limit=30,
            best="high",
            of="× the guide's design",
            suite="peers",
        ),
        "append_guide_snapshot": Budget(
            work="append at 5,000 messages, `snapshot`",
            limit=500,
            best="high",
            of="× the guide's design",
            suite="peers",
        ),
        "activation": Budget(
            work="activation of a 1,000-message session",
            limit=1.3,
            best="low",
            of="× reading the same rows with bare sqlite3",
            suite="runtime",
        ),
        "memory": Budget(
            work="memory of an idle active session",
            limit=1,
            best="low",
            of="× what is allowed",
            words="≤ 8 KB + 1.2 × its resident JSON",
            suite="runtime",
        ),
        "long_activation": Budget(
            work="activation of a session of 1 GB, 100,000 messages",
            limit=5,
            best="low",
            of="× of one of 1,000 messages of the same size",
            suite="any_length",
        ),
        "long_memory": Budget(
            work="memory that it takes then",
            limit=4,
            best="low",
            of="MiB",
            suite="any_length",
        ),
        "long_last": Budget(
            work="its last 50 messages over HTTP, when it is not in memory, or the process is new",
            limit=0.1,
            best="low",
            of="s",
            suite="any_length",
        ),
        "long_history": Budget(
            work="its whole history over HTTP: memory of the service, also with a slow reader",
            limit=50,
            best="low",
            of="MB more than before",
            suite="any_length",
        ),
        "start": Budget(
            work="start with 1,000,000 stored sessions: first answer",
            limit=1,
            best="low",
            of="s",
            suite="growth",
        ),
        "start_memory": Budget(
            work="memory after the start with 1,000,000 stored sessions",
            limit=1.1,
            best="low",
            of="× with none",
            suite="growth",
        ),
        "list_growth": Budget(
            work="list of 50 sessions with 1,000,000 stored ones",
            limit=1.5,
            best="low",
            of="× with 1,000",
            suite="growth",
        ),
        "bulk": Budget(
            work="bulk writes through the persister",
            limit=0.7,
            best="high",
            of="× bare `executemany` at the same batch size",
            suite="runtime",
        ),
        "batch_time": Budget(
            work="batches of 1,000 sessions, one message each",
            limit=1,
            best="low",
            of="× the time of schema 1",
            suite="runtime",
        ),
        "batch_pages": Budget(
            work="the same: pages written to the WAL",
            limit=1,
            best="low",
            of="× those of schema 1",
            suite="runtime",
        ),
        "fork": Budget(
            work="fork of a session of 100,000 messages",
            limit=2,
            best="low",
            of="× a bare `INSERT ... SELECT` of as many rows",
            suite="runtime",
        ),
        "history_3": Budget(
            work="`GET history`, 3 messages",
            limit=0.85,
            best="high",
            of="× a bare Quart-Trio route's rate on the same server",
            suite="compare",
        ),
        "history_1000": Budget(
            work="`GET history`, 1,000 messages",
            limit=10,
            best="high",
            of="× the guide's design",
            suite="peers",
        ),
        "list_1000": Budget(
            work="`GET /sessions`, 1,000 sessions",
            limit=10,
            best="high",
            of="× the guide's design",
            suite="peers",
        ),
        "post_64": Budget(
            work="`POST messages`, `commit`, 64 clients",
            limit=0.7,
            best="high",
            of="× a bare Quart-Trio POST route that reads and decodes the same body",
            suite="compare",
        ),
        "list_first_byte": Budget(
            work="`GET /sessions` with 100,000 sessions: first byte",
            limit=0.1,
            best="low",
            of="s after the request",
            suite="compare",
        ),
        "list_bystanders": Budget(
            work="p99 of other requests meanwhile",
            limit=2,
            best="low",
            of="× their p99 without it",
            suite="compare",
        ),
        "stalls": Budget(
            work="longest answer of `/health` beside any legal request of 16 MiB",
            limit=0.05,
            best="low",
            of="s above the longest one of the idle service",
            suite="stalls",
        ),
        "append_beside_limits": Budget(
            work="others' append, p99, while one session is patched, filled and listed at its "
            "limits",
            limit=2,
            best="low",
            of="× its p99 alone",
            suite="limits",
        ),
    }
)
"""By key, in the order in which they are reported."""
