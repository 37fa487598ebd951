"""What the tests of the command line find: databases of an earlier run, and what it says."""

import os
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from subprocess import CompletedProcess, Popen

import click
import pytest
import trio

from persistence import open_store
from runtime import Message, Runtime, open_runtime
from tests.clock import Clock
from tests.persistence.builders import query
from tests.service import COMMAND, PATIENCE, Service
from web.cli.commands import main

DB = "data/agent_runtime.db"
OFFLINE = ("sessions", "show session-1", "export session-1", "backup copy.db", "verify")
"""What works beside a running service."""

Write = Callable[[Runtime, Clock], Awaitable[object]]


def seed(folder: Path, write: Write, db: str = DB) -> None:
    """What an earlier run wrote, on the guide's day."""
    clock = Clock()

    async def run() -> None:
        async with open_runtime(open_store(f"sqlite:///{folder}/{db}"), now=clock) as runtime:
            await write(runtime, clock)

    trio.run(run)


async def two_sessions(runtime: Runtime, clock: Clock) -> None:
    await runtime.session("session-2").append(Message(role="user", content="Hello"))
    clock.set("08:45")
    session = runtime.session("session-1")
    await session.append(*(Message(role="user", content=text) for text in "ab"))
    await session.switch_agent("coder", reason="User requested coding task")


async def an_old_and_a_new_session(runtime: Runtime, clock: Clock) -> None:
    await runtime.session("old").append(Message(role="user", content="Hello"))
    clock.moment = datetime.now(UTC)
    await runtime.session("new").append(Message(role="user", content="Hello"))


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def refused(result: CompletedProcess[str], code: int = 3) -> str:
    """The message with which a command failed: for an operator, so without a traceback."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def listed(folder: Path, db: str = DB) -> list[str]:
    return [row[0] for row in query(folder / db, "SELECT session_id FROM sessions ORDER BY 1")]


def log_of(folder: Path) -> str:
    return (folder / "logs" / "agent-runtime.log").read_text()


HALF_A_REQUEST = (
    b"POST /api/v1/sessions/s/messages HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n"
)
"""Is answered `100 Continue` once the endpoint asks for the body: the request is in flight."""


def address(service: Service) -> tuple[str, int]:
    return "127.0.0.1", int(service.url.rpartition(":")[2])


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """What a terminal gets."""
    ours, theirs = os.openpty()
    names = {**os.environ, "TERM": "xterm", **environment}
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = Popen([COMMAND, *arguments], cwd=folder, stdout=theirs, stderr=theirs, env=names)
        os.close(theirs)
        said = b""
        try:
            while piece := terminal.read(4096):
                said += piece
        except OSError:  # Linux: nobody has the other end any more
            pass
        assert process.wait(PATIENCE) == 0
    return said.decode().replace("\r\n", "\n")


needs_terminals = pytest.mark.skipif(
    not hasattr(os, "openpty"), reason="this system has no such terminals"
)


def all_commands() -> dict[str, click.Command]:
    """All of the program's commands, by name."""
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}
