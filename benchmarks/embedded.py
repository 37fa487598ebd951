"""Runtimes inside this process, and what is appended to their sessions."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import workload
from benchmarks.workload import short_message
from persistence import MemoryStore, SQLiteStore, open_store
from runtime import History, Message, Runtime, RuntimeConfig, Session, open_runtime
from runtime.session.forms import shown_json

OURS = "this runtime"

MESSAGE = Message(**short_message())


def opened(path: Path) -> SQLiteStore | MemoryStore:
    """The store at this absolute path, made if it is not there. No search for damage."""
    return open_store(f"sqlite:///{path}", quick_check="never")


def running(
    path: Path, config: RuntimeConfig | None = None
) -> AbstractAsyncContextManager[Runtime]:
    """A runtime on the database at this absolute path, which is made if it is not there."""
    return open_runtime(opened(path), config)


async def created(runtime: Runtime, sessions: int) -> list[Session]:
    """So many new sessions without messages, on disk and active."""
    found = [runtime.session(f"s-{number}") for number in range(sessions)]
    for session in found:
        await session.create(durable=False)
    await runtime.flush()
    return found


def unpacked(history: History) -> list[workload.Message]:
    """The messages of a history as objects, as whoever works with them needs them."""
    found: list[dict[str, Any]] = msgspec.json.decode(shown_json(history.entries.shown()))
    return found
