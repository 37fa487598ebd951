"""A framework's sessions, in its own store or in ours: `… adapters FRAMEWORK STORE`.

- `langgraph`      a checkpoint of 20 KB and what a task wrote, in a thread
- `openai_agents`  two items, as a turn has them
- `google_adk`     an event

`STORE` is `peer:FILE`, the framework's own on SQLite; `embedded:FILE`, a runtime in this process;
the URL of a service; or `bare:URL`, to which as much is posted. It is driven by lines of JSON, as
`protocol` has it:

- `{"do": "fill", "number": 1500}`: so many of these in one session
- `{"do": "write", "number": 50}`: some more, one after the other
- `{"do": "latest", "number": 5}`: the newest of them, each time by a store that is opened anew
- `{"do": "some", "number": 5}`: some of the newest, by one that is open

and answers `{"latencies": […]}`.
"""

# mypy: disable-error-code="import-not-found"

import asyncio
import json
import sys
import tomllib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any
from uuid import uuid4

from benchmarks.contenders.libraries import google, openai
from benchmarks.contenders.protocol import About, described
from benchmarks.workload import text

Kind = str
"""`peer`, `embedded`, or `service`."""

LARGE = 20_000
"""Characters of a checkpoint's value."""
SOME_CHECKPOINTS, SOME_ITEMS = 10, 20


class Store(ABC):
    """One that is open, with one session."""

    about: About

    @abstractmethod
    async def fill(self, number: int) -> None:
        """The fastest way that it has."""

    @abstractmethod
    async def write(self, number: int) -> None:
        """One more."""

    @abstractmethod
    async def latest(self) -> None:
        """The newest, by a store opened anew."""

    @abstractmethod
    async def some(self) -> None:
        """Some of the newest."""


class Checkpoints(Store):
    """LangGraph's. Each is the next one's parent, and has a new value in one of two channels."""

    def __init__(self, about: About, saver: Any, again: Callable[[], Any]) -> None:
        self.about, self._saver, self._again = about, saver, again
        self._thread: Any = {"configurable": {"thread_id": "thread", "checkpoint_ns": ""}}
        self._last, self._version = self._thread, None
        random = Random(0)  # noqa: S311 -- it only varies the text
        self._texts = [text(LARGE, random) for _ in range(20)]

    async def fill(self, number: int) -> None:
        for one in range(number):
            await self.write(one)

    async def write(self, number: int) -> None:
        from langgraph.checkpoint.base import empty_checkpoint

        self._version = self._saver.get_next_version(self._version, None)
        checkpoint = empty_checkpoint()
        checkpoint["channel_values"] = {"state": self._texts[number % 20], "name": "Ada"}
        checkpoint["channel_versions"] = {"state": self._version, "name": "1"}
        metadata = {"source": "loop", "step": number, "parents": {}}
        versions = {"state": self._version}
        self._last = self._saver.put(self._last, checkpoint, metadata, versions)
        self._saver.put_writes(self._last, [("name", "Ada")], str(uuid4()))

    async def latest(self) -> None:
        with self._again() as saver:
            found = saver.get_tuple(self._thread)
        assert found.config == self._last
        assert len(found.pending_writes) == 1

    async def some(self) -> None:
        found = list(self._saver.list(self._thread, limit=SOME_CHECKPOINTS))
        assert len(found) == SOME_CHECKPOINTS


class Items(Store):
    """Of a session of the OpenAI Agents SDK."""

    def __init__(self, about: About, made: Callable[[], Any]) -> None:
        self.about, self._made, self._session = about, made, made()

    async def fill(self, number: int) -> None:
        for first in range(0, number, 1000):
            await self._session.add_items(self._items(min(1000, number - first)))

    async def write(self, number: int) -> None:  # noqa: ARG002
        await self._session.add_items(self._items(2))

    async def latest(self) -> None:
        with closing(self._made()) as session:
            assert len(await session.get_items(1)) == 1

    async def some(self) -> None:
        assert len(await self._session.get_items(SOME_ITEMS)) == SOME_ITEMS

    def _items(self, number: int) -> list[Any]:
        random = Random(number)  # noqa: S311 -- it only varies the text
        return [
            {"role": role, "content": text(300, random)}
            for _, role in zip(range(number), ["user", "assistant"] * number, strict=False)
        ]


class Events(Store):
    """Of a session of Google ADK. It appends to an object that it has got."""

    def __init__(self, about: About, service: Any) -> None:
        self.about, self._service = about, service
        self._whose = {"app_name": "benchmark", "user_id": "user"}
        self._session: Any = None

    async def fill(self, number: int) -> None:
        self._session = await self._service.create_session(**self._whose, session_id="session")
        for one in range(number):
            await self.write(one)

    async def write(self, number: int) -> None:
        from google.adk.events import Event
        from google.genai.types import Content, Part

        said = text(300, Random(number))  # noqa: S311 -- it only varies the text
        content = Content(role="user", parts=[Part(text=said)])
        await self._service.append_event(self._session, Event(author="user", content=content))

    async def latest(self) -> None:
        raise NotImplementedError("a session is got with all of its events")

    async def some(self) -> None:
        raise NotImplementedError("a session is got with all of its events")


class Posts(Store):
    """What a write of one of these costs at least over HTTP: nothing is stored but its bytes."""

    def __init__(self, framework: str, url: str) -> None:
        import httpx

        self.about = described("httpx to a bare server", httpx.__version__, "wal", 2)
        self._client = httpx.Client(base_url=url)
        self._in_thread = framework == "openai_agents"
        self._bodies = [b"x" * 700] if self._in_thread else [b"x" * (LARGE * 4 // 3), b"x" * 300]

    async def fill(self, number: int) -> None:
        """Nothing: it does not depend on it."""

    async def write(self, number: int) -> None:  # noqa: ARG002
        if self._in_thread:
            await asyncio.to_thread(self._post)
        else:
            self._post()

    def _post(self) -> None:
        for body in self._bodies:
            self._client.post("/", content=body).raise_for_status()

    async def latest(self) -> None:
        raise NotImplementedError("it has nothing to read")

    async def some(self) -> None:
        raise NotImplementedError("it has nothing to read")


@asynccontextmanager
async def peer(framework: str, path: str) -> AsyncIterator[Store]:
    """The framework's own store, on a new file."""
    if framework == "langgraph":
        from langgraph.checkpoint.sqlite import SqliteSaver

        with SqliteSaver.from_conn_string(path) as saver:
            saver.setup()
            mode, level = (
                saver.conn.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous")
            )
            release = version("langgraph-checkpoint-sqlite")
            about = described("LangGraph, SqliteSaver", release, mode, level)
            yield Checkpoints(about, saver, lambda: SqliteSaver.from_conn_string(path))
    elif framework == "openai_agents":
        from agents import SQLiteSession

        async with openai(path) as library:
            about = library.about
        session = SQLiteSession("session", path)
        yield Items(about, lambda: session)
        session.close()
    else:
        from google.adk.sessions import DatabaseSessionService

        url = f"sqlite+aiosqlite:///{path}"
        async with google(path) as library, DatabaseSessionService(url) as service:
            yield Events(library.about, service)


def ours(framework: str, about: About, where: Any) -> Store:
    """The framework's adapter. `where`: what each of its stores is given to find us."""
    if framework == "langgraph":
        from web.clients.langgraph import AgentRuntimeSaver

        return Checkpoints(about, AgentRuntimeSaver(**where), lambda: AgentRuntimeSaver(**where))
    if framework == "openai_agents":
        from web.clients.openai_agents import AgentRuntimeSession

        return Items(about, lambda: AgentRuntimeSession("session", **where))
    from web.clients.google_adk import AgentRuntimeSessionService

    return Events(about, AgentRuntimeSessionService(**where))


def about_ours(kind: Kind) -> About:
    """What is true of us when a call has returned."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = described(f"agent-runtime, {kind}", project["version"], "wal", 2)
    if kind == "embedded":
        about["acknowledges"] = "from memory; on disk within 1 s"
        about["durable"] = False
    return about


@contextmanager
def found(store: str) -> Iterator[tuple[Kind, Any]]:
    """What an adapter is given: a service's URL, or a runtime."""
    kind, _, path = store.partition(":")
    if kind != "embedded":
        yield "service", {"url": store}
        return
    from web.clients.embedded import open_portal

    with open_portal(f"sqlite:///{path}") as runtime:
        yield "embedded", {"runtime": runtime}


async def serve(store: Store) -> None:
    """Does what standard input asks for, until it ends."""
    print(json.dumps(store.about), flush=True)
    count = 0
    for line in sys.stdin:
        order = json.loads(line)
        latencies = []
        if order["do"] == "fill":
            await store.fill(order["number"])
            count += order["number"]
        else:
            for _ in range(order["number"]):
                started = perf_counter()
                match order["do"]:
                    case "write":
                        await store.write(count)
                        count += 1
                    case "latest":
                        await store.latest()
                    case "some":
                        await store.some()
                latencies.append(perf_counter() - started)
        print(json.dumps({"latencies": latencies}), flush=True)


async def main(framework: str, store: str) -> None:
    """Serves one store."""
    if store.startswith("peer:"):
        async with peer(framework, store.removeprefix("peer:")) as opened:
            await serve(opened)
        return
    if store.startswith("bare:"):
        await serve(Posts(framework, store.removeprefix("bare:")))
        return
    with found(store) as (kind, where):
        await serve(ours(framework, about_ours(kind), where))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
