"""A database as the guide's design leaves it.

`python -m benchmarks.contenders.guide_data FILE SESSIONS LENGTH` writes that many conversations,
all short but for the first, `session-0`, which has `LENGTH` messages and a second agent.
"""

import sys
from pathlib import Path

from benchmarks.contenders.guide_database import Database
from benchmarks.contenders.guide_sessions import AgentContexts, Sessions
from benchmarks.workload import conversation

SHORT = 3
"""Messages: a question and its answer, below a system prompt."""


def write(path: Path, number: int, length: int) -> None:
    """Makes the database."""
    database = Database(f"sqlite:///{path}")
    sessions, contexts = Sessions(database), AgentContexts(database)
    for seed in range(number):
        session_id = f"session-{seed}"
        contexts.get_or_create(session_id)
        sessions.append(session_id, conversation(SHORT if seed else length, seed))
    contexts.switch("session-0", "coder", "User requested coding task")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
