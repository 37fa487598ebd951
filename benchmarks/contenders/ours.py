"""The runtime as a contender: `python -m benchmarks.contenders.ours FILE`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import cast, get_args

from attrs import frozen

import runtime
from benchmarks import workload
from benchmarks.contenders.contender import About, Contender, command_line, described
from benchmarks.contenders.in_trio import run
from benchmarks.embedded import unpacked
from persistence import SQLiteStore, open_store
from runtime import Durability, RuntimeConfig, open_runtime

MOST = 1_000
"""Messages in one call, as over REST."""


@frozen
class OurSession:
    """A session of the runtime."""

    _session: runtime.Session

    async def append(self, message: workload.Message) -> object:
        return await self._session.append(message)

    async def fill(self, messages: Sequence[workload.Message]) -> object:
        for first in range(0, len(messages), MOST):
            await self._session.append(*messages[first : first + MOST])
        return None

    async def history(self) -> Sequence[object]:
        return unpacked(await self._session.history())


@frozen
class Ours(Contender):
    """A runtime over a store on disk."""

    about: About
    _runtime: runtime.Runtime

    async def session(self, session_id: str) -> OurSession:
        session = self._runtime.session(session_id)
        await session.create()
        return OurSession(session)

    async def settle(self) -> None:
        await self._runtime.flush()


@asynccontextmanager
async def opened(durability: Durability, path: Path) -> AsyncIterator[Ours]:
    """The runtime with its own defaults, but for the durability."""
    store = open_store(f"sqlite:///{path}")
    config = RuntimeConfig(durability=durability)
    about = _about(cast("SQLiteStore", store), config)
    async with open_runtime(store, config) as running:
        yield Ours(about, running)


def _about(store: SQLiteStore, config: RuntimeConfig) -> About:
    # Nothing public says what the writing connection is set to, and no other connection knows.
    connection = store._db.conn
    (journal_mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    about = described(
        f"agent-runtime, {config.durability}", version("agent-runtime"), journal_mode, level
    )
    if config.durability == "snapshot":
        about["acknowledges"] = f"from memory; on disk within {config.snapshot_interval:g} s"
        about["durable"] = False
        about["remark"] = "a rate is until all is on disk"
    return about


if __name__ == "__main__":
    parser = command_line("ours", __doc__)
    parser.add_argument("--durability", choices=get_args(Durability), required=True)
    arguments = parser.parse_args()
    run(opened(arguments.durability, arguments.file))
