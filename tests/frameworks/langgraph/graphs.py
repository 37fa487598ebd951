"""Small graphs with models that are none, and what tests ask of a session."""

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import httpx
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

THREAD: Any = {"configurable": {"thread_id": "thread"}}


def chat(saver: BaseCheckpointSaver, *answers: str | AIMessage) -> CompiledStateGraph:
    """A graph that says these, one a turn."""
    said = [AIMessage(one) if isinstance(one, str) else one for one in answers]
    model = GenericFakeChatModel(messages=iter(said))

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", END)
    return graph.compile(checkpointer=saver)


def fixed(saver: BaseCheckpointSaver, *messages: AnyMessage) -> CompiledStateGraph:
    """A graph that adds these in each turn."""
    graph = StateGraph(MessagesState)
    graph.add_node("add", lambda _: {"messages": list(messages)})
    graph.add_edge(START, "add")
    graph.add_edge("add", END)
    return graph.compile(checkpointer=saver)


class Steps(TypedDict):
    """What was done, in order."""

    done: Annotated[list[str], lambda old, new: old + new]


def asking(saver: BaseCheckpointSaver, ran: list[str]) -> CompiledStateGraph:
    """Three steps, of which the second asks a person. `ran`: which steps have run."""

    def first(_: Steps) -> dict[str, list[str]]:
        ran.append("first")
        return {"done": ["first"]}

    def second(_: Steps) -> dict[str, list[str]]:
        return {"done": [f"answered {interrupt('May I?')}"]}

    def third(_: Steps) -> dict[str, list[str]]:
        ran.append("third")
        return {"done": ["third"]}

    graph = StateGraph(Steps)
    for step in (first, second, third):
        graph.add_node(step.__name__, step)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    graph.add_edge("second", "third")
    return graph.compile(checkpointer=saver)


def texts(messages: Sequence[AnyMessage]) -> list[Any]:
    """What was said."""
    return [message.content for message in messages]


def get(url: str, path: str, session: str = "thread") -> Any:
    """What the service answers about a session, as any program may ask."""
    answer = httpx.get(f"{url}/api/v1/sessions/{session}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def history(url: str, session: str = "thread") -> list[tuple[str, Any]]:
    """Who said what, as the service's history has it."""
    messages = get(url, "/history", session)["messages"]
    return [(message["role"], message["content"]) for message in messages]
