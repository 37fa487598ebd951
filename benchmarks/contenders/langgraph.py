"""LangGraph's `AsyncSqliteSaver`: `python -m benchmarks.contenders.langgraph FILE`.

A graph whose state is the messages, with one node that does nothing, and a thread for each session.
A message is added with `aupdate_state`: one checkpoint, where running the graph takes several.
"""

# mypy: disable-error-code="import-not-found"

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from benchmarks.contenders.contender import About, Contender, command_line, described
from benchmarks.contenders.in_asyncio import run
from benchmarks.workload import Message


class Thread:
    """One thread of the graph."""

    def __init__(self, graph: Any, thread_id: str) -> None:
        self._graph = graph
        self._config = {"configurable": {"thread_id": thread_id}}

    async def append(self, message: Message) -> None:
        await self._graph.aupdate_state(self._config, {"messages": [message]})

    async def fill(self, messages: Sequence[Message]) -> None:
        await self._graph.aupdate_state(self._config, {"messages": list(messages)})

    async def history(self) -> Sequence[object]:
        state = await self._graph.aget_state(self._config)
        messages: Sequence[object] = state.values["messages"]
        return messages


class LangGraph(Contender):
    """A graph with a checkpointer."""

    def __init__(self, about: About, graph: Any) -> None:
        self.about = about
        self._graph = graph

    async def session(self, session_id: str) -> Thread:
        return Thread(self._graph, session_id)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[LangGraph]:
    """A new database."""
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await saver.setup()
        about = described(
            "LangGraph, AsyncSqliteSaver",
            version("langgraph-checkpoint-sqlite"),
            await _pragma(saver, "journal_mode"),
            await _pragma(saver, "synchronous"),
            "a message is one `aupdate_state`",
        )
        yield LangGraph(about, _graph().compile(checkpointer=saver))


def _graph() -> Any:
    graph = StateGraph(MessagesState)
    graph.add_node("idle", lambda _: {})
    graph.add_edge(START, "idle")
    graph.add_edge("idle", END)
    return graph


async def _pragma(saver: AsyncSqliteSaver, name: str) -> Any:
    async with saver.conn.execute(f"PRAGMA {name}") as found:
        (value,) = await found.fetchone()
    return value


if __name__ == "__main__":
    run(opened(command_line("langgraph", __doc__).parse_args().file))
