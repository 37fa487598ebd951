"""Which pictures there are, and of which rows each is made."""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

from benchmarks.baselines import BARE_CHANNEL, BARE_SQLITE
from benchmarks.results import DISTRIBUTION, Results, Row
from benchmarks.stores import OURS

# Colours that can be told from a white page and from a dark one. A picture is one file for both,
# without a background: an `<img>` follows the system's colour scheme, which need not be the page's.
# So all are mid-tones, with a contrast of at least 3.5 to either. They differ for people who
# confuse red and green, and every line carries its name beside it.
BLUE, ORANGE, GREEN, PURPLE = "#1f83c9", "#d55e00", "#0f9068", "#b565a7"
OLIVE, RED, GREY = "#8a7a1e", "#c8574f", "#767d86"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, OLIVE, RED, GREY)
"""Grey is also that of all text, and of what only stands for a limit."""

Look = tuple[str, str]
"""The name beside a line or a bar, and its colour."""


@frozen
class Series:
    """A line, or a bar: what one contender came to at one work."""

    work: str
    who: str
    label: str
    colour: str

    def rows(self, results: Results, kind: str) -> list[Row]:
        """Its rows, from left to right."""
        work = f"{self.work}{DISTRIBUTION}" if kind == "distribution" else self.work
        found = [row for row in results.rows if (row.work, row.who) == (work, self.who)]
        return sorted(found, key=lambda row: row.x or 0)


@frozen
class Panel:
    """One diagram of a picture."""

    kind: Literal["curve", "distribution", "bars"]
    title: str
    series: Sequence[Series]
    x_label: str = ""
    logarithmic: bool = True
    """Whether the values are; otherwise their axis begins at 0."""
    named: bool = True
    """Whether bars have their names; not if the same ones stand to the left."""

    def found(self, results: Results) -> list[tuple[Series, list[Row]]]:
        """The series that were measured."""
        pairs = [(series, series.rows(results, self.kind)) for series in self.series]
        return [(series, rows) for series, rows in pairs if rows]


@frozen
class Picture:
    """One file, beside the document."""

    name: str
    """Of the file, and of the picture's place in the document."""
    suite: str
    """Whose results it is drawn from."""
    alt: str
    """What is to be seen, for those who do not see it."""
    panels: Sequence[Panel]
    columns: int = 2

    @property
    def file(self) -> str:
        return f"performance/{self.name}.svg"


def _each(work: str, contenders: Mapping[str, Look]) -> list[Series]:
    """What each contender came to at this work."""
    return [Series(work, who, *look) for who, look in contenders.items()]


def _bars(
    title: str, contenders: Mapping[str, Look], work: str = "", *, shorter: bool = False,
    named: bool = True,
) -> Panel:  # fmt: skip
    """Of the work that is the title; or of another one, then with a line for ten times as much."""
    label = f"{'shorter' if shorter else 'longer'} is better"
    label += "; ten times as much each line" if work else ""
    return Panel("bars", title, _each(work or title, contenders), label, bool(work), named)


def _latencies(title: str, series: Sequence[Series]) -> Panel:
    return Panel("distribution", title, series, "percentile of the answers")


def _growth(
    title: str, by: tuple[str, str], works: Sequence[tuple[str, str, str]], *, log: bool = True
) -> Panel:
    """What this runtime came to at each of these works, by a size that has a name."""
    series = [Series(f"{work}, {by[0]}", OURS, *look) for work, *look in works]
    return Panel("curve", title, series, by[1], log)


COMMIT = {"agent-runtime, commit": ("agent-runtime, commit", BLUE)}
SNAPSHOT = {"agent-runtime, snapshot": ("agent-runtime, snapshot", ORANGE)}
QUART = {"bare Quart-Trio, on Hypercorn": ("bare Quart-Trio, on Hypercorn", GREEN)}
PEERS = SNAPSHOT | COMMIT | {
    "bare SQLite": ("bare SQLite", GREY),
    "OpenAI Agents SDK, SQLiteSession": ("OpenAI SQLiteSession", GREEN),
    "the guide's design": ("the guide's design", PURPLE),
    "LangGraph, AsyncSqliteSaver": ("LangGraph AsyncSqliteSaver", OLIVE),
    "Google ADK, DatabaseSessionService": ("Google ADK", RED),
}  # fmt: skip
GUIDE = COMMIT | {"the guide's design, FastAPI on uvicorn": ("the guide's design", PURPLE)}
READ = COMMIT | QUART | {
    "agent-runtime on Hypercorn": ("agent-runtime on Hypercorn", OLIVE),
    "agent-runtime in a larger app, on Hypercorn": ("in a larger app, on Hypercorn", RED),
    "our server, bare": ("our server, bare", GREY),
}  # fmt: skip
WRITTEN = SNAPSHOT | COMMIT | QUART
LISTS = {
    "histories alone": ("histories alone", GREY),
    "both at once": ("while lists are read", BLUE),
}
_SESSION = ("by length of the session", "messages in the session")
_DATABASE = ("by sessions in the database", "sessions in the database")
_MANY = ("many sessions", "sessions that append at the same time")
_WRITTEN = [("bytes written by an append", "append, commit", BLUE)]

# A table: a row has its line.
# fmt: off
PICTURES = (
    Picture(
        "latency-embedded", "runtime",
        "Latency of asks and appends by percentile, beside a bare channel and bare SQLite",
        [_latencies("How long one caller waits for an answer, embedded", [
            Series("ask and reply, one caller", BARE_CHANNEL, "bare channel", GREY),
            Series("ask and reply, one caller", OURS, "ask", GREEN),
            Series("append in `snapshot`, one caller", OURS, "append, snapshot", ORANGE),
            Series("append in `commit`, one caller", BARE_SQLITE, "bare SQLite commit", GREY),
            Series("append in `commit`, one caller", OURS, "append, commit", BLUE),
        ])],
    ),
    Picture(
        "durabilities", "runtime",
        "Appends per second in both durabilities, by the number of sessions that append",
        [_growth("Appends per second, embedded", _MANY, [
            ("append in `snapshot`", "snapshot", ORANGE),
            ("append in `commit`", "commit", BLUE),
        ])],
    ),
    Picture(
        "growth-session", "growth",
        "Time of calls, and bytes written by an append, by the length of the session",
        [
            _growth("How long a call takes", _SESSION, [
                ("append in `commit`", "append, commit", BLUE),
                ("snapshot", "flush", GREEN),
                ("append in `snapshot`", "append, snapshot", ORANGE),
                ("history, before its first piece", "history, first piece", PURPLE),
                ("history", "history, unpacked", RED),
            ]),
            _growth("Bytes that an append writes", _SESSION, _WRITTEN, log=False),
        ],
    ),
    Picture(
        "growth-database", "growth",
        "Time of calls and of the start, memory, bytes written, by sessions in the database",
        [
            _growth("How long the start and calls take", _DATABASE, [
                ("start of the service", "start", OLIVE),
                ("list of 50 sessions", "list of 50", GREEN),
                ("append in `commit`", "append, commit", BLUE),
                ("snapshot", "flush", ORANGE),
                ("history of an inactive session", "history", PURPLE),
            ]),
            _growth("Memory of the service after its start", _DATABASE, [
                ("memory of the service after its start", "resident", OLIVE),
            ], log=False),
            _growth("Bytes that an append writes", _DATABASE, _WRITTEN, log=False),
        ],
    ),
    Picture(
        "server", "compare",
        "The service's answers per second over HTTP, and those of bare routes, as bars",
        [
            _bars("GET history, 3 messages, 16 clients", READ),
            _bars("POST messages, 64 clients", WRITTEN),
        ],
    ),
    Picture(
        "latency-http", "compare",
        "Latency over HTTP by percentile: the service beside bare routes, and beside a list",
        [
            _latencies("POST messages, 64 clients",
                       _each("POST messages, 64 clients: latency", WRITTEN)),
            _latencies("GET history, 3 messages, 200 a second",
                       _each("GET history while 100,000 sessions are listed: latency", LISTS)),
        ],
        columns=1,
    ),
    Picture(
        "peers", "peers",
        "Appends and histories of this runtime, bare SQLite and four peers, as bars",
        [
            _bars("Appends to 1 session", PEERS, "append, 1 session"),
            _bars("Appends to 64 sessions at once", PEERS, "append, 64 sessions", named=False),
            _bars("An append at 5,000 messages", PEERS, "append at 5,000 messages", shorter=True),
            _bars("The history of 5,000 messages", PEERS, "history of 5,000 messages",
                  shorter=True, named=False),
        ],
    ),
    Picture(
        "latency-peers", "peers",
        "Latency of an append by percentile: this runtime, bare SQLite and four peers",
        [
            _latencies("An append to 1 session", _each("append, 1 session: latency", PEERS)),
            _latencies("An append, 64 sessions at once",
                       _each("append, 64 sessions: latency", PEERS)),
        ],
        columns=1,
    ),
    Picture(
        "peers-http", "peers",
        "This service and the guide's design over HTTP, as bars",
        [
            _bars("GET history, 3 messages", GUIDE),
            _bars("GET history, 1,000 messages", GUIDE, named=False),
            _bars("GET sessions, 1,000 of them", GUIDE),
            _bars("POST messages, at 1,000 messages", GUIDE, shorter=True, named=False),
        ],
    ),
)
# fmt: on
"""In the order of the document."""
