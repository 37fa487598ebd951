"""Memory of idle active sessions, by their length; `resident` is the process that it is read in."""

import subprocess
import sys
from itertools import count
from pathlib import Path

from attrs import frozen

from benchmarks import resident
from benchmarks.embedded import OURS
from benchmarks.measure import Spread, in_turn
from benchmarks.results import Results
from benchmarks.stores import body_bytes, fill_with
from benchmarks.suite import Effort
from benchmarks.workload import conversation

LENGTHS = {0: 1_000, 3: 1_000, 20: 500, 200: 100}
"""Messages of a session, and how many such sessions are activated."""

FIXED, SHARE = 8 * 1024, 1.2
"""What the budget allows: bytes for the session, and for each byte of its messages' JSON."""

ROOT = Path(__file__).parents[1]


@frozen
class Group:
    """Sessions of one length."""

    length: int
    sessions: int
    ids: bool
    """Whether their messages carry client ids."""

    @property
    def prefix(self) -> str:
        """What the sessions' ids begin with."""
        return f"{'named' if self.ids else 'plain'}-{self.length}-"


def memory(effort: Effort, results: Results) -> None:
    """What an idle active session takes, beside the JSON of its messages."""
    path = effort.folder / "memory.db"
    groups = [
        Group(length, sessions, ids)
        for length, sessions in effort.of(full=LENGTHS, quick={0: 300, 3: 100}).items()
        for ids in ((False, True) if length else (False,))
    ]
    seeds = count()
    others = [conversation(20, next(seeds)) for _ in range(resident.OTHER_SESSIONS)]
    fill_with(path, resident.OTHERS, others, ids=True)
    for group in groups:
        conversations = [conversation(group.length, next(seeds)) for _ in range(group.sessions)]
        fill_with(path, group.prefix, conversations, ids=group.ids)

    measured: dict[Group, list[float]] = {group: [] for group in groups}
    for _, group in in_turn(groups, effort.rounds):
        measured[group].append(_bytes_each(path, group))

    ratios = []
    for group, values in measured.items():
        allowed = FIXED + SHARE * body_bytes(path, group.prefix) / group.sessions
        spread = results.add(
            "memory of an idle active session",
            f"{OURS}, messages with client ids" if group.ids else OURS,
            "B",
            values,
            x=group.length,
            note=f"growth of the resident set; the budget for these would be {allowed:,.0f} B",
        )
        if not group.ids:
            ratios.append([value / allowed for value in spread.values])
    # The worst of the lengths counts.
    results.judge("memory", Spread(map(max, zip(*ratios, strict=True))))


def _bytes_each(path: Path, group: Group) -> float:
    arguments = [str(path), group.prefix, str(group.sessions)]
    process = subprocess.run(
        [sys.executable, "-m", resident.__name__, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(process.stdout)
