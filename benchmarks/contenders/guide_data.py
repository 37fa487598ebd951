"""A database as the guide's design leaves it, with so many conversations.

All are short but for the first, `session-0`, which has `LENGTH` messages and a second agent.
"""

from pathlib import Path

from benchmarks.contenders.contender import command_line
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
    parser = command_line("guide_data", __doc__)
    parser.add_argument("sessions", type=int, metavar="SESSIONS")
    parser.add_argument("length", type=int, metavar="LENGTH")
    arguments = parser.parse_args()
    write(arguments.file, arguments.sessions, arguments.length)
