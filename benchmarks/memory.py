"""Memory of idle active sessions, by their length; `resident` is the process that it is read in."""

import subprocess
import sys
from itertools import count
from pathlib import Path

from attrs import frozen

from benchmarks import resident
from benchmarks.baselines import encoded
from benchmarks.embedded import OURS
from benchmarks.measure import Spread, in_turn
from benchmarks.results import Results
from benchmarks.stores import fill_with
from benchmarks.suite import Effort
from benchmarks.workload import conversation, short_message

LENGTHS = {0: 1_000, 3: 1_000, 20: 500, 200: 100}
"""Messages of a session, and how many such sessions are in memory."""

FIXED, SHARE = 8 * 1024, 1.2
"""What the budget allows: bytes for the session, and for each byte of its messages' JSON."""

PLAIN, NAMED, APPENDED = "loaded", "messages with client ids", "appended to"
HOW = {
    PLAIN: "loaded",
    NAMED: 'loaded; a message\'s JSON has its `"id"`',
    APPENDED: "short messages, appended and saved one by one",
}
"""What sessions are measured, and how they came into memory."""

ROOT = Path(__file__).parents[1]


@frozen
class Group:
    """Sessions of one length."""

    what: str
    length: int
    sessions: int

    def prefix(self, number: int) -> str:
        """What the sessions' ids begin with in this round: what is appended makes new ones."""
        turn = number if self.what == APPENDED else 0
        return f"{self.what.replace(' ', '-')}-{self.length}-{turn}-"


def memory(effort: Effort, results: Results) -> None:
    """What an idle active session takes, beside the JSON of its messages."""
    path = effort.folder / "memory.db"
    lengths = effort.of(full=LENGTHS, quick={0: 500, 3: 500})
    groups = [
        Group(what, length, sessions)
        for what in HOW
        for length, sessions in lengths.items()
        if length or what == PLAIN
    ]
    seeds = count()
    others = [conversation(20, next(seeds)) for _ in range(resident.OTHER_SESSIONS)]
    fill_with(path, resident.OTHERS, others, ids=True)
    size = {}
    for group in groups:
        if group.what == APPENDED:
            bodies = [encoded(short_message(number)).encode() for number in range(group.length)]
            size[group] = group.sessions * sum(map(len, bodies))
        else:
            conversations = [conversation(group.length, next(seeds)) for _ in range(group.sessions)]
            size[group] = fill_with(path, group.prefix(0), conversations, ids=group.what == NAMED)

    measured: dict[Group, list[float]] = {group: [] for group in groups}
    for number, group in in_turn(groups, effort.rounds):
        appended = group.length if group.what == APPENDED else 0
        each = bytes_each(path, group.prefix(number), group.sessions, appended)
        measured[group].append(each)

    ratios = []
    for group, values in measured.items():
        allowed = FIXED + SHARE * size[group] / group.sessions
        spread = results.add(
            "memory of an idle active session",
            OURS if group.what == PLAIN else f"{OURS}, {group.what}",
            "B",
            values,
            x=group.length,
            note=f"growth of the resident set; {HOW[group.what]}; allowed: {allowed:,.0f} B",
        )
        ratios.append([value / allowed for value in spread.values])
    # The worst of them counts.
    results.judge("memory", Spread(map(max, zip(*ratios, strict=True))))


def bytes_each(
    path: Path, prefix: str, sessions: int, appended: int, others: int = resident.OTHER_SESSIONS
) -> float:
    """What `resident` prints: bytes of memory that each of these sessions takes."""
    arguments = [str(path), prefix, str(sessions), str(appended), "--others", str(others)]
    process = subprocess.run(
        [sys.executable, "-m", resident.__name__, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(process.stdout)
