"""Which pictures there are, and of which rows each is made."""

from collections.abc import Sequence

from benchmarks.baselines import BARE_CHANNEL, BARE_SQLITE
from benchmarks.embedded import OURS
from benchmarks.pictures.description import Panel, Picture, Series
from benchmarks.pictures.palette import BLUE, GREEN, GREY, OLIVE, ORANGE, PURPLE, RED

Look = tuple[str, str]
"""The name beside a line or a bar, and its colour."""

PEERS: dict[str, Look] = {
    "agent-runtime, snapshot": ("agent-runtime, snapshot", ORANGE),
    "agent-runtime, commit": ("agent-runtime, commit", BLUE),
    "bare SQLite": ("bare SQLite", GREY),
    "OpenAI Agents SDK, SQLiteSession": ("OpenAI SQLiteSession", GREEN),
    "the guide's design": ("the guide's design", PURPLE),
    "LangGraph, AsyncSqliteSaver": ("LangGraph AsyncSqliteSaver", OLIVE),
    "Google ADK, DatabaseSessionService": ("Google ADK", RED),
}
SERVICES: dict[str, Look] = {
    "agent-runtime, commit": ("agent-runtime, commit", BLUE),
    "the guide's design, FastAPI on uvicorn": ("the guide's design", PURPLE),
}
READ: dict[str, Look] = {
    "agent-runtime, commit": ("agent-runtime, commit", BLUE),
    "bare Quart-Trio": ("bare Quart-Trio", GREEN),
    "bare Quart-Trio, its own connection class": ("bare Quart-Trio, stock", OLIVE),
    "bare ASGI": ("bare ASGI", GREY),
}
WRITTEN: dict[str, Look] = {
    "agent-runtime, snapshot": ("agent-runtime, snapshot", ORANGE),
    "agent-runtime, commit": ("agent-runtime, commit", BLUE),
    "bare Quart-Trio": ("bare Quart-Trio", GREEN),
}
LISTS: dict[str, Look] = {
    "histories alone": ("histories alone", GREY),
    "both at once": ("while lists are read", BLUE),
}


def _each(work: str, contenders: dict[str, Look]) -> list[Series]:
    """What each contender came to at this work."""
    return [Series(work, who, *look) for who, look in contenders.items()]


def _ours(works: dict[str, Look], by: str) -> list[Series]:
    """What this runtime came to at each of these works."""
    return [Series(f"{work}, {by}", OURS, *look) for work, look in works.items()]


def _bars(
    title: str,
    work: str,
    contenders: dict[str, Look],
    *,
    better: str = "longer",
    logarithmic: bool = True,
    named: bool = True,
) -> Panel:
    return Panel(
        kind="bars",
        title=title,
        named=named,
        x_label=f"{better} is better{'; ten times as much each line' if logarithmic else ''}",
        logarithmic=logarithmic,
        series=_each(work, contenders),
    )


def _http(
    work: str, contenders: dict[str, Look], *, better: str = "longer", named: bool = True
) -> Panel:
    return _bars(work, work, contenders, better=better, logarithmic=False, named=named)


def _latencies(title: str, series: Sequence[Series]) -> Panel:
    return Panel(
        kind="distribution", title=title, x_label="percentile of the answers", series=series
    )


def _growth(
    title: str, by: str, x_label: str, works: dict[str, Look], *, logarithmic: bool = True
) -> Panel:
    return Panel(
        kind="curve",
        title=title,
        x_label=x_label,
        logarithmic=logarithmic,
        series=_ours(works, by),
    )


_SESSION = ("by length of the session", "messages in the session")
_DATABASE = ("by sessions in the database", "sessions in the database")

PICTURES = (
    Picture(
        name="latency-embedded",
        alt="Latency of asks and appends by percentile, beside a bare channel and bare SQLite",
        suite="runtime",
        panels=[
            _latencies(
                "How long one caller waits for an answer, embedded",
                [
                    *_each(
                        "ask and reply, one caller",
                        {BARE_CHANNEL: ("bare channel", GREY), OURS: ("ask", GREEN)},
                    ),
                    *_ours({"append in `snapshot`": ("append, snapshot", ORANGE)}, "one caller"),
                    *_each(
                        "append in `commit`, one caller",
                        {BARE_SQLITE: ("bare SQLite commit", GREY), OURS: ("append, commit", BLUE)},
                    ),
                ],
            )
        ],
    ),
    Picture(
        name="durabilities",
        alt="Appends per second in both durabilities, by the number of sessions that append",
        suite="runtime",
        panels=[
            _growth(
                "Appends per second, embedded",
                "many sessions",
                "sessions that append at the same time",
                {
                    "append in `snapshot`": ("snapshot", ORANGE),
                    "append in `commit`": ("commit", BLUE),
                },
            )
        ],
    ),
    Picture(
        name="growth-session",
        alt="Time of calls, and bytes written by an append, by the length of the session",
        suite="growth",
        panels=[
            _growth(
                "How long a call takes",
                *_SESSION,
                {
                    "append in `commit`": ("append, commit", BLUE),
                    "snapshot": ("flush", GREEN),
                    "append in `snapshot`": ("append, snapshot", ORANGE),
                    "history, before its first piece": ("history, first piece", PURPLE),
                    "history": ("history, unpacked", RED),
                },
            ),
            _growth(
                "Bytes that an append writes",
                *_SESSION,
                {"bytes written by an append": ("append, commit", BLUE)},
                logarithmic=False,
            ),
        ],
    ),
    Picture(
        name="growth-database",
        alt="Time of calls and of the start, memory, bytes written, by sessions in the database",
        suite="growth",
        panels=[
            _growth(
                "How long the start and calls take",
                *_DATABASE,
                {
                    "start of the service": ("start", OLIVE),
                    "list of 50 sessions": ("list of 50", GREEN),
                    "append in `commit`": ("append, commit", BLUE),
                    "snapshot": ("flush", ORANGE),
                    "history of an inactive session": ("history", PURPLE),
                },
            ),
            _growth(
                "Memory of the service after its start",
                *_DATABASE,
                {"memory of the service after its start": ("resident", OLIVE)},
                logarithmic=False,
            ),
            _growth(
                "Bytes that an append writes",
                *_DATABASE,
                {"bytes written by an append": ("append, commit", BLUE)},
                logarithmic=False,
            ),
        ],
    ),
    Picture(
        name="server",
        alt="The service's answers per second over HTTP, and those of bare routes, as bars",
        suite="compare",
        panels=[
            _http("GET history, 3 messages, 16 clients", READ),
            _http("POST messages, 64 clients", WRITTEN),
        ],
    ),
    Picture(
        name="latency-http",
        alt="Latency over HTTP by percentile: the service beside bare routes, and beside a list",
        suite="compare",
        columns=1,
        panels=[
            _latencies(
                "POST messages, 64 clients", _each("POST messages, 64 clients: latency", WRITTEN)
            ),
            _latencies(
                "GET history, 3 messages, 200 a second",
                _each("GET history while 100,000 sessions are listed: latency", LISTS),
            ),
        ],
    ),
    Picture(
        name="peers",
        alt="Appends and histories of this runtime, bare SQLite and four peers, as bars",
        suite="peers",
        panels=[
            _bars("Appends to 1 session", "append, 1 session", PEERS),
            _bars("Appends to 64 sessions at once", "append, 64 sessions", PEERS, named=False),
            _bars(
                "An append at 5,000 messages", "append at 5,000 messages", PEERS, better="shorter"
            ),
            _bars(
                "The history of 5,000 messages",
                "history of 5,000 messages",
                PEERS,
                better="shorter",
                named=False,
            ),
        ],
    ),
    Picture(
        name="latency-peers",
        alt="Latency of an append by percentile: this runtime, bare SQLite and four peers",
        suite="peers",
        columns=1,
        panels=[
            _latencies("An append to 1 session", _each("append, 1 session: latency", PEERS)),
            _latencies(
                "An append, 64 sessions at once", _each("append, 64 sessions: latency", PEERS)
            ),
        ],
    ),
    Picture(
        name="peers-http",
        alt="This service and the guide's design over HTTP, as bars",
        suite="peers",
        panels=[
            _http("GET history, 3 messages", SERVICES),
            _http("GET history, 1,000 messages", SERVICES, named=False),
            _http("GET sessions, 1,000 of them", SERVICES),
            _http("POST messages, at 1,000 messages", SERVICES, better="shorter", named=False),
        ],
    ),
)
"""In the order of the document."""
