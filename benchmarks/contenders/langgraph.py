"""LangGraph's `AsyncSqliteSaver`: `python -m benchmarks.contenders.langgraph FILE`.

A graph whose state is the messages, with one node that does nothing, and a thread for each session.
A message is added with `aupdate_state`: one checkpoint, where running the graph takes several.
"""

# mypy: disable-error-code="import-not-found"

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from benchmarks.contenders.protocol import About, Contender, described, run
from benchmarks.workload import Message


class LangGraph(Contender):
    """A graph with a checkpointer; a session is the configuration of a thread."""

    def __init__(self, about: About, saver: AsyncSqliteSaver) -> None:
        self.about = about
        graph: Any = StateGraph(MessagesState)
        graph.add_node("idle", lambda _: {})
        graph.add_edge(START, "idle")
        graph.add_edge("idle", END)
        self._graph = graph.compile(checkpointer=saver)

    async def session(self, session_id: str) -> dict[str, Any]:
        return {"configurable": {"thread_id": session_id}}

    async def append(self, session: dict[str, Any], message: Message) -> None:
        await self.fill(session, [message])

    async def fill(self, session: dict[str, Any], messages: Sequence[Message]) -> None:
        await self._graph.aupdate_state(session, {"messages": list(messages)})

    async def history(self, session: dict[str, Any]) -> Sequence[object]:
        messages: Sequence[object] = (await self._graph.aget_state(session)).values["messages"]
        return messages


@asynccontextmanager
async def opened(path: str) -> AsyncIterator[LangGraph]:
    """A new database."""
    async with AsyncSqliteSaver.from_conn_string(path) as saver:
        await saver.setup()
        async with saver.conn.execute("PRAGMA journal_mode") as found:
            (journal_mode,) = await found.fetchone()
        async with saver.conn.execute("PRAGMA synchronous") as found:
            (level,) = await found.fetchone()
        about = described(
            "LangGraph, AsyncSqliteSaver",
            version("langgraph-checkpoint-sqlite"),
            journal_mode,
            level,
            "a message is one `aupdate_state`",
        )
        yield LangGraph(about, saver)


if __name__ == "__main__":
    run(opened(sys.argv[1]))
